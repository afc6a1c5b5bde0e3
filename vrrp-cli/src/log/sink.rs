//! Where lines end up.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::time::SystemTime;

use vrrp_net::calendar::LocalTime;

use super::Settings;
use super::patient::Patient;

/// One line with what stands around it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: SystemTime,
    /// 0 to 7.
    pub(super) severity: u8,
    pub(super) ident: Ident,
    pub(super) text: String,
}

/// The names under which keepalived's processes log; people filter by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // keepalived has these
pub enum Ident {
    /// The process that starts and stops the others.
    Parent,
    /// The process of the virtual routers.
    Vrrp,
}

impl Ident {
    /// The ident itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parent => "Keepalived",
            Self::Vrrp => "Keepalived_vrrp",
        }
    }

    pub(super) const fn letter(self) -> char {
        match self {
            Self::Parent => 'p',
            Self::Vrrp => 'v',
        }
    }

    pub(super) const fn of_letter(letter: Option<char>) -> Self {
        match letter {
            Some('p') => Self::Parent,
            Some(_) | None => Self::Vrrp,
        }
    }
}

/// All places that a line goes to.
#[derive(Debug, Default)]
pub struct Sinks {
    console: Option<Console>,
    patient: Patient,
    syslog: Option<Syslog>,
}

#[derive(Debug)]
enum Console {
    Terminal,
    Journal,
}

impl Sinks {
    /// The sinks for these settings.
    pub fn new(settings: &Settings) -> Self {
        let wanted = settings.console || settings.syslog;
        if wanted && is_journal() {
            // The journal is what syslog would feed, too.
            return Self { console: Some(Console::Journal), ..Self::default() };
        }
        Self {
            console: settings.console.then_some(Console::Terminal),
            patient: Patient::default(),
            syslog: settings.syslog.then(|| Syslog::new(settings.facility.number())),
        }
    }

    /// Whether lines go to syslog itself.
    pub fn has_syslog(&self) -> bool {
        self.syslog.is_some()
    }

    /// Syslog first: it never waits.
    pub(super) fn write(&mut self, line: &Line) {
        if let Some(syslog) = &mut self.syslog {
            syslog.write(line);
        }
        let Some(console) = &self.console else { return };
        let text = |line: &Line| match console {
            Console::Terminal => format!("{}\n", terminal(line)),
            Console::Journal => format!("<{}>{}\n", line.severity, line.text),
        };
        let lost = |count: u64| {
            let words = format!("{count} lines are missing here: nobody read them");
            text(&Line { severity: 4, text: words, ..line.clone() })
        };
        self.patient.write(&mut io::stderr(), &text(line), lost);
    }
}

fn terminal(line: &Line) -> String {
    format!("{}: {}", LocalTime::of(line.at), line.text)
}

/// Whether standard error is the stream that systemd gave us: then `<N>` before a line is its severity.
fn is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stream) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    let stream = std::fs::File::from(stream).metadata();
    stream.is_ok_and(|stream| named == format!("{}:{}", stream.dev(), stream.ino()))
}

/// The datagrams of RFC 3164.
#[derive(Debug)]
struct Syslog {
    facility: u8,
    socket: Option<UnixDatagram>,
}

const SYSLOG: &str = "/dev/log";

impl Syslog {
    fn new(facility: u8) -> Self {
        Self { facility, socket: None }
    }

    /// Connects again once when syslog was restarted; a machine without syslog loses the line.
    fn write(&mut self, line: &Line) {
        let datagram = self.datagram(line, std::process::id());
        for _ in 0..2 {
            if self.socket.is_none() {
                self.socket = connect().ok();
            }
            match &self.socket {
                Some(socket) if socket.send(datagram.as_bytes()).is_ok() => return,
                Some(_) => self.socket = None,
                None => return,
            }
        }
    }

    fn datagram(&self, line: &Line, pid: u32) -> String {
        let priority = self.facility * 8 + line.severity;
        let time = LocalTime::of(line.at);
        format!("<{priority}>{} {}[{pid}]: {}", time.syslog(), line.ident.name(), line.text)
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A syslog that does not read must not hold up the log of the others.
    socket.set_nonblocking(true)?;
    socket.connect(SYSLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let text = "(VI_1) Entering MASTER STATE".to_string();
        Line { at: SystemTime::UNIX_EPOCH, severity: 6, ident: Ident::Vrrp, text }
    }

    #[test]
    fn the_terminal_gets_the_time_before_the_line() {
        let written = terminal(&line());
        assert!(
            written.ends_with(" 1970: (VI_1) Entering MASTER STATE") || written.contains(" 1969: "),
            "{written}"
        );
    }

    #[test]
    fn syslog_gets_priority_time_ident_and_pid() {
        let written = Syslog::new(3).datagram(&line(), 42);
        assert!(
            written.starts_with("<30>")
                && written.ends_with(" Keepalived_vrrp[42]: (VI_1) Entering MASTER STATE")
        );
        assert_eq!(Syslog::new(16).datagram(&line(), 42).split_once('>').map(|(head, _)| head), Some("<134"));
    }
}
