//! vrrpd
pub mod demo;
