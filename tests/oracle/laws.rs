//! What changes nothing changes no verdict.

use serde_json::Value;

use crate::stage::{Stage, say};
use crate::world::{Access, Fault, HostState, Wire, World};

/// Worlds in the ordinary test, for each law.
const WORLDS: u64 = 12;

/// A world that says the same however often it is asked.
fn steady(seed: u64) -> World {
    let mut world = World::draw(seed);
    world.host = HostState::Up;
    world.retries = 2;
    if world.suffers_together() {
        world.wire = Wire::Http1;
    }
    let calm = |access: &mut Access| {
        if matches!(access, Access::Recovering(..) | Access::Flapping(_) | Access::Lossy(..)) {
            *access = Access::Normal;
        }
    };
    for directory in &mut world.directories {
        calm(&mut directory.sums.access);
        calm(&mut directory.meta.access);
    }
    for artifact in &mut world.artifacts {
        artifact.later = None;
        calm(&mut artifact.access);
        artifact.signature.iter_mut().for_each(calm);
    }
    world
}

/// Verdict and reason of each artifact that the document names.
fn verdicts(stage: &Stage, world: &World, patience: u32) -> Vec<(Value, Value)> {
    let answered = stage.play(world, patience);
    let report = answered.report.unwrap_or_else(|| panic!("no report: {}", answered.stderr));
    let artifacts = report["artifacts"].as_array().unwrap().iter();
    artifacts.map(|it| (it["verdict"].clone(), it["reason"].clone())).collect()
}

/// Plays worlds, and others made of each: every artifact must be judged as before.
fn same(law: &str, rest: impl Fn(&mut fastrand::Rng, &World) -> Vec<World>) {
    let stage = Stage::new();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let worlds = number("ORACLE_ROUNDS").map_or(WORLDS, |rounds| rounds / 25);
    let seed = number("ORACLE_SEED").unwrap_or_else(|| fastrand::u64(..1 << 48));
    say(&format!("{law}: {worlds} worlds from ORACLE_SEED={seed}"));
    for seed in seed..seed + worlds {
        let world = steady(seed);
        for other in rest(&mut fastrand::Rng::with_seed(seed), &world) {
            // A busy machine alone may make a difference once.
            let mut differences = 0;
            for patience in [1, 4, 8] {
                let (whole, said) = (verdicts(&stage, &world, patience), verdicts(&stage, &other, patience));
                assert_eq!(said.len(), other.document.len());
                let pairs = other.document.iter().zip(said);
                differences = pairs.filter(|(index, said)| whole[**index] != *said).count();
                if differences == 0 {
                    break;
                }
            }
            assert_eq!(differences, 0, "{law}: ORACLE_SEED={seed}, {:?}", other.document);
        }
    }
}

#[test]
fn reordering_duplicating_or_partitioning_a_document_changes_no_verdict() {
    same("documents", |rng, world| {
        let with = |document| World { document, ..world.clone() };
        let mut shuffled = world.document.clone();
        rng.shuffle(&mut shuffled);
        let doubled = [shuffled.clone(), world.document.clone()].concat();
        let (one, two) = shuffled.split_at(rng.usize(1..shuffled.len()));
        vec![with(one.to_vec()), with(two.to_vec()), with(doubled), with(shuffled.clone())]
    });
}

#[test]
fn retries_within_the_budget_change_no_verdict() {
    same("retries", |rng, world| {
        // A connection that others share takes them along; what they suffer has no count.
        let faults: &[Fault] = match world.wire {
            Wire::Plain | Wire::Http1 => &[
                Fault::Status(500),
                Fault::Status(408),
                Fault::Busy(429),
                Fault::Reset,
                Fault::Close,
                Fault::Garbage,
            ],
            Wire::Http2 | Wire::Proxied => &[Fault::Status(503), Fault::Busy(429), Fault::Reset],
        };
        let mut other = world.clone();
        let mut hamper = |access: &mut Access| {
            if *access == Access::Normal {
                *access = Access::Recovering(rng.usize(1..=2), faults[rng.usize(0..faults.len())]);
            }
        };
        for directory in &mut other.directories {
            hamper(&mut directory.sums.access);
            hamper(&mut directory.meta.access);
        }
        for artifact in &mut other.artifacts {
            hamper(&mut artifact.access);
            artifact.signature.iter_mut().for_each(&mut hamper);
        }
        vec![other]
    });
}
