//! Measures the resources of a process from `/proc`, and whether they grow.

use std::fmt::Write as _;
use std::fs;

use crate::QUANTITIES;

/// The resources of a process at one time.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The resident and the proportional set size, in KiB.
    pub rss: u64,
    pub pss: u64,
    pub descriptors: u64,
    /// Established TCP connections.
    pub connections: u64,
}

/// A resource that must not grow.
pub struct Quantity {
    pub name: &'static str,
    pub of: fn(&Sample) -> u64,
    /// The allowed growth from the second quarter to the last: a percentage, and an absolute amount in addition.
    pub more_in_a_hundred: u64,
    pub more: u64,
}

impl Sample {
    /// Measures a process; `None` if it has just ended.
    pub fn of(process: u32) -> Option<Self> {
        let of = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).ok();
        let memory = of("smaps_rollup")?;
        let kib = |name: &str| -> Option<u64> {
            let line = memory.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let mut descriptors = 0;
        let mut sockets = Vec::new();
        for descriptor in fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten() {
            descriptors += 1;
            let is = fs::read_link(descriptor.path()).unwrap_or_default();
            let inode = is.to_str().and_then(|is| is.strip_prefix("socket:[")?.strip_suffix(']'));
            sockets.extend(inode.map(ToOwned::to_owned));
        }
        // Columns: number, local and remote address, state (01: established), …, inode.
        let tcp = of("net/tcp")?;
        let is_open = |line: &&str| {
            let mut columns = line.split_whitespace().skip(3);
            columns.next() == Some("01")
                && columns.nth(5).is_some_and(|inode| sockets.iter().any(|it| it == inode))
        };
        let connections = tcp.lines().filter(is_open).count() as u64;
        Some(Self { rss: kib("Rss:")?, pss: kib("Pss:")?, descriptors, connections })
    }
}

pub fn csv(samples: &[Sample]) -> String {
    samples.iter().fold("rss,pss,descriptors,connections\n".to_owned(), |mut text, it| {
        let _ = writeln!(text, "{},{},{},{}", it.rss, it.pss, it.descriptors, it.connections);
        text
    })
}

/// Prints the low values of each quarter, and returns the resources that have grown.
pub fn table(samples: &[Sample]) -> Vec<String> {
    let quarter = samples.len() / 4;
    if quarter == 0 {
        return vec!["too few samples".to_owned()];
    }
    println!("\n| tenth percentile of each quarter | 1st | 2nd | 3rd | 4th | bound | maximum at any time |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut faults = Vec::new();
    for Quantity { name, of, more_in_a_hundred, more } in QUANTITIES {
        let [first, second, third, last] = [0, 1, 2, 3].map(|index| {
            let mut all: Vec<u64> = samples[index * quarter..(index + 1) * quarter].iter().map(of).collect();
            all.sort_unstable();
            all[all.len() / 10]
        });
        let most = samples.iter().map(of).max().unwrap_or_default();
        let bound = second + second * more_in_a_hundred / 100 + more;
        println!("| {name} | {first} | {second} | {third} | {last} | {bound} | {most} |");
        if last > bound {
            faults.push(format!("{name}: {last} in the last quarter, {second} in the second"));
        }
    }
    println!();
    faults
}
