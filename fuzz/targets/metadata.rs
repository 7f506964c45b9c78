#![no_main]

#[path = "../borders.rs"]
mod borders;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(violation) = borders::metadata(bytes) {
        panic!("{violation}");
    }
});
