//! The octets of VRRP.
