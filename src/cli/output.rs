//! Output: stdout gets the result, in one piece; stderr gets everything else.

use super::exit_code::DONE;
use super::usage::Usage;
use crate::config::Config;
use anyhow::Context;
use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Libraries log messages that are of no use to users. `SLATESIM_LOG` can still ask for them.
const QUIET_LIBRARIES: &str = "wgpu_core=error,wgpu_hal=off,naga=error";
const LOG_VARIABLE: &str = "SLATESIM_LOG";

static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Remembers that standard output is closed.
pub(crate) fn remember_closed_stdout() {
    STDOUT_IS_CLOSED.store(true, Ordering::Relaxed);
}

/// Fails if standard output is closed, since a result would be lost.
pub(crate) fn refuse_closed_stdout() -> anyhow::Result<()> {
    anyhow::ensure!(
        !STDOUT_IS_CLOSED.load(Ordering::Relaxed),
        "cannot write the result to standard output: it is closed"
    );
    Ok(())
}

/// Prints the message of the argument parser: help, which is a result, or an error.
pub(crate) fn tell(told: &clap::Error) -> anyhow::Result<u8> {
    if told.use_stderr() {
        // If stderr is closed, there is nobody to inform.
        let _ = told.print();
        let code = u8::try_from(told.exit_code()).unwrap_or(u8::MAX);
        return Ok(code);
    }
    refuse_closed_stdout()?;
    told.print()
        .and_then(|()| std::io::stdout().flush())
        .context("cannot write the help to standard output")?;
    Ok(DONE)
}

/// Replaces characters that a terminal would interpret or hide by escapes, except line breaks and tabs.
fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character.escape_unicode().to_string())
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let is_obeyed = |character: char| match character {
        '\n' | '\t' => false,
        // Characters that reverse the direction of writing.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    };
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_obeyed(character) {
            true => shown += &escape(character),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Prints a result. If stdout is a closed pipe, the reader has seen enough, and the command continues to its exit code.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_as_is(&visible(text))
}

fn print_as_is(text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write the result to standard output"),
    }
}

/// Writes a result as one line of JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string(value).context("cannot write the result as JSON")?;
    // In JSON such characters stand within strings only, where an escape means the same.
    let escape = |character: char| format!("\\u{:04x}", u32::from(character));
    print_as_is(&escaped(&text, escape))
}

/// Prints a line for the user to stderr; if that is closed, the line is dropped.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "slatesim: {}", visible(text));
}

/// Prints a warning to stderr.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Prints what was ignored in the files that configurations name, each note once.
pub(crate) fn say_notes<'a>(configs: impl IntoIterator<Item = &'a Config>) {
    let mut told: Vec<String> = Vec::new();
    for note in configs.into_iter().flat_map(Config::notes) {
        if !told.contains(&note) {
            say(&format!("note: {note}"));
            told.push(note);
        }
    }
}

/// Sends the log to stderr: warnings, or what `SLATESIM_LOG` asks for.
pub(crate) fn start_log() -> anyhow::Result<()> {
    let asked = std::env::var(LOG_VARIABLE).unwrap_or_default();
    let asked = if asked.is_empty() { "warn" } else { &asked };
    let filter = log_filter(asked).ok_or_else(|| {
        Usage(format!(
            "`{LOG_VARIABLE}` = {asked:?} is not a log filter; allowed is a level (off, error, warn, info, debug, trace) \
             or a list such as slatesim=debug,wgpu_core=info"
        ))
    })?;
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal && !is_plain)
        .without_time();
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    Ok(())
}

/// Reads a list of levels, modules and `module=level`; `None` if the text is something else. (`Targets` would take any text for
/// the name of a module, and then nothing would be shown.)
fn log_filter(asked: &str) -> Option<Targets> {
    let is_name = |name: &str| {
        let is_part =
            |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
        !name.is_empty() && name.chars().all(is_part)
    };
    let parts: Vec<&str> = asked.split(',').map(str::trim).collect();
    let is_directive = |part: &&str| match part.split_once('=') {
        Some((target, level)) => is_name(target) && is_name(level),
        None => is_name(part),
    };
    let filter = format!("{QUIET_LIBRARIES},{}", parts.join(","));
    parts
        .iter()
        .all(is_directive)
        .then_some(filter)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_filter_is_a_list_of_levels_and_modules() {
        for filter in [
            "debug",
            "off",
            "warn, slatesim=debug",
            "slatesim::backend=trace,wgpu_core",
        ] {
            assert!(log_filter(filter).is_some(), "{filter}");
        }
        for filter in [
            "debug,",
            ",",
            "*",
            "*=debug",
            " ",
            "\"debug\"",
            "slatesim[",
            "\u{200b}",
            "=debug",
            "slatesim=",
            "slatesim=loud",
            "slatesim==debug",
        ] {
            assert!(log_filter(filter).is_none(), "{filter}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_an_escape() {
        assert_eq!(visible("a\tb\n"), "a\tb\n");
        assert_eq!(
            visible("a\u{1b}[31mb\r\u{9b}2J"),
            "a\\u{1b}[31mb\\u{d}\\u{9b}2J"
        );
        assert_eq!(visible("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        let escape = |character: char| format!("\\u{:04x}", u32::from(character));
        let json = escaped("\"a\u{9b}b\"", escape);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "a\u{9b}b");
    }
}
