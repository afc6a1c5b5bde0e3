//! The last resort after a bug of ours: taking the addresses from their interfaces without the thread that kept them.

use vrrp_core::{Config, InstanceConfig, InterfaceId};
use vrrp_net::netlink::{Address, Error, Request, protocol};
use vrrp_net::nftables::{self, DEFAULT_TABLE, Nftables};

/// Removes every virtual address of a configuration that the kernel holds and that carries our tag, so that it is on no
/// two hosts. Says how many there were.
///
/// # Errors
/// What the kernel says; what could be removed is removed.
pub fn remove_addresses(config: &Config) -> Result<usize, Error> {
    let mut request = Request::open()?;
    let links = request.links()?;
    let index_of = |id: InterfaceId| {
        let named = config.interfaces().iter().find(|interface| interface.id == id)?;
        links.iter().find(|link| link.name == named.name).map(|link| link.index)
    };
    let vips = |instance: &InstanceConfig| {
        let all: Vec<_> = instance.addresses.iter().chain(&instance.excluded).copied().collect();
        all
    };
    let ours: Vec<(u32, std::net::IpAddr, u8)> = config
        .instances()
        .iter()
        .flat_map(vips)
        .filter_map(|vip| Some((index_of(vip.interface)?, vip.address, vip.prefix)))
        .collect();
    let is_ours = |address: &Address| {
        address.protocol == protocol::KEEPALIVED
            && ours.contains(&(address.index, address.address, address.prefix))
    };
    let left: Vec<Address> = request.addresses(None)?.into_iter().filter(is_ours).collect();
    let mut removed = 0;
    request.remove_addresses(&left, |_, outcome| removed += usize::from(outcome.is_as_asked()))?;
    Ok(removed)
}

/// Lets packets to the addresses pass again: they may be on another host by now, and ours only on the way to it.
///
/// # Errors
/// What the kernel says.
pub fn remove_filter() -> Result<(), nftables::Error> {
    Nftables::open(DEFAULT_TABLE)?.remove()
}
