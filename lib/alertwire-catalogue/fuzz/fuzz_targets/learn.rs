#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    alertwire_catalogue_fuzz::learn(data);
});
