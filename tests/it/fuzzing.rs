//! Runs the functions of the fuzz targets on their seeds, and on each seed with `FUZZING_CHANGES` random changes,
//! which depend on `FUZZING_SEED`.

#[path = "../../fuzz/borders.rs"]
mod borders;

use std::fs;
use std::path::Path;

use borders::BORDERS;
use fastrand::Rng;

/// The default number of changes to each seed.
const CHANGES: u32 = 200;

fn seeds(border: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(border);
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

/// Makes a few random changes: truncates, flips, inserts, and duplicates bytes, or inserts them from another seed.
fn change(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=bytes.len());
        let piece = |rng: &mut Rng, from: &[u8]| {
            let start = rng.usize(0..=from.len());
            from.iter().copied().skip(start).take(rng.usize(0..40)).collect::<Vec<u8>>()
        };
        match rng.u32(0..5) {
            0 => bytes.truncate(at),
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = if rng.bool() { rng.u8(..) } else { *byte ^ (1 << rng.u8(0..8)) };
                }
            }
            2 => bytes.insert(at, *rng.choice(b"\0\x1b\"\\{}[]:,-%/@\xff\n ".as_slice()).unwrap()),
            3 => {
                let copied = piece(rng, &bytes.clone());
                bytes.splice(at..at, copied);
            }
            _ => {
                let copied = piece(rng, other);
                bytes.splice(at..at, copied);
            }
        }
    }
}

#[test]
fn every_fuzz_target_accepts_its_seeds_and_changed_seeds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let mut rng = Rng::with_seed(number("FUZZING_SEED").unwrap_or(7).into());
    let changes = number("FUZZING_CHANGES").unwrap_or(CHANGES);
    for (name, border) in BORDERS {
        let seeds = seeds(name);
        assert!(seeds.len() > 3, "{name} has too few seeds");
        for (file, bytes) in &seeds {
            assert_eq!(border(bytes), Ok(()), "{file}");
            for round in 0..changes {
                let mut mutated = bytes.clone();
                let (_, other) = rng.choice(&seeds).unwrap();
                change(&mut rng, &mut mutated, other);
                let broken = border(&mutated);
                assert_eq!(broken, Ok(()), "{file}, change {round}: {:?}", String::from_utf8_lossy(&mutated));
            }
        }
    }
}
