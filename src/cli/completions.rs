//! `completions`: shell completions.
//!
//! The shell's script runs the program to complete a command line, so that all accepted options and values are
//! completed. (Clap can also generate static scripts, but its bash script completes nothing after the subcommand if the
//! program's name has dashes.)

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_complete::env::{EnvCompleter, Shells};

use super::{Cli, Exit, env, print, print_error};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(art-mirror-validate completions bash)
      in ~/.bashrc; for zsh in ~/.zshrc, after compinit
  art-mirror-validate completions bash \\
    >/etc/bash_completion.d/art-mirror-validate
  art-mirror-validate completions fish \\
    >~/.config/fish/completions/art-mirror-validate.fish";

pub(super) fn run(args: &CompletionsArgs) -> Exit {
    match script(args.shell) {
        Ok(script) => print(Exit::Pass, |out| out.write_all(&script)),
        Err(error) => {
            print_error(format!("could not generate the completions: {error}"));
            Exit::Inconclusive
        }
    }
}

fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let command = Cli::command();
    let name = command.get_name();
    let mut script = Vec::new();
    completer(&shell.to_string())?.write_registration(env::COMPLETE, name, name, name, &mut script)?;
    Ok(script)
}

fn completer(shell: &str) -> io::Result<&'static dyn EnvCompleter> {
    const SHELLS: Shells<'static> = Shells::builtins();
    SHELLS
        .0
        .iter()
        .copied()
        .find(|it| it.is(shell))
        .ok_or_else(|| io::Error::other(format!("no shell {shell}")))
}

/// Prints completions if a shell's script calls the program: with [`env::COMPLETE`] set and `--` as first argument.
/// `--` is required because the variable alone, leaked into a job, must not keep the gate from running.
pub(super) fn complete() -> Option<Exit> {
    let mut words = std::env::args_os().skip(1);
    let is_call_of_script = words.next().is_some_and(|first| first == "--");
    let shell = env::value(env::COMPLETE).filter(|_| is_call_of_script)?;
    let directory = std::env::current_dir().ok();
    let mut candidates = Vec::new();
    let completed = completer(&shell).and_then(|shell| {
        shell.write_complete(&mut Cli::command(), words.collect(), directory.as_deref(), &mut candidates)
    });
    Some(match completed {
        Ok(()) => print(Exit::Pass, |out| out.write_all(&candidates)),
        // An error message would disturb the command line that is being typed.
        Err(_) => Exit::Inconclusive,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_accepts_its_script() {
        let shells = [
            (Shell::Bash, "bash", ["-n", "/dev/stdin"]),
            (Shell::Zsh, "zsh", ["-n", "/dev/stdin"]),
            (Shell::Fish, "fish", ["--no-execute", "/dev/stdin"]),
        ];
        for (shell, program, arguments) in shells {
            let complaint = crate::test_support::complaint(program, &arguments, &script(shell).unwrap());
            assert!(complaint.is_empty(), "{program}: {complaint}");
        }
    }

    #[test]
    fn every_supported_shell_has_a_script() {
        use clap::ValueEnum as _;
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell).unwrap()).unwrap();
            assert!(script.contains("art-mirror-validate") && script.contains(env::COMPLETE), "{script}");
        }
    }
}
