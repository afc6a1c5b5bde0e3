//! A datagram in words: field by field when the fields say it all, in hex when they do not.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

use etherparse::{IpDscp, IpNumber, Ipv4Header};

use super::LineError;
use super::words::{self, Hex, List, Word, Words};
use crate::action::Transmit;
use crate::types::{Family, Interval};
use crate::wire::{self, ChecksumForm, Datagram, Header, message_checksum};

/// A datagram that owns its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Octets {
    /// A whole IPv4 datagram.
    V4(Vec<u8>),
    /// What an IPv6 datagram carries.
    V6 { source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, payload: Vec<u8> },
}

/// An advert whose fields make its octets again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    header: Header,
    /// The identification of IPv4.
    ip_id: u16,
    version: u8,
    vrid: u8,
    priority: u8,
    /// Seconds in version 2, centiseconds in version 3, as they stand there.
    interval: u16,
    /// Version 2: the authentication type and data.
    auth: Option<(u8, [u8; 8])>,
    checksum: Checksum,
    addresses: Vec<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checksum {
    /// The one that most send: a pseudo-header in version 3, none in version 2.
    Usual,
    /// Version 3 over IPv4 as RFC 9568 has it.
    MessageOnly,
    /// Whatever stands there.
    Is(u16),
}

impl Octets {
    pub(super) fn of(datagram: &Datagram<'_>) -> Self {
        match *datagram {
            Datagram::V4(octets) => Self::V4(octets.to_vec()),
            Datagram::V6 { source, destination, hop_limit, payload } => {
                Self::V6 { source, destination, hop_limit, payload: payload.to_vec() }
            }
        }
    }

    pub(super) fn datagram(&self) -> Datagram<'_> {
        match self {
            Self::V4(octets) => Datagram::V4(octets),
            Self::V6 { source, destination, hop_limit, payload } => {
                Datagram::V6 { source: *source, destination: *destination, hop_limit: *hop_limit, payload }
            }
        }
    }

    /// What goes out; in IPv6 the header is the kernel's.
    pub(super) fn sent(transmit: &Transmit<'_>) -> Self {
        let Transmit { source, destination, ttl, datagram, .. } = *transmit;
        match (source, destination) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                Self::V6 { source, destination, hop_limit: ttl, payload: datagram.to_vec() }
            }
            (IpAddr::V4(_), _) | (IpAddr::V6(_), IpAddr::V4(_)) => Self::V4(datagram.to_vec()),
        }
    }

    /// All octets that are there.
    pub(super) fn all_mut(&mut self) -> &mut [u8] {
        match self {
            Self::V4(octets) => octets,
            Self::V6 { payload, .. } => payload,
        }
    }

    /// Reads what `Display` wrote.
    pub(super) fn read(words: &mut Words<'_>) -> Result<Self, LineError> {
        let Some(octets) = words.value("hex") else {
            let fields = Fields::read(words)?;
            return fields.octets().ok_or_else(|| LineError::new("from and to are of different families"));
        };
        let octets = words::hex(octets)?;
        match words.maybe("from")? {
            None => Ok(Self::V4(octets)),
            Some(source) => Ok(Self::V6 {
                source,
                destination: words.must("to")?,
                hop_limit: words.must("ttl")?,
                payload: octets,
            }),
        }
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (Fields::of(self).filter(|fields| fields.octets().as_ref() == Some(self)), self) {
            (Some(fields), _) => fields.fmt(f),
            (None, Self::V4(octets)) => write!(f, "hex={}", Hex(octets)),
            (None, Self::V6 { source, destination, hop_limit, payload }) => {
                write!(f, "from={source} to={destination} ttl={hop_limit} hex={}", Hex(payload))
            }
        }
    }
}

impl Fields {
    /// The fields of what looks like an advert; they need not make the same octets again.
    fn of(octets: &Octets) -> Option<Self> {
        let (header, payload) = octets.datagram().split().ok()?;
        let ip_id = match octets {
            Octets::V4(octets) => u16::from_be_bytes(*octets.get(4..6)?.first_chunk()?),
            Octets::V6 { .. } => 0,
        };
        let ([first, vrid, priority, count, high, low, sum @ ..], body) = payload.split_first_chunk::<8>()?;
        let version = Some(first >> 4).filter(|version| matches!(version, 2 | 3))?;
        let size = usize::from(header.family().bits() / 8);
        let (addresses, after) = body.split_at_checked(usize::from(*count) * size)?;
        let auth = match version {
            2 => Some((*high, *after.first_chunk()?)),
            _ => None,
        };
        let interval = if version == 2 { u16::from(*low) } else { u16::from_be_bytes([*high, *low]) };
        let address = |octets: &[u8]| match header.family() {
            Family::V4 => octets.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
            Family::V6 => octets.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        };
        let addresses = addresses.chunks(size).map(address).collect::<Option<_>>()?;
        let is = |form| message_checksum(&header, payload, form) == Some(u16::from_be_bytes(*sum));
        let checksum = match version {
            2 if is(ChecksumForm::MessageOnly) => Checksum::Usual,
            3 if is(ChecksumForm::PseudoHeader) => Checksum::Usual,
            3 if header.family() == Family::V4 && is(ChecksumForm::MessageOnly) => Checksum::MessageOnly,
            _ => Checksum::Is(u16::from_be_bytes(*sum)),
        };
        Some(Self {
            header,
            ip_id,
            version,
            vrid: *vrid,
            priority: *priority,
            interval,
            auth,
            checksum,
            addresses,
        })
    }

    fn octets(&self) -> Option<Octets> {
        let [high, low] = self.interval.to_be_bytes();
        let high = self.auth.map_or(high, |(kind, _)| kind);
        let count = u8::try_from(self.addresses.len()).ok()?;
        let mut payload =
            Vec::from([self.version << 4 | 1, self.vrid, self.priority, count, high, low, 0, 0]);
        for address in &self.addresses {
            match address {
                IpAddr::V4(address) => payload.extend(address.octets()),
                IpAddr::V6(address) => payload.extend(address.octets()),
            }
        }
        payload.extend(self.auth.iter().flat_map(|(_, data)| data));
        let checksum = match (self.checksum, self.version) {
            (Checksum::Usual, 2) | (Checksum::MessageOnly, _) => {
                message_checksum(&self.header, &payload, ChecksumForm::MessageOnly)?
            }
            (Checksum::Usual, _) => message_checksum(&self.header, &payload, ChecksumForm::PseudoHeader)?,
            (Checksum::Is(checksum), _) => checksum,
        };
        payload.get_mut(6..8)?.copy_from_slice(&checksum.to_be_bytes());
        match (self.header.source, self.header.destination) {
            (IpAddr::V4(_), IpAddr::V4(_)) => self.with_ipv4_header(&payload),
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                Some(Octets::V6 { source, destination, hop_limit: self.header.ttl, payload })
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        }
    }

    fn with_ipv4_header(&self, payload: &[u8]) -> Option<Octets> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (self.header.source, self.header.destination)
        else {
            return None;
        };
        let mut header = Ipv4Header {
            dscp: IpDscp::CS6,
            identification: self.ip_id,
            dont_fragment: false,
            time_to_live: self.header.ttl,
            protocol: IpNumber(wire::PROTOCOL),
            source: source.octets(),
            destination: destination.octets(),
            ..Ipv4Header::default()
        };
        header.set_payload_len(payload.len()).ok()?;
        header.header_checksum = header.calc_header_checksum();
        let mut octets = header.to_bytes().to_vec();
        octets.extend_from_slice(payload);
        Some(Octets::V4(octets))
    }

    fn read(words: &mut Words<'_>) -> Result<Self, LineError> {
        let source: IpAddr = words.must("from")?;
        let destination = words.maybe("to")?.unwrap_or(group(&source));
        let header = Header { source, destination, ttl: words.maybe("ttl")?.unwrap_or(wire::TTL) };
        let version = match (words.flag("v2"), words.flag("v3")) {
            (true, false) => 2,
            (false, true) => 3,
            (true, true) | (false, false) => {
                return Err(LineError::new("an advert has one version: v2 or v3"));
            }
        };
        let checksum = match words.value("checksum") {
            None => Checksum::Usual,
            Some("message-only") => Checksum::MessageOnly,
            Some(digits) => match words::hex(digits)?.as_slice() {
                [high, low] => Checksum::Is(u16::from_be_bytes([*high, *low])),
                _ => return Err(LineError::new("a checksum has four hex digits")),
            },
        };
        let every: &str = words.value("every").ok_or_else(|| LineError::new("every= is missing"))?;
        let interval = match version {
            2 => u16::from(words::parse::<u8>("every", every)?),
            _ => centis(every)?,
        };
        Ok(Self {
            header,
            ip_id: words.maybe("id")?.unwrap_or(1),
            version,
            vrid: words.must("vrid")?,
            priority: words.must("prio")?,
            interval,
            auth: read_auth(version, words)?,
            checksum,
            addresses: words::list(words.value("vips").unwrap_or_default(), |word| {
                words::parse("vips", word)
            })?,
        })
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { source, destination, ttl } = self.header;
        write!(f, "from={source}")?;
        if destination != group(&source) {
            write!(f, " to={destination}")?;
        }
        if ttl != wire::TTL {
            write!(f, " ttl={ttl}")?;
        }
        if self.ip_id != 1 && source.is_ipv4() {
            write!(f, " id={}", self.ip_id)?;
        }
        write!(f, " v{} vrid={} prio={}", self.version, self.vrid, self.priority)?;
        match self.version {
            2 => write!(f, " every={}", self.interval)?,
            _ => write!(f, " every={}.{:02}", self.interval / 100, self.interval % 100)?,
        }
        match self.checksum {
            Checksum::Usual => {}
            Checksum::MessageOnly => f.write_str(" checksum=message-only")?,
            Checksum::Is(checksum) => write!(f, " checksum={checksum:04x}")?,
        }
        match self.auth {
            None | Some((wire::AUTH_NONE, [0, 0, 0, 0, 0, 0, 0, 0])) => {}
            Some((wire::AUTH_PASSWORD, data)) => write!(f, " password={}", Word(trim(&data)))?,
            Some((kind, data)) => write!(f, " auth={kind}:{}", Hex(&data))?,
        }
        if !self.addresses.is_empty() {
            write!(f, " vips={}", List(self.addresses.iter()))?;
        }
        Ok(())
    }
}

/// The authentication of version 2: none, `password=`, or `auth=TYPE:DATA`.
fn read_auth(version: u8, words: &mut Words<'_>) -> Result<Option<(u8, [u8; 8])>, LineError> {
    let wrong = || LineError::new("authentication data has eight octets");
    let (password, auth) = (words.value("password"), words.value("auth"));
    let (kind, data) = match (password, auth) {
        (None, None) if version == 2 => (wire::AUTH_NONE, Vec::new()),
        (None, None) => return Ok(None),
        (Some(password), None) if version == 2 => (wire::AUTH_PASSWORD, words::octets(password)?),
        (None, Some(auth)) if version == 2 => {
            let (kind, data) = auth.split_once(':').ok_or_else(wrong)?;
            (words::parse("auth", kind)?, words::hex(data)?)
        }
        _ => return Err(LineError::new("an advert has one authentication, and only in version 2")),
    };
    let mut octets = [0; 8];
    octets.get_mut(..data.len()).ok_or_else(wrong)?.copy_from_slice(&data);
    Ok(Some((kind, octets)))
}

/// Seconds with two decimals, as any 16 bits of centiseconds.
fn centis(word: &str) -> Result<u16, LineError> {
    let millis = words::span(word)?.as_millis();
    match (u16::try_from(millis / 10), millis % 10) {
        (Ok(centis), 0) => Ok(centis),
        _ => Err(LineError::new(format_args!("{word} is not an interval"))),
    }
}

/// Octets without the zeros at their end.
pub(super) fn trim(octets: &[u8]) -> &[u8] {
    let end = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    octets.get(..end).unwrap_or_default()
}

fn group(source: &IpAddr) -> IpAddr {
    match Family::of(source) {
        Family::V4 => wire::GROUP_V4.into(),
        Family::V6 => wire::GROUP_V6.into(),
    }
}

/// Centiseconds as they stand in a configuration.
pub(super) fn interval(word: &str) -> Result<Interval, LineError> {
    Interval::from_centis(centis(word)?).map_err(LineError::new)
}
