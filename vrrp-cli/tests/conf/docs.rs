//! `docs/keepalived.md` says what the tables say.

use std::fmt::Write as _;
use std::fs;

use vrrp_cli::conf::keywords::{self, Standing};
use vrrp_cli::conf::severity::{self, Class};

const PAGE: &str = "../docs/keepalived.md";

const HEAD: &str = "\
# Keywords of keepalived.conf

<!-- Written by `UPDATE=1 cargo test -p vrrp-cli --test conf docs` from the tables in vrrp-cli/src/conf. -->

`vrrpd` reads keepalived.conf as it is. This page lists every keyword that keepalived knows and what `vrrpd` does with
it, then every finding and what it means.

- **carried out**: works.
- **carried out, strictly**: works; the election or the wire depends on it, so a value that cannot be used stops the start.
- **later**: known and not carried out yet; a warning says so, and everything else works without it.
- **later, refused**: known and not carried out yet; without it the wire or the owner of an address would differ, so the
  file is refused.
- **no effect**: has none in keepalived either, or needs none here.

";

const LANGUAGE: &str = "\
## The language

Carried out: comments from `!` or `#` (`\\#` and `\\!` are the characters), braces anywhere outside of quotes, `include`
with `*`, `?`, `[…]` and `{a,b}` (and `includer`, `includem`, `includew`, `includeb`, `includea`), `$NAME=VALUE` with
`$NAME` and `${NAME}`, definitions over several lines with `\\`, `@id` and `@^id` lines. Refused until they are built:
`~SEQ`, `~LST` and the predefined `${_PWD}`, `${_INSTANCE}`, `${_RANDOM}`, `${_ENV}`, `${_HASH}`, `${_BANG}`.

Commands are split into words as keepalived splits them. Bash runs a command whose first word only a shell knows, or in
which an operator such as `&&` stands as a word of its own; a path that does not exist is an error in either case. A
check that cannot be run counts as failed. Bytes that are not UTF-8 stay as they are in passwords and commands.

";

const DIFFERENCES: &str = "\
## Where vrrpd differs on purpose

- `higher_prio_send_advert` is on unless it is turned off or `lower_prio_no_advert` is on; keepalived's default is off.
  When two halves of a network come together again, the master of lower priority then sends one last advert before it
  yields. The winner learns from it that there was another master and announces the addresses again. Without it, the
  neighbours of the loser keep its hardware address until their entries age, and lose the address meanwhile.
- A changed `vrrp_mcast_group4` or `vrrp_mcast_group6` is taken over by a reload without leaving the state: a master stays
  master and sends to the new group from then on. Change it on every host at about the same time.
- Programs run by their paths without symbolic links, as in keepalived, and `use_symlink_paths` keeps the links. With
  `enable_script_security` every directory and link on the way must be root's, and what bash gets is judged word by
  word: paths, names of programs, and paths that only a shell can complete (`./x`, `$DIR/x`, `/opt/*/x`), which are
  refused.
- `track_src_ip` is refused until it is built: keepalived goes to FAULT when the source address goes.
- An operand that no option takes (`vrrpd -n file`) is an error; keepalived ignores it.
- `~SEQ` and the rest of the list above are refused where keepalived reads them.

";

const FINDINGS: &str = "\
## Findings

The same holds at the start and at a reload. **fatal**: nothing is started, and a running system goes on with the
configuration it has. **ignored**: what stands there is skipped or replaced by its default, the rest is carried out.
**note**: nothing is lost. `vrrpd check` ends with 5 if a finding is headed `error`, and with 0 with warnings and notes
alone; `-t` ends with what the last column says (the first of 2, 6, 5, 4 that occurs), as keepalived does. So an unknown
keyword is a warning: the daemon starts, `check` ends with 0, and `-t` ends with 5, as keepalived's does.

A value that is no number, out of its range or not one of the allowed words is fatal behind a keyword that is carried out
strictly (above), because the election or the wire depends on it; behind any other keyword the default is used.

| finding | class | headed | `-t` | when |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_page_says_what_the_tables_say() {
    let page = page();
    if crate::corpus::update() {
        fs::write(PAGE, &page).expect("the page can be written when it is updated");
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(written == page, "{PAGE} is stale; UPDATE=1 writes it");
}

#[test]
fn every_keyword_stands_once_in_its_block_and_says_why_it_is_not_carried_out() {
    let mut seen = std::collections::BTreeSet::new();
    for row in keywords::rows() {
        assert!(seen.insert((row.block, row.name)), "{} {} stands twice", row.block, row.name);
        match row.standing {
            Standing::Carried | Standing::Wire => {}
            Standing::Later(why) | Standing::LaterWire(why) | Standing::Obsolete(why) => {
                assert!(why.len() > 10, "{} {}", row.block, row.name);
            }
        }
    }
    assert!(seen.len() > 380, "{} keywords are listed", seen.len());
}

fn page() -> String {
    let mut out = format!("{HEAD}{LANGUAGE}");
    let mut block = "";
    for row in keywords::rows() {
        if row.block != block {
            block = row.block;
            let _ = write!(out, "{}## {block}\n\n", if out.ends_with("|\n") { "\n" } else { "" });
            out.push_str("| keyword | values | default | standing |\n| --- | --- | --- | --- |\n");
        }
        let values = row.values.replace('|', "\\|");
        let standing = match row.standing {
            Standing::Carried => "carried out".to_string(),
            Standing::Wire => "carried out, strictly".to_string(),
            Standing::Later(why) => format!("later: {why}"),
            Standing::LaterWire(why) => format!("later, refused: {why}"),
            Standing::Obsolete(why) => format!("no effect: {why}"),
        };
        let _ = writeln!(out, "| `{}` | {values} | {} | {standing} |", row.name, row.default);
    }
    let _ = write!(out, "\n{DIFFERENCES}{FINDINGS}");
    for row in severity::TABLE {
        let class = match row.class {
            Class::Fatal => "fatal",
            Class::Ignored => "ignored",
            Class::Note => "note",
        };
        let word = row.shown.word();
        let _ = writeln!(out, "| `{}` | {class} | {word} | {} | {} |", row.name, row.test, row.meaning);
    }
    out
}
