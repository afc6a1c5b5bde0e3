//! Who a script runs as.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::sys;

/// A user and groups, looked up once: nothing is asked of a directory service while a failover is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

/// Why somebody cannot be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No such user.
    #[error("there is no user `{0}`")]
    User(String),
    /// No such group.
    #[error("there is no group `{0}`")]
    Group(String),
    /// A number that belongs to nobody has no group either.
    #[error("user {0} is not known here, so that its group has to be named")]
    GroupMissing(u32),
    /// The user database cannot be read.
    #[error("cannot look `{name}` up: {source}")]
    Lookup {
        /// Who was looked for.
        name: String,
        /// What went wrong.
        source: io::Error,
    },
}

impl Identity {
    /// Looks up a user by name or number, and a group; without a group it is the user's own. The user's other groups
    /// are taken over when `supplementary` says so.
    ///
    /// It may ask a directory service, and wait for it.
    ///
    /// # Errors
    /// [`IdentityError`] says who is not known.
    pub fn lookup(user: &str, group: Option<&str>, supplementary: bool) -> Result<Self, IdentityError> {
        let failed = |name: &str| {
            let name = name.to_string();
            move |errno: nix::errno::Errno| IdentityError::Lookup { name, source: errno.into() }
        };
        let known = match user.parse::<u32>() {
            Ok(number) => User::from_uid(Uid::from_raw(number)).map_err(failed(user))?,
            Err(_) => User::from_name(user).map_err(failed(user))?,
        };
        let uid = match (&known, user.parse::<u32>()) {
            (Some(known), _) => known.uid,
            (None, Ok(number)) => Uid::from_raw(number),
            (None, Err(_)) => return Err(IdentityError::User(user.to_string())),
        };
        let gid = match (group, &known) {
            (Some(group), _) => match group.parse::<u32>() {
                Ok(number) => Gid::from_raw(number),
                Err(_) => {
                    let found = Group::from_name(group).map_err(failed(group))?;
                    found.ok_or_else(|| IdentityError::Group(group.to_string()))?.gid
                }
            },
            (None, Some(known)) => known.gid,
            (None, None) => return Err(IdentityError::GroupMissing(uid.as_raw())),
        };
        let mut groups = vec![gid];
        if let (true, Some(known), Ok(name)) = (supplementary, &known, CString::new(user)) {
            let name = CString::new(known.name.as_str()).unwrap_or(name);
            groups = getgrouplist(&name, gid).map_err(failed(user))?;
        }
        Ok(Self { user: uid, group: gid, groups })
    }

    /// Whether this is who we are already, so that a child is nobody else by itself.
    pub(super) fn is_ours(&self) -> bool {
        self.user == Uid::effective() && self.group == Gid::effective() && self.groups == [self.group]
    }

    pub(super) fn raw(&self) -> sys::Identity {
        let groups = self.groups.iter().map(|group| group.as_raw()).collect();
        sys::Identity { user: self.user.as_raw(), group: self.group.as_raw(), groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_number() {
        let root = Identity::lookup("root", None, false).expect("everybody has a root");
        assert_eq!(root, Identity::lookup("0", Some("0"), false).expect("by number"));
        assert_eq!(root.groups, [Gid::from_raw(0)]);
        assert!(
            Identity::lookup("root", None, true).expect("with all groups").groups.contains(&Gid::from_raw(0))
        );
    }

    #[test]
    fn a_stranger_is_named() {
        let says = |user, group| Identity::lookup(user, group, false).expect_err("a stranger").to_string();
        assert_eq!(says("nobody-we-know", None), "there is no user `nobody-we-know`");
        assert_eq!(says("root", Some("no-such-group")), "there is no group `no-such-group`");
        assert_eq!(
            says("4000000001", None),
            "user 4000000001 is not known here, so that its group has to be named"
        );
    }
}
