#![no_main]

use art_mirror_validate::fuzzing::location;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = location(bytes) {
        panic!("{broken}");
    }
});
