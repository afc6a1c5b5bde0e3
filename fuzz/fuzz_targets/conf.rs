//! [`vrrp_fuzz::conf`] under libFuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| vrrp_fuzz::conf(data));
