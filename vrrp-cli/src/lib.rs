//! vrrpd
pub mod conf;
pub mod demo;
