#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| littoral_tests::fuzz::models(data));
