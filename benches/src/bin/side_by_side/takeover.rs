//! How long a client is without the address when the master's link is cut.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vrrp_net::lab::{self, Lab, Moment};

use crate::program::{Log, Program};
use crate::table::{Aim, Table, ms};
use crate::{PATIENCE, process};

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));
const INTERVAL: Duration = Duration::from_millis(10);
const PRIORITIES: [u8; 2] = [100, 50];
/// A ping that is not answered by then is lost.
const ANSWER: Duration = Duration::from_millis(20);
const WORK: &str = "takeover at 10 ms";

/// Cuts the master off `runs` times.
pub(crate) fn measure(program: &Program, runs: usize, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let lab = Lab::new()?;
    let lan = lab.bridge()?;
    let (a, b, client) = (lab.host("a")?, lab.host("b")?, lab.host("client")?);
    a.attach(&lan, "eth0", &["192.0.2.1/24"])?;
    b.attach(&lan, "eth0", &["192.0.2.2/24"])?;
    client.attach(&lan, "eth0", &["192.0.2.10/24"])?;
    let daemons = [
        program.start(&a, &file(PRIORITIES[0]), Log::Plain)?,
        program.start(&b, &file(PRIORITIES[1]), Log::Plain)?,
    ];
    let pinger = client.ping(VIP)?;
    let in_order = || {
        lab::wait_for(PATIENCE, "the first host to be master alone", || {
            (a.holds(VIP).ok()? && !b.holds(VIP).ok()?).then_some(())
        })
    };
    let mut outages = Vec::new();
    for _ in 0..runs {
        in_order()?;
        // From here on everything has to be answered for a while: announcements and bridge tables are settled.
        let calm = Moment::now() + Duration::from_millis(500);
        pinger.wait_for_answer(calm, PATIENCE)?;
        let cut = a.cut("eth0")?;
        lab::wait_for(PATIENCE, "the second host to take over", || b.holds(VIP).ok()?.then_some(()))?;
        pinger.wait_for_answer(cut + ANSWER * 5, PATIENCE)?;
        let report = pinger.report();
        let after = report.outages(ANSWER).into_iter().filter(|outage| outage.to.is_none_or(|to| to >= cut));
        outages.push(after.map(|outage| outage.duration(report.end)).sum::<Duration>());
        a.mend("eth0")?;
    }
    let class = process::classes(daemons[1].id());
    let resolution = pinger.finish().resolution();
    outages.sort();
    let (median, worst) = (outages[outages.len() / 2], outages[outages.len() - 1]);
    let down = INTERVAL * 3 + INTERVAL * (256 - u32::from(PRIORITIES[1])) / 256;
    let limit = down + Duration::from_millis(2);
    let aim = |value| Some(Aim::new(format!("≤ {}", ms(limit)), value <= limit));
    table.add(WORK, &format!("outage, median of {runs}"), program.name(), ms(median), aim(median));
    table.add(WORK, &format!("outage, worst of {runs}"), program.name(), ms(worst), aim(worst));
    table.add(WORK, "scheduling", program.name(), class, None);
    table.add(WORK, "longest gap between two pings", program.name(), ms(resolution), None);
    Ok(())
}

fn file(priority: u8) -> String {
    format!(
        "global_defs {{
    vrrp_version 3
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.01
    virtual_ipaddress {{
        {VIP}/24
    }}
}}
"
    )
}
