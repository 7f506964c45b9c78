#![no_main]

use art_mirror_validate::fuzzing::metadata;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = metadata(bytes) {
        panic!("{broken}");
    }
});
