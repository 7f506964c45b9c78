//! Metamorphic tests: irrelevant changes change no verdict, and more damage turns no *fail* into a *pass*.

use std::ops::ControlFlow;

use fastrand::Rng;
use serde_json::Value;

use crate::draw::WORKING_PROXIES;
use crate::outcomes::uses_up_a_timeout;
use crate::servers::{Servers, say};
use crate::world::{Access, Fault, HostState, ProxyState, Quirk, Retries, Wire, World};
use crate::{first_seed, for_each_seed, number};

/// The number of worlds per law by default.
const WORLDS: u64 = 12;
/// The number of faults added to a world, one after the other.
const DAMAGES: usize = 4;

/// A world whose servers answer the same way however often they are requested.
fn steady(seed: u64) -> World {
    let mut world = World::draw(seed);
    world.host = HostState::Up;
    world.proxy = ProxyState::Works(WORKING_PROXIES[0]);
    world.retries = Retries::Times(2);
    world.cloud.clear();
    if world.shares_faults() {
        world.wire = Wire::Http1;
    }
    for artifact in &mut world.artifacts {
        artifact.later = None;
    }
    for access in accesses(&mut world) {
        if matches!(access, Access::Recovering(..) | Access::Flapping(_) | Access::Lossy(..)) {
            *access = Access::Normal;
        }
    }
    shorten(&mut world);
    world
}

/// How each file is served.
fn accesses(world: &mut World) -> impl Iterator<Item = &mut Access> {
    let sidecars = world.directories.iter_mut().flat_map(|it| [&mut it.sums.access, &mut it.meta.access]);
    let files = world.artifacts.iter_mut();
    sidecars.chain(files.flat_map(|it| std::iter::once(&mut it.access).chain(&mut it.signature)))
}

/// Makes servers fail at once instead of after a timeout: the rounds of a law run one after the other. The long runs,
/// with `ORACLE_ROUNDS`, keep such servers.
fn shorten(world: &mut World) {
    if number("ORACLE_ROUNDS").is_some() {
        return;
    }
    for access in accesses(world) {
        match access {
            Access::Always(fault) if uses_up_a_timeout(*fault) => *fault = Fault::Status(500),
            Access::Cut(_, stalls) => *stalls = false,
            _ => {}
        }
    }
}

/// The gate's judgement of a world.
struct Judged {
    status: Option<i32>,
    /// The verdict and reason of each artifact, in the order of the documents.
    verdicts: Vec<(Value, Value)>,
}

impl Judged {
    fn of(servers: &Servers, world: &World, slowdown: u32) -> Self {
        let answered = servers.run_round(world, slowdown);
        let report = answered.report.unwrap_or_else(|| panic!("no report: {}", answered.stderr));
        let artifacts =
            crate::in_order(world, &report).unwrap_or_else(|| panic!("other artifacts: {report}"));
        let verdicts = artifacts.iter().map(|it| (it["verdict"].clone(), it["reason"].clone())).collect();
        Self { status: answered.status.code(), verdicts }
    }
}

/// Tests a law on steady worlds.
fn for_each_world(law: &str, in_world: impl Fn(&Servers, u64, World) + Sync) {
    let worlds = number("ORACLE_ROUNDS").map_or(WORLDS, |rounds| rounds / 25);
    let seed = first_seed();
    say(&format!("{law}: {worlds} worlds from ORACLE_SEED={seed}"));
    for_each_seed(seed, worlds, |servers, seed| {
        in_world(servers, seed, steady(seed));
        ControlFlow::Continue(())
    });
}

/// Tests that every artifact is judged the same in a world and in others derived from it.
fn assert_same_verdicts(law: &str, rest: impl Fn(&mut Rng, &World) -> Vec<World> + Sync) {
    for_each_world(law, |servers, seed, world| {
        for other in rest(&mut Rng::with_seed(seed), &world) {
            // An overloaded machine can make a difference, so repetitions have longer timeouts.
            let mut differences = 0;
            for slowdown in [1, 4, 8] {
                let whole = Judged::of(servers, &world, slowdown).verdicts;
                let said = Judged::of(servers, &other, slowdown).verdicts;
                differences = 0;
                for (index, said) in other.document.iter().zip(said) {
                    let place = world.document.iter().position(|it| it == index).unwrap();
                    let before = &whole[place];
                    // Overload never turns *pass* into *fail* or the reverse.
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
    assert_same_verdicts("documents", |rng, world| {
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
    assert_same_verdicts("retries", |rng, world| {
        // On shared connections, faults that close the connection would hit other requests any number of times.
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
        for access in accesses(&mut other) {
            if *access == Access::Normal {
                *access = Access::Recovering(rng.usize(1..=2), faults[rng.usize(0..faults.len())]);
            }
        }
        vec![other]
    });
}

/// More damage turns no *fail* into a *pass*.
///
/// Removing evidence is not damage: a sidecar that becomes missing, junk or too large no longer contradicts a file, and
/// an unavailable one does not count if the bytes are verified. Servers that report wrong lengths are excluded,
/// because more damage can make `auto` download the file and count its bytes instead.
#[test]
fn more_damage_turns_no_fail_into_a_pass() {
    for_each_world("damage", |servers, seed, mut world| {
        let mut rng = Rng::with_seed(seed);
        for artifact in &mut world.artifacts {
            if matches!(artifact.quirk, Quirk::HeadLies | Quirk::RangeLies) {
                artifact.quirk = Quirk::None;
            }
        }
        // Damage is per artifact, so artifacts that share a file could cancel each other's damage.
        world.document.retain(|index| world.artifacts[*index].twin_of.is_none());
        let mut before = Judged::of(servers, &world, 1);
        for _ in 0..DAMAGES {
            let sounder = world.clone();
            world.damage(&mut rng);
            shorten(&mut world);
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
