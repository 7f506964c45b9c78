//! `completions` in real shells on a terminal: the Tab key does what a user expects.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::binary::{PROGRAM, program};
use crate::support::ground::{skip, testdata};

/// The text typed before the Tab key, and the expected line after it.
const LINES: [(&str, &str); 11] = [
    ("art-mirror-validate ret", "art-mirror-validate retention "),
    ("art-mirror-validate sync", "art-mirror-validate sync-list "),
    ("art-mirror-validate check --publ", "art-mirror-validate check --published "),
    ("art-mirror-validate check --verify cont", "art-mirror-validate check --verify content "),
    ("art-mirror-validate check a-str", "art-mirror-validate check a-stream.json "),
    ("art-mirror-validate check --keyring a-str", "art-mirror-validate check --keyring a-stream.json "),
    ("art-mirror-validate resolve -a aar", "art-mirror-validate resolve -a aarch64 "),
    ("art-mirror-validate mirror --output js", "art-mirror-validate mirror --output json "),
    ("art-mirror-validate check checkout -p open", "art-mirror-validate check checkout -p openstack "),
    (
        "art-mirror-validate resolve --source checkout -f 4k",
        "art-mirror-validate resolve --source checkout -f 4k.raw.gz ",
    ),
    ("art-mirror-validate check checkout --stream c10", "art-mirror-validate check checkout --stream c10s "),
];

/// Longer than a shell takes to start on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn bash_completes_what_is_typed() {
    completes(
        "bash",
        &["--noprofile", "--norc", "-i"],
        "PS1='ready> '; bind 'set enable-bracketed-paste off'",
    );
}

#[test]
fn zsh_completes_what_is_typed() {
    let setup = "PS1='ready> '; RPS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u";
    completes("zsh", &["--no-rcs", "-i"], setup);
}

#[test]
fn fish_completes_what_is_typed() {
    let setup = "function fish_prompt; printf 'ready> '; end; set -g fish_autosuggestion_enabled 0";
    completes("fish", &["--no-config", "-i"], setup);
}

/// No variable in a job's environment makes the gate print completions instead of checking.
#[test]
fn a_leaked_variable_does_not_keep_the_gate_from_running() {
    for shell in ["bash", "zsh", "fish"] {
        let output = program(&["check", "--published", "/nowhere"])
            .env("ART_MIRROR_VALIDATE_COMPLETE", shell)
            .env("COMPLETE", shell)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

/// Completions can come from a document of a pull request, and end up in a shell's command line.
#[test]
fn no_completion_contains_shell_commands() {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(testdata("checkout/data/data/coreos/rhcos.json")).unwrap();
    std::fs::write(directory.path().join("s.json"), text.replace("\"qemu\"", "\"q$(touch x)\"")).unwrap();
    let output = program(&["--", "art-mirror-validate", "check", "s.json", "-p", ""])
        .current_dir(directory.path())
        .envs([("ART_MIRROR_VALIDATE_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "4"), ("_CLAP_IFS", "\n")])
        .output()
        .unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert!(offered.lines().any(|line| line.trim() == "openstack"), "{offered}");
    assert!(!offered.contains("touch"), "{offered}");
}

fn completes(shell: &str, arguments: &[&str], setup: &str) {
    if Command::new(shell).args(["-c", "true"]).stdout(Stdio::null()).status().is_err() {
        skip(&format!("{shell} is not installed"));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a-stream.json"), "{}").unwrap();
    std::os::unix::fs::symlink(testdata("checkout"), directory.path().join("checkout")).unwrap();
    let script = program(&["completions", shell]).output().unwrap();
    assert!(script.status.success(), "{script:?}");
    std::fs::write(directory.path().join("script"), script.stdout).unwrap();

    let mut terminal = Terminal::start(shell, arguments, directory.path());
    terminal.line(setup);
    terminal.line("source ./script");
    for (typed, expected) in LINES {
        // The program that runs is a stub, which prints its arguments.
        let words = expected.trim_end().split_once(' ').unwrap().1.replace(' ', "|");
        terminal.line(&format!("{typed}\t"));
        terminal.wait_for(&format!("words|{words}|"));
    }
}

/// A shell on a terminal, with a stub program that prints its arguments.
struct Terminal {
    shell: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start(shell: &str, arguments: &[&str], directory: &Path) -> Self {
        let (controller, terminal) = open();
        // A stub under the program's name prints its arguments; completion requests (`--` first) go to the real one.
        let bin = directory.join("bin");
        std::fs::create_dir(&bin).unwrap();
        let stub = format!(
            "#!/bin/sh\nif [ \"$1\" = -- ]; then exec {PROGRAM} \"$@\"; fi\nprintf 'words|'; printf '%s|' \"$@\"; echo\n"
        );
        let path = bin.join("art-mirror-validate");
        std::fs::write(&path, stub).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let shell = Command::new("setsid")
            .args(["--ctty", shell])
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs([("TERM", "dumb"), ("LANG", "C.UTF-8"), ("HISTFILE", "/dev/null")])
            .env("HOME", directory)
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
            .stdin(Stdio::from(terminal.try_clone().unwrap()))
            .stdout(Stdio::from(terminal.try_clone().unwrap()))
            .stderr(Stdio::from(terminal))
            .spawn()
            .unwrap();
        let keyboard = File::from(controller.try_clone().unwrap());
        let mut reader = File::from(controller);
        let (send, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read) = reader.read(&mut bytes) {
                if read == 0 || send.send(bytes.iter().take(read).copied().collect()).is_err() {
                    return;
                }
            }
        });
        Self { shell, keyboard, screen, shown: String::new() }
    }

    fn line(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until the text is shown, and drops the output up to it.
    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some((_, rest)) = self.shown.split_once(text) {
                self.shown = rest.to_owned();
                return;
            }
            match self.screen.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text} is not shown: {:?}", self.shown)
                }
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Opens a pseudo-terminal: the controller and the terminal.
fn open() -> (OwnedFd, File) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (controller, terminal)
}
