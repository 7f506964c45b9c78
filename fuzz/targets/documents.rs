#![no_main]

use art_mirror_validate::fuzzing::document;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = document(bytes) {
        panic!("{broken}");
    }
});
