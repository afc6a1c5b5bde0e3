//! Routes, as far as a host needs one to reach beyond its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::encode;
use super::error::Error;
use super::request::{Request, flags, kind, unsendable};

/// A unicast route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; with prefix 0 only its family counts.
    pub destination: IpAddr,
    /// Length of the prefix: 0 to 32 or 128.
    pub prefix: u8,
    /// The router, if it is not on the link.
    pub via: Option<IpAddr>,
    /// Index of the interface, if the kernel shall not find it from the router.
    pub index: Option<u32>,
    /// The table: 254 is the main one.
    pub table: u32,
    /// Who made it: 4 is the administrator (`RTPROT_STATIC`), 18 keepalived.
    pub protocol: u8,
}

impl Route {
    /// The default route through a router, in the main table, made by the administrator.
    pub fn default_via(router: IpAddr) -> Self {
        let destination = match router {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self {
            destination,
            prefix: 0,
            via: Some(router),
            index: None,
            table: u32::from(libc::RT_TABLE_MAIN),
            protocol: libc::RTPROT_STATIC,
        }
    }
}

impl Request {
    /// Adds a route.
    ///
    /// # Errors
    /// `EEXIST` if there is one of the same destination and metric, `ENETUNREACH` if the router cannot be reached.
    pub fn add_route(&mut self, route: &Route) -> Result<(), Error> {
        let asked = || format!("add {}", describe(route));
        let payload = encode::route(route).map_err(unsendable(&asked))?;
        self.change(&asked, kind::NEWROUTE, flags::CREATE | flags::EXCL, &payload)
    }

    /// Deletes a route.
    ///
    /// # Errors
    /// `ESRCH` if there is none.
    pub fn delete_route(&mut self, route: &Route) -> Result<(), Error> {
        let asked = || format!("delete {}", describe(route));
        let payload = encode::route(route).map_err(unsendable(&asked))?;
        self.change(&asked, kind::DELROUTE, 0, &payload)
    }
}

fn describe(route: &Route) -> String {
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    format!("the route to {}/{}{via}", route.destination, route.prefix)
}
