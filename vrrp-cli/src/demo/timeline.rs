//! What was seen, in the order in which it happened.

use std::io::{self, Write};
use std::net::IpAddr;

use vrrp_net::lab::{Frame, Moment};

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) at: Moment,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The kernel of a host has, or has no longer, the address.
    Holds { host: &'static str, held: bool },
    /// An advert passed the client's wire.
    Advert { from: IpAddr, priority: u8 },
    /// Somebody told the neighbours whose hardware address the address has now.
    Announced { mac: [u8; 6] },
    /// The client's pings are answered, or no longer.
    Reachable(bool),
}

impl Fact {
    pub(super) fn holds(at: Moment, host: &'static str, held: bool) -> Self {
        Self { at, what: What::Holds { host, held } }
    }

    pub(super) fn reachable(at: Moment, reachable: bool) -> Self {
        Self { at, what: What::Reachable(reachable) }
    }

    pub(super) fn of_frame(frame: &Frame, vip: IpAddr) -> Option<Self> {
        let at = frame.at;
        if let Some(advert) = frame.advert() {
            let (from, priority) = (advert.source, advert.priority);
            return Some(Self { at, what: What::Advert { from, priority } });
        }
        let arp = frame.arp().filter(|arp| arp.is_gratuitous() && IpAddr::V4(arp.sender) == vip)?;
        Some(Self { at, what: What::Announced { mac: arp.sender_mac } })
    }

    fn text(&self, times: usize) -> String {
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        match &self.what {
            What::Holds { host, held: true } => format!("{host}    holds the address"),
            What::Holds { host, held: false } => format!("{host}    lets the address go"),
            What::Advert { from, priority: 0 } => format!("wire    {from} resigns: priority 0{times}"),
            What::Advert { from, priority } => {
                format!("wire    {from} advertises priority {priority}{times}")
            }
            What::Announced { mac: [a, b, c, d, e, f] } => {
                format!("wire    gratuitous ARP: {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}{times}")
            }
            What::Reachable(true) => "client  is answered again".to_string(),
            What::Reachable(false) => "client  is not answered any more".to_string(),
        }
    }
}

/// Writes facts with their time since `start`; what repeats without anything of its kind between is one line.
pub(super) fn write(out: &mut dyn Write, start: Moment, facts: &[Fact]) -> io::Result<()> {
    let mut lines: Vec<(&Fact, usize)> = Vec::new();
    for fact in facts {
        let kind = std::mem::discriminant(&fact.what);
        let of_kind = lines.iter_mut().rev().find(|(line, _)| std::mem::discriminant(&line.what) == kind);
        match of_kind {
            Some((line, times)) if line.what == fact.what => *times += 1,
            Some(_) | None => lines.push((fact, 1)),
        }
    }
    for (fact, times) in lines {
        let ms = fact.at.since(start).as_secs_f64() * 1000.0;
        writeln!(out, "    {ms:9.1} ms  {}", fact.text(times))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advert(at: u64, priority: u8) -> Fact {
        let from = "192.0.2.1".parse().unwrap();
        Fact { at: Moment(at), what: What::Advert { from, priority } }
    }

    #[test]
    fn adverts_in_a_row_are_one_line_and_a_change_is_another() {
        let facts = [advert(1_000_000, 150), advert(2_000_000, 150), advert(3_000_000, 0)];
        let mut out = Vec::new();
        write(&mut out, Moment(0), &facts).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "          1.0 ms  wire    192.0.2.1 advertises priority 150 (2 times)\n          3.0 ms  wire    192.0.2.1 resigns: priority 0\n"
        );
    }
}
