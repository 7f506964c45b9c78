#![no_main]

use art_mirror_validate::fuzzing::digest_headers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = digest_headers(bytes) {
        panic!("{broken}");
    }
});
