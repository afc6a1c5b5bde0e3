//! vrrp-lvs
