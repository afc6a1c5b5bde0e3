//! The configuration reader: whatever the bytes, a configuration and findings that can be shown; what may be
//! started can be lowered, and a router made of it.

use vrrp_cli::conf::lower::{Elsewhere, Interner, lower};
use vrrp_cli::conf::{LoadOptions, parse_str};
use vrrp_core::{Input, Router, Time};

/// Reads bytes as a configuration file.
pub fn conf(data: &[u8]) {
    let options = LoadOptions { config_id: Some("one".into()) };
    let (config, mut diagnostics) = parse_str("/etc/keepalived/keepalived.conf", data, &options);
    let lowered = lower(&config, &Elsewhere, &mut Interner::default(), &mut diagnostics);
    assert_eq!(lowered.is_none(), diagnostics.is_fatal(), "{}", diagnostics.render(false));
    assert!(!diagnostics.is_fatal() || diagnostics.has_errors());
    assert_eq!(diagnostics.exit_code_check() == 0, !diagnostics.has_errors());
    for place in diagnostics.items().iter().flat_map(|item| &item.primary) {
        assert!(diagnostics.sources().line(place.0.at) >= 1);
    }
    let shown = diagnostics.render(false);
    assert_eq!(shown.is_empty(), diagnostics.items().is_empty());
    assert!(!shown.contains('\u{1b}'), "a control character of the file reaches the terminal");
    if let Some(lowered) = lowered {
        let mut router = Router::new(lowered.router);
        let mut actions = router.handle(Time::ZERO, Input::Tick);
        while actions.next().is_some() {}
    }
}
