//! A proxy that fails over, with VRRPv3 on one interface: `embed eth0 192.0.2.1 192.0.2.80`, as root.
use std::{
    env, error::Error, io, io::Read, net::Ipv4Addr, net::SocketAddr, process::Command, time::Duration,
};

use socket2::{Domain, Socket, Type};
use vrrp_core::wire::{Datagram, GROUP_V4, PROTOCOL};
use vrrp_core::*;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [device, own, vip] => proxy(device, own.parse()?, vip.parse()?),
        _ => Err("usage: embed DEVICE OWN_IPV4 VIRTUAL_IPV4".into()),
    }
}

fn proxy(device: &str, own: Ipv4Addr, vip: Ipv4Addr) -> Result<(), Box<dyn Error>> {
    let (lan, mut config) = (InterfaceId(1), RouterConfig::new());
    config.interfaces.push(InterfaceConfig::new(lan, device));
    let mut proxy = InstanceConfig::new("proxy", lan, Vrid::new(7)?, vec![Vip::new(vip.into(), 32, lan)]);
    (proxy.source, proxy.track_primary) = (Some(own.into()), false);
    config.instances.push(proxy);
    let mut router = Router::new(Config::new(config).map_err(|wrong| format!("{wrong:?}"))?);
    let (mut socket, clock, mut octets, mut len) = (open(own)?, Clock::start(), [0; 2048], 0);
    loop {
        let now = clock.now();
        if len > 0 {
            let datagram = Datagram::V4(&octets[..len]);
            let _ = router.handle(now, Input::Packet(Packet { interface: lan, received: now, datagram }));
        }
        let mut actions = router.handle(now, Input::Tick); // what the packet led to comes first
        while let Some(action) = actions.next() {
            match action {
                Action::Transmit(advert) => send(&socket, &advert)?,
                Action::AddAddresses { .. } => run(format!("ip address replace {vip}/32 dev {device}"))?,
                Action::RemoveAddresses { .. } => run(format!("ip address delete {vip}/32 dev {device}"))?,
                Action::Announce(_) => run(format!("arping -q -c 1 -A -I {device} {vip} &"))?,
                Action::Become(change) => println!("{} becomes {}", change.name, change.to),
                Action::Event(event) => eprintln!("{event:?}"),
                Action::Notify(_) | Action::RunCheck { .. } | Action::StopCheck { .. } => {} // none configured
            }
        }
        let wait = router.deadline().map(|at| at.saturating_since(clock.now()).max(Duration::from_micros(1)));
        socket.set_read_timeout(wait)?;
        len = socket.read(&mut octets).unwrap_or(0); // 0: the deadline is here
    }
}

fn open(own: Ipv4Addr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(i32::from(PROTOCOL).into()))?;
    socket.set_header_included_v4(true)?;
    socket.set_multicast_if_v4(&own)?;
    socket.set_multicast_loop_v4(false)?;
    socket.join_multicast_v4(&GROUP_V4, &own)?;
    Ok(socket)
}

fn send(socket: &Socket, advert: &Transmit<'_>) -> io::Result<()> {
    socket.send_to(advert.datagram, &SocketAddr::new(advert.destination, 0).into()).map(drop)
}

fn run(command: String) -> io::Result<()> {
    Command::new("sh").args(["-c", &command]).status().map(drop)
}
