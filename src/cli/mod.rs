//! The command line: arguments in, a result on stdout, everything else on stderr.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | ran, and a check that was asked for failed; or something broke on the way |
//! | 2 | usage or configuration |
//! | 3 | no usable device |
//! | 130 | interrupted, with a partial result |
//!
//! A program of one's own gets all of it for its environments:
//!
//! ```no_run
//! use slatesim::registry::Registry;
//!
//! fn main() -> std::process::ExitCode {
//!     slatesim::cli::main(&Registry::built_in())
//! }
//! ```

mod backend_choice;
mod backends;
mod bench;
mod compare;
mod corpus;
mod evaluate;
mod exit_code;
mod failure;
mod fuzz;
mod interrupt;
mod list;
mod merge;
mod new_file;
mod output;
mod progress;
mod run_args;
mod sweep;
mod text;
mod trace;
mod usage;
mod validate;
mod warnings;

use crate::evaluation::{ComparisonReport, Report, SweepReport};
use crate::registry::Registry;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Simulates users who are shown slates of documents, by the million, on a GPU or on all cores.
#[derive(Debug, Parser)]
#[command(name = "slatesim", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 a check that was asked for failed, or something broke; 2 usage or configuration; \
3 no usable device; 130 interrupted, with a partial result.

Environment: SLATESIM_LOG sets what is logged on stderr, such as SLATESIM_LOG=debug or SLATESIM_LOG=wgpu_core=info. \
WGPU_ADAPTER_NAME restricts the choice among GPUs to those with this text in their names.";

// A doc comment on a variant would hide the longer text of its arguments.
#[derive(Debug, Subcommand)]
enum Command {
    Evaluate(evaluate::Args),
    Compare(compare::Args),
    Sweep(sweep::Args),
    Merge(merge::Args),
    Corpus(corpus::Args),
    Trace(trace::Args),
    /// Check a backend against the reference
    Validate(validate::Args),
    Bench(bench::Args),
    /// Show environments, choice models, policies and adapters
    List(list::Args),
}

/// Lets commands that print a result fail before they compute it, because standard output was closed when the program began.
///
/// For a `main` that has looked before the standard library's start, which opens the null device in its place.
pub fn stdout_is_closed() {
    output::remember_closed_stdout();
}

/// Runs the command that the arguments of this process name, for the models of a registry.
pub fn main(registry: &Registry) -> ExitCode {
    ExitCode::from(run(registry, std::env::args_os()))
}

/// Writes a report as `slatesim evaluate` prints it.
pub fn text_of_report(report: &Report, registry: &Registry) -> String {
    text::report::report(report, &registry.declarations())
}

/// Writes a comparison as `slatesim compare` prints it.
pub fn text_of_comparison(report: &ComparisonReport, registry: &Registry) -> String {
    text::comparison::report(report, &registry.declarations())
}

/// Writes a sweep as `slatesim sweep` prints it.
pub fn text_of_sweep(report: &SweepReport, registry: &Registry) -> String {
    text::sweep::report(report, &registry.declarations())
}

/// Runs the command that arguments name, the first of which is the name of the program, and returns the exit code.
///
/// It prints, and takes over Ctrl-C: it is for programs that are a command line, in whatever language they are written.
pub fn run(registry: &Registry, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    command(registry, arguments).unwrap_or_else(|error| failure::report(&error))
}

fn command(
    registry: &Registry,
    arguments: impl IntoIterator<Item = OsString>,
) -> anyhow::Result<u8> {
    let command = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command,
        Err(told) => return output::tell(&told),
    };
    match &command {
        Command::Trace(args) if !args.prints() => {}
        _ => output::refuse_closed_stdout()?,
    }
    output::start_log()?;
    match command {
        Command::Evaluate(args) => evaluate::run(&args, registry),
        Command::Compare(args) => compare::run(&args, registry),
        Command::Sweep(args) => sweep::run(&args, registry),
        Command::Merge(args) => merge::run(&args, registry),
        Command::Corpus(args) => corpus::run(&args, registry),
        Command::Trace(args) => trace::run(&args, registry),
        Command::Validate(args) => validate::run(&args, registry),
        Command::Bench(args) => bench::run(&args, registry),
        Command::List(args) => list::run(&args, registry),
    }
}
