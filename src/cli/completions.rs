//! `completions`: what a shell completes.
//!
//! The script of a shell asks the program itself, which knows its own options and values: what is completed is what is
//! accepted. (Scripts that know everything themselves can be generated as well, but clap's for bash completes nothing
//! below the commands of a program with dashes in its name.)

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_complete::env::{EnvCompleter, Shells};

use super::{Cli, Exit, complain, env, print};

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
            complain(format!("could not generate the completions: {error}"));
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

/// The answer to a shell's script, if it is one that asks: with [`env::COMPLETE`] set and `--` before all arguments.
/// The variable alone does nothing, so that none that leaked into a job can keep the gate from running: no command
/// begins like that.
pub(super) fn answer() -> Option<Exit> {
    let mut words = std::env::args_os().skip(1);
    let asks = words.next().is_some_and(|first| first == "--");
    let shell = env::value(env::COMPLETE).filter(|_| asks)?;
    let directory = std::env::current_dir().ok();
    let mut candidates = Vec::new();
    let completed = completer(&shell).and_then(|shell| {
        shell.write_complete(&mut Cli::command(), words.collect(), directory.as_deref(), &mut candidates)
    });
    Some(match completed {
        Ok(()) => print(Exit::Pass, |out| out.write_all(&candidates)),
        // Nobody reads what a program says while its arguments are being typed.
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
    fn every_shell_that_can_be_asked_for_has_a_script() {
        use clap::ValueEnum as _;
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell).unwrap()).unwrap();
            assert!(script.contains("art-mirror-validate") && script.contains(env::COMPLETE), "{script}");
        }
    }
}
