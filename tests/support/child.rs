//! Runs a child process: captures its output, measures its memory, and kills it after a time limit.

#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A child process whose piped output is read while it runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) child: Child,
    started: Instant,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// A child process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) output: Output,
    pub(crate) took: Duration,
}

impl Watched {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::of(command.spawn().unwrap())
    }

    pub(crate) fn of(mut child: Child) -> Self {
        let (stdout, stderr) = (child.stdout.take().map(read), child.stderr.take().map(read));
        Self { child, started: Instant::now(), stdout, stderr }
    }

    /// Starts a command with `input` as its standard input and its output captured.
    pub(crate) fn fed(command: &mut Command, mut input: impl Read + Send + 'static) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut watched = Self::start(piped);
        let mut stdin = watched.child.stdin.take().unwrap();
        // Writing fails if the program exits before it has read all its input.
        std::thread::spawn(move || std::io::copy(&mut input, &mut stdin));
        watched
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the process to end, and fails the test if that takes longer than `limit`.
    #[track_caller]
    pub(crate) fn end(mut self, limit: Duration) -> Ended {
        let is_in_time = self.wait(limit, |_| {});
        let ended = self.ended();
        assert!(is_in_time, "it did not end within {limit:?}: {ended:?}");
        ended
    }

    /// As [`Self::end`], with the peak resident memory in KiB; 0 if the kernel does not report it.
    #[track_caller]
    pub(crate) fn end_measured(mut self, limit: Duration) -> (Ended, u64) {
        let mut peak = 0;
        let is_in_time = self.wait(limit, |process| peak = peak.max(high_water(process)));
        let ended = self.ended();
        assert!(is_in_time, "it did not end within {limit:?}: {ended:?}");
        (ended, peak)
    }

    /// Waits for the process to end, and kills it after `limit`.
    pub(crate) fn end_or_kill(mut self, limit: Duration) -> Ended {
        self.wait(limit, |_| {});
        self.ended()
    }

    /// Returns false if the process had to be killed after `limit`. Calls `meanwhile` with its ID every 2 ms.
    fn wait(&mut self, limit: Duration, mut meanwhile: impl FnMut(u32)) -> bool {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if began.elapsed() > limit {
                self.child.kill().unwrap();
                return false;
            }
            meanwhile(self.child.id());
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    fn ended(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let took = self.started.elapsed();
        let [stdout, stderr] = [self.stdout.take(), self.stderr.take()]
            .map(|reader| reader.map(|it| it.join().unwrap()).unwrap_or_default());
        Ended { output: Output { status, stdout, stderr }, took }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A failed test must not leave its program running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// `VmHWM`, the peak resident memory so far, in KiB. Between fork and exec the child still has the memory of the test
/// process, which does not count.
fn high_water(pid: u32) -> u64 {
    let program = |process: &str| std::fs::read_link(format!("/proc/{process}/exe")).ok();
    if program(&pid.to_string()) == program("self") {
        return 0;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
