//! `completions`: what a shell completes.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, complain};

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate completions bash \\
    >/etc/bash_completion.d/art-mirror-validate
  art-mirror-validate completions zsh >\"${fpath[1]}/_art-mirror-validate\"
  art-mirror-validate completions fish \\
    >~/.config/fish/completions/art-mirror-validate.fish";

/// Prints the completions.
pub(super) fn run(args: &CompletionsArgs) -> Exit {
    // Not straight to standard output: the generator panics when a reader goes away.
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Writes a text to standard output. A reader that has gone away has read enough.
pub(super) fn print(text: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(format!("standard output: {error}"));
            Exit::Inconclusive
        }
        _ => Exit::Pass,
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn script(shell: Shell) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "art-mirror-validate", &mut script);
        script
    }

    #[test]
    fn each_shell_accepts_its_completions() {
        let shells = [
            (Shell::Bash, "bash", ["-n", "/dev/stdin"]),
            (Shell::Zsh, "zsh", ["-n", "/dev/stdin"]),
            (Shell::Fish, "fish", ["--no-execute", "/dev/stdin"]),
        ];
        for (shell, program, arguments) in shells {
            let script = script(shell);
            let text = String::from_utf8(script.clone()).unwrap();
            for word in ["check", "resolve", "stream-prefix", "architecture", "with-checksum"] {
                assert!(text.contains(word), "{program}: {word}");
            }
            let started = Command::new(program)
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn();
            let Ok(mut child) = started else {
                println!("skipped: {program} is not installed");
                continue;
            };
            child.stdin.take().unwrap().write_all(&script).unwrap();
            let output = child.wait_with_output().unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && complaint.is_empty(), "{program}: {complaint}");
        }
    }
}
