//! stdout carries the result, whole and at once; stderr everything else.

use super::failure::Usage;
use crate::config::Config;
use anyhow::Context;
use std::io::{ErrorKind, Write};
use tracing_subscriber::EnvFilter;

/// The libraries below log what is of no use to the user; asking for them by name still shows it.
const QUIET_LIBRARIES: &str = "wgpu_core=error,wgpu_hal=off,naga=error";
const LOG_VARIABLE: &str = "SLATESIM_LOG";

/// Writes a result; if a pipe on stdout is closed, whoever was reading has seen enough, and the command goes on to its verdict.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
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
    print(&serde_json::to_string(value).context("cannot write the result as JSON")?)
}

/// Writes a line for the user on stderr; if that is closed, nobody wants to know.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "slatesim: {text}");
}

/// Writes a warning on stderr.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Says what was passed over in the files that configurations name, each thing once.
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
    let filter = EnvFilter::try_new(format!("{QUIET_LIBRARIES},{asked}")).with_context(|| {
        Usage(format!(
            "`{LOG_VARIABLE}` = {asked:?} is not a log filter; allowed is a level (error, warn, info, debug, trace) \
             or a list such as slatesim=debug,wgpu_core=info"
        ))
    })?;
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal && !is_plain)
        .without_time()
        .init();
    Ok(())
}
