//! A change without meaning changes no verdict, and more damage makes no verdict better.

use std::ops::ControlFlow;

use fastrand::Rng;
use serde_json::Value;

use crate::draw::WORKING_PROXIES;
use crate::servers::{Servers, say};
use crate::world::{Access, Fault, HostState, ProxyState, Quirk, Retries, Wire, World};
use crate::{first_seed, for_each_seed, number};

/// Worlds in the ordinary test, for each law.
const WORLDS: u64 = 12;
/// How often a world is damaged.
const DAMAGES: usize = 4;

/// A world that says the same however often it is asked.
fn steady(seed: u64) -> World {
    let mut world = World::draw(seed);
    world.host = HostState::Up;
    world.proxy = ProxyState::Works(WORKING_PROXIES[0]);
    world.retries = Retries::Times(2);
    world.cloud.clear();
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

/// What the gate says of a world.
struct Judged {
    status: Option<i32>,
    /// Verdict and reason of each artifact that the document names.
    verdicts: Vec<(Value, Value)>,
}

impl Judged {
    fn of(servers: &Servers, world: &World, patience: u32) -> Self {
        let answered = servers.play(world, patience);
        let report = answered.report.unwrap_or_else(|| panic!("no report: {}", answered.stderr));
        let artifacts =
            crate::in_order(world, &report).unwrap_or_else(|| panic!("other artifacts: {report}"));
        let verdicts = artifacts.iter().map(|it| (it["verdict"].clone(), it["reason"].clone())).collect();
        Self { status: answered.status.code(), verdicts }
    }
}

/// Tries a law on steady worlds, each with its seed.
fn holds(law: &str, in_world: impl Fn(&Servers, u64, World) + Sync) {
    let worlds = number("ORACLE_ROUNDS").map_or(WORLDS, |rounds| rounds / 25);
    let seed = first_seed();
    say(&format!("{law}: {worlds} worlds from ORACLE_SEED={seed}"));
    for_each_seed(seed, worlds, |servers, seed| {
        in_world(servers, seed, steady(seed));
        ControlFlow::Continue(())
    });
}

/// Plays worlds, and others made of each: every artifact must be judged as before.
fn same(law: &str, rest: impl Fn(&mut Rng, &World) -> Vec<World> + Sync) {
    holds(law, |servers, seed, world| {
        for other in rest(&mut Rng::with_seed(seed), &world) {
            // A busy machine alone may make a difference once.
            let mut differences = 0;
            for patience in [1, 4, 8] {
                let whole = Judged::of(servers, &world, patience).verdicts;
                let said = Judged::of(servers, &other, patience).verdicts;
                differences = 0;
                for (index, said) in other.document.iter().zip(said) {
                    let place = world.document.iter().position(|it| it == index).unwrap();
                    let before = &whole[place];
                    // But no machine is so busy that right becomes wrong.
                    let contrary =
                        before.0 != said.0 && before.0 != "inconclusive" && said.0 != "inconclusive";
                    assert!(!contrary, "ORACLE_SEED={seed}: artifact {index} is {before:?} and {said:?}");
                    differences += usize::from(*before != said);
                }
                if differences == 0 {
                    break;
                }
            }
            assert_eq!(differences, 0, "ORACLE_SEED={seed}, {:?}", other.document);
        }
    });
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

/// Damage upon damage turns no fail into a pass.
///
/// What takes words back is no damage: a sidecar that vanishes, or becomes none at all (junk from end to end, or more
/// than anybody reads), says no more what it said before, neither for a file nor against it. Nor is a sidecar that
/// cannot be read where the bytes are proven, which outweigh it. A server that lies about lengths is left out:
/// `auto` may come to count the bytes that it had to be told about before.
#[test]
fn more_damage_turns_no_fail_into_a_pass() {
    holds("damage", |servers, seed, mut world| {
        let mut rng = Rng::with_seed(seed);
        for artifact in &mut world.artifacts {
            if matches!(artifact.quirk, Quirk::HeadLies | Quirk::RangeLies) {
                artifact.quirk = Quirk::None;
            }
        }
        // What is amiss with a file must not be undone by what is amiss with its other name.
        world.document.retain(|index| world.artifacts[*index].twin_of.is_none());
        let mut before = Judged::of(servers, &world, 1);
        for _ in 0..DAMAGES {
            let sounder = world.clone();
            world.damage(&mut rng);
            let after = Judged::of(servers, &world, 1);
            for (index, (was, is)) in world.document.iter().zip(before.verdicts.iter().zip(&after.verdicts)) {
                let improved = was.0 == "fail" && is.0 == "pass";
                let (sounder, artifact) = (&sounder.artifacts[*index], &world.artifacts[*index]);
                let directory = &world.directories[artifact.directory];
                assert!(
                    !improved,
                    "ORACLE_SEED={seed}: {was:?}, then pass\n{sounder:?}\n{artifact:?}\n{directory:?}"
                );
            }
            assert!((before.status, after.status) != (Some(1), Some(0)), "ORACLE_SEED={seed}: 1, then 0");
            before = after;
        }
    });
}
