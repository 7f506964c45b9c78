//! `man`: the manual page, generated from the help texts.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::{Cli, Exit, env, print};

/// The date of the last review of the page.
const DATE: &str = "2026-11-25";

/// The longest line of running text, in bytes: the limit of `mandoc -Tlint`.
const LONGEST_LINE: usize = 80;

pub(super) fn run() -> Exit {
    print(Exit::Pass, |out| out.write_all(page().as_bytes()))
}

/// One page for all commands, each with its options and examples.
fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let (name, version) = (command.get_name(), super::version());
    let title = name.to_uppercase();
    let mut page = format!(".TH {title} 1 {DATE} \"{version}\" \"OpenShift boot images\"\n");
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, ".SH NAME\n{} \\-", escaped(name));
    text(&mut page, &about(&command));
    let _ = writeln!(page, ".SH SYNOPSIS\n{} COMMAND [OPTION]... [ARGUMENT]...", bold(name));
    page.push_str(".SH DESCRIPTION\n");
    text(&mut page, &about(&command));
    options(&mut page, &command, |heading| format!(".SH \"{heading}\"\n"));
    examples(&mut page, &command);
    page.push_str(".SH COMMANDS\n");
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let _ = writeln!(page, ".SS \"{}\"", command.get_bin_name().unwrap_or_default());
        text(&mut page, &about(command));
        page.push_str(".PP\n");
        text(&mut page, command.clone().render_usage().to_string().trim_start_matches("Usage: "));
        options(&mut page, command, |heading| format!(".PP\n{}\n", bold(heading)));
        examples(&mut page, command);
    }
    page.push_str(".SH ENVIRONMENT\n");
    for variable in env::ALL {
        item(&mut page, &bold(variable.name), &variable.about());
    }
    page.push_str(".SH \"EXIT STATUS\"\n");
    for exit in Exit::ALL {
        item(&mut page, &bold(&(*exit as u8).to_string()), exit.about());
    }
    page
}

/// A command's options by heading, first those without one. Only the program itself lists `--help` and `--version`.
fn options(page: &mut String, command: &Command, heading_line: impl Fn(&str) -> String) {
    let mut groups: Vec<(&str, Vec<&Arg>)> = vec![("Options", Vec::new())];
    let is_repeated = |argument: &Arg| {
        command.get_bin_name().is_some_and(|name| name.contains(' '))
            && ["help", "version"].contains(&argument.get_id().as_str())
    };
    for argument in
        command.get_arguments().filter(|argument| !argument.is_hide_set() && !is_repeated(argument))
    {
        let heading = argument.get_help_heading().unwrap_or("Options");
        match groups.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, arguments)) => arguments.push(argument),
            None => groups.push((heading, vec![argument])),
        }
    }
    for (heading, arguments) in groups.iter().filter(|(_, arguments)| !arguments.is_empty()) {
        page.push_str(&heading_line(&heading.to_uppercase()));
        for argument in arguments {
            let help = argument.get_long_help().or_else(|| argument.get_help());
            item(page, &head(argument), &help.map(ToString::to_string).unwrap_or_default());
            let values = argument.get_possible_values();
            page.push_str(if values.is_empty() { "" } else { ".RS\n" });
            for value in &values {
                let help = value.get_help().map(ToString::to_string).unwrap_or_default();
                item(page, &bold(value.get_name()), &help);
            }
            page.push_str(if values.is_empty() { "" } else { ".RE\n" });
        }
    }
}

/// The names and value name of an option, or the name of an argument, and the default.
fn head(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| bold(&format!("-{short}")));
    let long = argument.get_long().map(|long| bold(&format!("--{long}")));
    let mut head = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if argument.get_action().takes_values() {
        let space = if head.is_empty() { "" } else { " " };
        let name = argument.get_value_names().and_then(|names| names.first());
        let _ = write!(head, "{space}\\fI{}\\fR", escaped(name.map_or("VALUE", |name| name)));
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        for default in defaults.filter(|_| !argument.is_hide_default_value_set()) {
            let _ = write!(head, " [default: {}]", escaped(&default));
        }
    }
    head
}

fn examples(page: &mut String, command: &Command) {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    page.push_str(".PP\n.nf\n");
    for line in after.lines() {
        let _ = writeln!(page, "{}", escaped(line));
    }
    page.push_str(".fi\n");
}

fn item(page: &mut String, head: &str, about: &str) {
    let _ = writeln!(page, ".TP\n{head}");
    text(page, about);
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Adds running text, wrapped between words.
fn text(page: &mut String, text: &str) {
    let mut length = 0;
    for word in text.split_whitespace().map(escaped) {
        if length > 0 {
            let breaks = length + 1 + word.len() > LONGEST_LINE;
            page.push(if breaks { '\n' } else { ' ' });
            length = if breaks { 0 } else { length + 1 };
        }
        page.push_str(&word);
        length += word.len();
    }
    page.push('\n');
}

/// Escapes markup, and characters other than ASCII, because formatters differ in the option for the encoding.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (at, character) in text.chars().enumerate() {
        match character {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '.' if at == 0 => escaped.push_str("\\&."),
            _ if character.is_ascii() => escaped.push(character),
            _ => {
                let _ = write!(escaped, "\\[u{:04X}]", u32::from(character));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page without its markup.
    fn plain() -> String {
        page().replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
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
        let page = page();
        let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
        let version = super::super::version();
        assert_eq!(
            title,
            format!(".TH ART-MIRROR-VALIDATE 1 {DATE} \"{version}\" \"OpenShift boot images\"")
        );
    }

    /// Formatters report wrong markup.
    #[test]
    fn formatters_accept_the_page() {
        for (program, arguments) in
            [("mandoc", ["-T", "lint", "-W", "style"]), ("groff", ["-man", "-Tutf8", "-ww", "-z"])]
        {
            let complaint = crate::test_support::complaint(program, &arguments, page().as_bytes());
            assert!(complaint.is_empty(), "{program}: {complaint}");
        }
    }
}
