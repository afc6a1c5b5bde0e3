//! The one table of keywords: what the reader reads, and what `docs/keepalived.md` lists.

use std::sync::LazyLock;

mod form;
mod global;
mod group;
mod instance;
mod listed;
mod root;
mod script;

pub use form::Standing;
pub(super) use form::{Form, Keyword};
pub(super) use global::GLOBAL;
pub(super) use group::GROUP;
pub(super) use instance::INSTANCE;
pub(super) use root::ROOT;
pub(super) use script::SCRIPT;

use super::read;

/// Nanoseconds.
const MILLIS: u64 = 1_000_000;
const SECS: u64 = 1_000_000_000;

const TRACK_LATER: &str = "this host could own the addresses when it must not";
const VMAC_LATER: &str = "adverts and addresses would use another MAC address";

/// A keyword as the documentation lists it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The block it stands in.
    pub block: &'static str,
    /// The keyword.
    pub name: &'static str,
    /// What stands behind it.
    pub values: String,
    /// What holds without it.
    pub default: &'static str,
    /// What we do with it.
    pub standing: Standing,
}

/// Every keyword that keepalived knows, block by block.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(collect);
    &ROWS
}

fn collect() -> Vec<Row> {
    let mut out = Vec::new();
    list("root", ROOT, &mut out);
    list("global_defs", GLOBAL, &mut out);
    list("vrrp_script", SCRIPT, &mut out);
    list("vrrp_sync_group", GROUP, &mut out);
    list("vrrp_instance", INSTANCE, &mut out);
    out.extend(read::ADDRESS_OPTIONS.iter().map(|option| Row {
        block: "address lines",
        name: option.name,
        values: option.values.to_string(),
        default: "",
        standing: option.standing,
    }));
    for listed in listed::BLOCKS {
        out.extend(listed.keywords.iter().map(|&(name, values)| Row {
            block: listed.block,
            name,
            values: values.to_string(),
            default: "",
            standing: listed.standing,
        }));
    }
    out
}

/// Mail keywords are read and kept; that no mail is sent yet is said at each.
const fn mail<T>(name: &'static str, form: Form<T>) -> Keyword<T> {
    Keyword {
        name,
        form,
        default: "",
        standing: Standing::Later("it is kept for the mailer, which is not built yet"),
    }
}

fn list<T>(block: &'static str, keywords: &[Keyword<T>], out: &mut Vec<Row>) {
    for keyword in keywords {
        out.push(Row {
            block,
            name: keyword.name,
            values: keyword.form.describe(),
            default: keyword.default,
            standing: keyword.standing,
        });
        if let Form::Block(inner) = &keyword.form {
            list(keyword.name, inner, out);
        }
    }
}
