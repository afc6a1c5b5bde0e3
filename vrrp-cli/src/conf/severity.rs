//! One table: what each kind of finding means, at start, at reload, for `check` and for `-t`.
//!
//! The classes follow one rule. What keepalived starts with, we start with; but where going on would change what is
//! on the wire or who owns an address, or where nobody can say what was meant, nothing is started and a running
//! system keeps the configuration it has. So a value that is no number, out of range or not one of the allowed words
//! is fatal behind every keyword whose standing is [`super::keywords::Standing::Wire`] (whatever takes part in the
//! election: intervals, priorities, weights, delays of preemption, versions, sources, peers, passwords), and behind
//! every other keyword the default holds, as in keepalived.
//!
//! The words follow another. An `error` is something that was written and is not carried out as it was meant: with it
//! `check` ends with 5. A `warning` is carried out, or is not known to vrrpd or not carried out by it yet; a `note`
//! needs no action: with these alone `check` ends with 0. What `-t` ends with is keepalived's own, code by code.

/// What a finding does to the start of the daemon and, equally, to a reload.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Nothing is lost: said once.
    Note,
    /// What was written there is ignored or replaced by its default; everything else is carried out.
    Ignored,
    /// Nothing is started; on reload the running configuration goes on.
    Fatal,
}

/// The word at the head of the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shown {
    /// `error`
    Error,
    /// `note`
    Note,
    /// `warning`
    Warning,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind of finding.
    pub code: Code,
    /// Its name in messages: `error[missing-brace]`.
    pub name: &'static str,
    /// What it does.
    pub class: Class,
    /// How it is headed.
    pub shown: Shown,
    /// What it adds to the exit code of `-t`, 0 for nothing.
    pub test: u8,
    /// When it is reported, in a sentence.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($code:ident $name:literal $class:ident $shown:ident $test:literal $meaning:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $meaning] $code,)* }

        /// Every kind of finding, once.
        pub static TABLE: &[Row] = &[$(Row {
            code: Code::$code,
            name: $name,
            class: Class::$class,
            shown: Shown::$shown,
            test: $test,
            meaning: $meaning,
        },)*];
    };
}

// `test` is keepalived 2.2.7's own exit code for the same file (4 cannot run, 5 errors, 6 security, 2 a missing
// parameter), except that what is a note for us does not fail a test.
codes! {
    AddressInvalid "address-invalid" Ignored Error 5 "A line of an address block is not an address with known options; the line is skipped.";
    AddressMoved "address-moved" Note Warning 0 "An address does not fit into the advert; it is held as if it stood in virtual_ipaddress_excluded.";
    AddressOdd "address-odd" Note Warning 0 "An IPv4 address that no host can reach: unspecified, loopback, multicast or broadcast; it is set, as keepalived does.";
    AddressOwn "address-own" Note Warning 0 "The host has the address already, and does not own it as priority 255 would say: it loses it whenever it is not master.";
    AddressRefused "address-refused" Ignored Error 0 "An IPv6 address that no kernel takes: unspecified, loopback or multicast; it is skipped.";
    AddressRepeated "address-repeated" Note Note 0 "The same address stands twice on one interface; the second is skipped.";
    AddressWrongFamily "address-wrong-family" Ignored Error 5 "The address is not of the family of the instance's first address; it is skipped.";
    Adjusted "adjusted" Note Note 0 "A value is legal but cannot be used as it stands; the message says what is used.";
    AuthCut "auth-cut" Note Note 0 "A password is longer than the 8 bytes that VRRPv2 carries.";
    BraceExtra "brace-extra" Ignored Error 5 "A closing brace closes nothing.";
    BraceMissing "brace-missing" Fatal Error 5 "A block is not opened or not closed.";
    BraceUnexpected "brace-unexpected" Ignored Error 5 "A block stands where none can; it is skipped.";
    CommandCut "command-cut" Note Warning 0 "Words behind a command without quotes are not part of it, and are not read.";
    CommandMissing "command-missing" Ignored Error 5 "A command cannot be run: no such program, not executable, or no shell for it. A check that cannot run counts as failed.";
    CommandUser "command-user" Ignored Error 5 "The user or group of a command does not exist; the command is not run, and a check counts as failed.";
    CommentInWord "comment-in-word" Note Note 0 "A comment begins inside a word, so the rest of the word is not read.";
    ConfigRefused "config-refused" Fatal Error 5 "The parts of an instance or group do not fit together; the message says which.";
    DefinitionLoop "definition-loop" Fatal Error 5 "A definition uses itself.";
    DefinitionUnknown "definition-unknown" Ignored Warning 5 "A $NAME or ${NAME} is not replaced, and is kept as it stands: it is not defined, or its end is not clear.";
    FileLarge "file-large" Fatal Error 4 "The configuration exceeds a bound on size, depth or expansion.";
    FileLoop "file-loop" Fatal Error 5 "A file includes itself.";
    FileMissing "file-missing" Fatal Error 0 "There is no such configuration file.";
    FileNotText "file-not-text" Fatal Error 5 "The file holds NUL bytes: it is not a text.";
    FileNotUtf8 "file-not-utf8" Note Note 0 "Some bytes of the file are not UTF-8; passwords and commands keep them, elsewhere each is read as U+FFFD.";
    FileSkipped "file-skipped" Ignored Warning 0 "An included file is not read: missing, unreadable, not regular, or executable.";
    FileUnreadable "file-unreadable" Fatal Error 4 "The configuration file cannot be read.";
    GroupMemberUnknown "group-member-unknown" Ignored Warning 5 "A sync group names an instance that does not exist; the name is skipped.";
    GroupSmall "group-small" Note Note 0 "A sync group has fewer than two members.";
    IncludeEmpty "include-empty" Note Note 0 "An include line names no file that is there.";
    InstanceIncomplete "instance-incomplete" Fatal Error 5 "A block lacks what it cannot do without.";
    InterfaceMissing "interface-missing" Fatal Error 5 "An interface does not exist on this host.";
    KeywordLater "keyword-later" Note Warning 0 "keepalived knows this keyword, vrrpd does not carry it out yet; the rest works without it.";
    KeywordObsolete "keyword-obsolete" Note Note 0 "The keyword has no effect.";
    KeywordUnknown "keyword-unknown" Ignored Warning 5 "No such keyword; it is skipped with its block.";
    KeywordWire "keyword-wire" Fatal Error 5 "keepalived knows this keyword, vrrpd does not carry it out yet, and without it the wire or the owner of an address would differ.";
    LanguageLater "language-later" Fatal Error 5 "A part of the configuration language that is not built yet.";
    NameRepeated "name-repeated" Ignored Error 5 "A second block of the same name; it is skipped.";
    NoAnswer "no-answer" Note Warning 0 "An address will not answer packets sent to it, because of strict mode or no_accept.";
    NoAddresses "no-addresses" Note Note 0 "An instance advertises no address.";
    NotInStrict "not-in-strict" Note Warning 0 "Strict mode does not allow this; the message says what is used.";
    NotifyMissing "notify-missing" Ignored Error 0 "A notify command cannot be run, so it is not; keepalived drops it without an error.";
    NumberInvalid "number-invalid" Ignored Error 5 "Not a number, or outside of its range; the default is used.";
    NumberWire "number-wire" Fatal Error 5 "Not a number, or outside of its range, and the election depends on it.";
    QuoteOpen "quote-open" Ignored Error 5 "A quote is not closed on its line.";
    ScriptSecurity "script-security" Note Note 6 "Commands run as root without enable_script_security.";
    SourceForeign "source-foreign" Note Warning 0 "The source of adverts is not an address of this host.";
    StrictRefuses "strict-refuses" Fatal Error 5 "Strict mode and this instance exclude each other.";
    TrackedUnknown "tracked-unknown" Ignored Error 5 "Something is tracked that is not defined; it is not tracked.";
    ValueInvalid "value-invalid" Ignored Error 5 "Not one of the words or forms that can stand here; the default is used.";
    ValueMissing "value-missing" Ignored Error 2 "A keyword lacks its value; it is skipped.";
    ValueMissingWire "value-missing-wire" Fatal Error 2 "A keyword lacks its value, and the election depends on it.";
    ValueWire "value-wire" Fatal Error 5 "Not one of the words or forms that can stand here, and the election or the wire depends on it.";
    VridRepeated "vrid-repeated" Fatal Error 5 "Two instances use one VRID in one family on one interface.";
    WordsLeft "words-left" Note Note 0 "Words after the value are not read.";
}

impl Code {
    /// The row of this code.
    pub fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.code == self).expect("the macro writes a row for each code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{Diagnostic, Diagnostics};

    #[test]
    fn check_ends_with_5_for_errors_alone_and_the_daemon_starts_with_every_warning() {
        let code = |row: &Row| {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(Diagnostic::nowhere(row.code, ""));
            (diagnostics.exit_code_check(), diagnostics.is_fatal())
        };
        for row in TABLE {
            let fatal = row.class == Class::Fatal;
            match row.shown {
                Shown::Error => assert_eq!(code(row), (5, fatal), "{}", row.name),
                Shown::Note | Shown::Warning => assert_eq!(code(row), (0, false), "{}", row.name),
            }
        }
    }

    #[test]
    fn what_stops_the_daemon_is_headed_error_and_what_does_not_matter_never_is() {
        for row in TABLE {
            match row.class {
                Class::Fatal => assert_eq!(row.shown, Shown::Error, "{}", row.name),
                Class::Note => assert_ne!(row.shown, Shown::Error, "{}", row.name),
                Class::Ignored => assert_ne!(row.shown, Shown::Note, "{}", row.name),
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
