//! `man`: the manual page, made of the same words as `--help`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Cli, Exit, complain, env, print};

/// When the page was last looked through.
const DATE: &str = "2026-11-25";

/// The longest line of running text, in bytes: what `mandoc -Tlint` asks for.
const LONGEST_LINE: usize = 80;

/// Prints the page.
pub(super) fn run() -> Exit {
    match page() {
        Ok(page) => print(Exit::Pass, |out| out.write_all(page.as_bytes())),
        Err(error) => {
            complain(format!("could not generate the manual page: {error}"));
            Exit::Inconclusive
        }
    }
}

/// The page: one for all commands, each with its options and examples.
fn page() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone());
    let mut out = Vec::new();
    let name = command.get_name().to_uppercase();
    let title = [name.as_str(), "1", DATE, super::version(), "OpenShift boot images"];
    Roff::new().control("TH", title).to_writer(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(&command).to_writer(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    examples(&command).to_writer(&mut out)?;
    Roff::new().control("SH", ["COMMANDS"]).to_writer(&mut out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        out.write_all(of_command(subcommand)?.as_bytes())?;
    }
    environment().to_writer(&mut out)?;
    exit_status().to_writer(&mut out)?;
    String::from_utf8(out).map(|page| tidy(&in_ascii(&page))).map_err(io::Error::other)
}

/// The page without what formatters skip and lint complains of: the generator begins each of its parts as if it were
/// a page, has empty lines between breaks, and lines of any length.
fn tidy(page: &str) -> String {
    let mut tidy = String::from(APOSTROPHE);
    let mut filled = true;
    let mut lines = page.lines().filter(|line| !APOSTROPHE.contains(line) || line.is_empty()).peekable();
    let mut before = "";
    while let Some(line) = lines.next() {
        match line {
            ".br" if lines.peek().is_some_and(|next| next.is_empty()) => {
                lines.next();
                lines.next_if_eq(&".br");
                tidy.push_str(".sp\n");
            }
            ".PP" if before.starts_with(".SH") || before.starts_with(".SS") => continue,
            _ => {
                filled = match line {
                    ".nf" => false,
                    ".fi" => true,
                    _ => filled,
                };
                push_filled(&mut tidy, line, filled && !line.starts_with('.'));
            }
        }
        before = line;
    }
    tidy
}

/// What an apostrophe is to the formatters that know no other than the curly one.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// Adds a line, broken between words where it is running text.
fn push_filled(page: &mut String, line: &str, is_text: bool) {
    let mut length = 0;
    for (at, word) in line.split(' ').enumerate() {
        // A line that began with one of these would be no text.
        let may_begin = is_text && !word.starts_with(['.', '\'']) && !word.is_empty();
        if at > 0 {
            let breaks = may_begin && length + 1 + word.len() > LONGEST_LINE;
            page.push(if breaks { '\n' } else { ' ' });
            length = if breaks { 0 } else { length + 1 };
        }
        page.push_str(word);
        length += word.len();
    }
    page.push('\n');
}

/// Formatters read ASCII, unless told otherwise in a way that differs between them.
fn in_ascii(page: &str) -> String {
    let mut ascii = String::with_capacity(page.len());
    for character in page.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            let _ = write!(ascii, "\\[u{:04X}]", u32::from(character));
        }
    }
    ascii
}

fn synopsis(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(command.get_name()), roman(" COMMAND [OPTION]... [ARGUMENT]...")]);
    roff
}

/// A command's part. The sections that the generator makes become parts of this one.
fn of_command(command: &Command) -> io::Result<String> {
    // These two are said once, of the program.
    let repeated = |argument: &clap::Arg| ["help", "version"].contains(&argument.get_id().as_str());
    let command = command.clone().mut_args(|argument| {
        let hidden = argument.is_hide_set() || repeated(&argument);
        argument.hide(hidden)
    });
    let man = Man::new(command.clone());
    let mut out = Vec::new();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    Roff::new().control("SS", [name.as_str()]).to_writer(&mut out)?;
    let mut rendered = Vec::new();
    man.render_description_section(&mut rendered)?;
    let usage = command.clone().render_usage().to_string();
    let mut synopsis = Roff::new();
    synopsis.control("PP", []);
    synopsis.text([roman(usage.trim_start_matches("Usage: "))]);
    synopsis.to_writer(&mut rendered)?;
    man.render_options_section(&mut rendered)?;
    for line in String::from_utf8_lossy(&rendered).lines() {
        match line.strip_prefix(".SH ") {
            Some("DESCRIPTION") => out.extend(b".PP\n"),
            Some(heading) => {
                let heading = heading.trim_matches('"');
                Roff::new().control("PP", []).text([bold(heading)]).to_writer(&mut out)?;
            }
            None => {
                out.extend(line.as_bytes());
                out.push(b'\n');
            }
        }
    }
    examples(&command).to_writer(&mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

fn examples(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    roff.control("PP", []);
    roff.control("nf", []);
    for line in after.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn environment() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for variable in env::ALL {
        roff.control("TP", []);
        roff.text([bold(variable.name)]);
        roff.text([roman(variable.about())]);
    }
    roff
}

fn exit_status() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        roff.control("TP", []);
        roff.text([bold((*exit as u8).to_string())]);
        roff.text([roman(exit.about())]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page as a reader sees it, without its markup.
    fn plain() -> String {
        page().unwrap().replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
    }

    #[test]
    fn the_page_has_every_command_option_and_value() {
        let page = plain();
        let mut command = Cli::command();
        command.build();
        let mut commands: Vec<&Command> = vec![&command];
        let mut options = 0;
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().filter(|it| it.get_name() != "help"));
            assert!(page.contains(command.get_name()), "{}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                options += 1;
                let shown = match (argument.get_long(), argument.get_value_names()) {
                    (Some(long), _) => format!("--{long}"),
                    (None, Some([name, ..])) => name.to_string(),
                    _ => argument.get_id().to_string(),
                };
                assert!(page.contains(&shown), "{}: {shown}", command.get_name());
                for value in argument.get_possible_values() {
                    assert!(page.contains(value.get_name()), "{shown}: {}", value.get_name());
                }
            }
        }
        assert!(options > 40, "{options}");
    }

    #[test]
    fn the_page_has_every_variable_and_exit_status() {
        let page = plain();
        for variable in env::ALL {
            assert!(page.contains(&format!("\n{}\n", variable.name)), "{}", variable.name);
        }
        for exit in Exit::ALL {
            assert!(page.contains(&format!("\n{}\n", *exit as u8)), "{exit:?}");
        }
    }

    #[test]
    fn the_title_has_its_fields_in_order() {
        let page = page().unwrap();
        let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
        let version = super::super::version();
        assert_eq!(
            title,
            format!(".TH ART-MIRROR-VALIDATE 1 {DATE} \"{version}\" \"OpenShift boot images\"")
        );
    }

    /// Formatters complain where markup is wrong, and nowhere else.
    #[test]
    fn formatters_accept_the_page() {
        for (program, arguments) in
            [("mandoc", ["-T", "lint", "-W", "style"]), ("groff", ["-man", "-Tutf8", "-ww", "-z"])]
        {
            let complaint = crate::test_support::complaint(program, &arguments, page().unwrap().as_bytes());
            assert!(complaint.is_empty(), "{program}: {complaint}");
        }
    }
}
