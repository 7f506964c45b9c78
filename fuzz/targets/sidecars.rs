#![no_main]

use art_mirror_validate::fuzzing::sidecar;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = sidecar(bytes) {
        panic!("{broken}");
    }
});
