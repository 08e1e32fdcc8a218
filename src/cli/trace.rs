//! `slatesim trace`: writes single steps to a file, and replays them.

use super::exit_code::{DONE, FAILED};
use super::interrupt;
use super::new_file::NewFile;
use super::output::{print, say, say_notes};
use super::progress::{Progress, Total};
use super::run_args::{BackendArgs, ConfigArgs};
use super::usage::Usage;
use crate::backend::{Backend, Simulation};
use crate::config::Config;
use crate::evaluation::trace::{self, Cell, Difference, Format, Recording, Replay, TraceError};
use crate::registry::Registry;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write every step of the first episodes, or replay what has been written.
///
/// A row has the user's state and observation before the step, the slate, the features of its documents, what was
/// clicked, the responses, the reward, and with which probability the policy shows the slate, where it draws it.
/// docs/trajectories.md lists the columns. The bytes are the same on every backend.
///
/// What is run is configured as for `evaluate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Policy, instead of `policy.name`
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Trace the first N episodes of the run, 1 if not given; all where it has fewer. With --replay: FILE must hold N episodes
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    first: Option<u64>,
    /// Begin with episode N, instead of the first
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(..=1 << 63))]
    first_episode: u64,
    /// Write the features of all candidates, not only of those that are shown
    #[arg(long)]
    candidates: bool,
    /// File to write; standard output if not given
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// How to write; by the ending of PATH if not given, else JSON Lines
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// Replace PATH if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Show the slates of a trace (JSON Lines or CSV; - is standard input) again and compare; exit with 1 if anything differs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["first_episode", "candidates", "output", "format"])]
    replay: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendArgs,
    /// Show no progress and do not say what computes; warnings and errors remain
    #[arg(long)]
    quiet: bool,
}

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormatArg {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// Apache Parquet, in a build with the feature `parquet`
    Parquet,
}

impl Args {
    /// Tells whether anything goes to standard output.
    pub(crate) fn prints(&self) -> bool {
        self.output.is_none()
    }

    fn format(&self) -> Format {
        match self.format {
            Some(FormatArg::Jsonl) => Format::JsonLines,
            Some(FormatArg::Csv) => Format::Csv,
            Some(FormatArg::Parquet) => Format::Parquet,
            None => self.output.as_deref().map_or(Format::JsonLines, Format::of),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let sources = args.config.sources(args.policy.as_ref())?;
    let config = Config::resolve(&sources, &registry.declarations())?;
    say_notes([&config]);
    let simulation = registry.simulation(&config)?;
    if let Some(path) = &args.replay {
        let open = args.backend.open(args.quiet)?;
        let backend = open.backend();
        let (replay, ignored) = trace::replay_file(path, &simulation, backend)?;
        check_episodes(args, &replay, &ignored)?;
        return report(path, &simulation, &replay);
    }
    let format = args.format();
    if format == Format::Parquet && !cfg!(feature = "parquet") {
        return Err(TraceError::NoParquet.into());
    }
    let episodes = args.first.unwrap_or(1).min(config.episodes);
    let done = if let Some(path) = &args.output {
        let (new, file) = NewFile::create(path, args.force)?;
        let open = args.backend.open(args.quiet)?;
        let backend = open.backend();
        let done = write(args, &simulation, backend, episodes, file)?;
        if done < episodes && new.replaces() {
            // An incomplete trace must not replace a complete file.
            let beside = new.keep_beside()?;
            say(&format!(
                "{} is as it was; the episodes that are done are in {}",
                path.display(),
                beside.display()
            ));
        } else {
            // After an interruption the file has fewer episodes, but complete ones.
            new.keep()?;
        }
        done
    } else if format == Format::Parquet {
        let problem = "`--format parquet` needs a file; allowed is --output PATH with it";
        return Err(Usage(problem.to_owned()).into());
    } else {
        let open = args.backend.open(args.quiet)?;
        let backend = open.backend();
        write(args, &simulation, backend, episodes, std::io::stdout())?
    };
    Ok(if done < episodes {
        interrupt::told(done, episodes)
    } else {
        DONE
    })
}

/// Checks that a trace has the episodes that were asked for, and prints what was ignored.
fn check_episodes(args: &Args, replay: &Replay, ignored: &[String]) -> anyhow::Result<()> {
    if !ignored.is_empty() {
        let names = ignored.iter().map(|name| match name.as_str() {
            "" => "one without a name".to_owned(),
            name => format!("`{name}`"),
        });
        let names: Vec<String> = names.collect();
        say(&format!(
            "note: columns that are not used: {}",
            names.join(", ")
        ));
    }
    let found = replay.episodes.len() as u64;
    if let Some(first) = args.first.filter(|&first| first != found) {
        return Err(Usage(format!(
            "the trace has {found} episodes; allowed is {first}, as `--first` says: others are missing or too many"
        ))
        .into());
    }
    let mut indices = replay.episodes.clone();
    indices.sort_unstable();
    let mut next = 0;
    let mut missing = Vec::new();
    for index in indices {
        if index > next {
            missing.push(match index - next {
                1 => format!("{next}"),
                _ => format!("{next} to {}", index - 1),
            });
        }
        next = index + 1;
    }
    if !missing.is_empty() {
        missing.truncate(8);
        let missing = missing.join(", ");
        say(&format!("note: the trace has no episode {missing}"));
    }
    Ok(())
}

/// Writes the rows of the first episodes, and returns how many there are.
fn write(
    args: &Args,
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: u64,
    to: impl Write + Send + 'static,
) -> anyhow::Result<u64> {
    interrupt::listen()?;
    let what = args.output.as_deref().map_or_else(
        || "standard output".to_owned(),
        |path| path.display().to_string(),
    );
    let failed = |source| {
        let what = what.clone();
        TraceError::Write { what, source }
    };
    let columns = trace::columns(simulation, args.candidates);
    let mut writer = trace::writer(args.format(), &columns, BufWriter::new(to))?;
    let recording = Recording {
        with_candidates: args.candidates,
        batch_size: args.backend.batch_size.map(|size| size as usize),
    };
    let progress = Progress::new(Total::Exactly(episodes), args.quiet);
    let mut on_row = |cells: &[Cell]| writer.row(cells).map_err(failed);
    let done = trace::record(
        simulation,
        backend,
        args.first_episode..args.first_episode.saturating_add(episodes),
        &recording,
        &progress,
        &mut on_row,
    );
    progress.finish();
    let done = done?;
    writer.finish().map_err(failed)?;
    Ok(done)
}

/// Prints the result of a replay.
fn report(path: &Path, simulation: &Simulation, replay: &Replay) -> anyhow::Result<u8> {
    let (episodes, steps) = (replay.returns.len(), replay.steps);
    if replay.num_differences == 0 {
        let mean = replay.returns.iter().sum::<f64>() / episodes as f64;
        print(&format!(
            "{steps} steps of {episodes} episodes replayed as recorded; mean return {mean}\n"
        ))?;
        return Ok(DONE);
    }
    let mut lines: Vec<String> = replay.differences.iter().map(told).collect();
    let untold = replay.num_differences - replay.differences.len() as u64;
    if untold > 0 {
        lines.push(format!("and {untold} more"));
    }
    print(&(lines.join("\n") + "\n"))?;
    say(&format!(
        "{} values of the {steps} steps in {} differ from the replay",
        replay.num_differences,
        path.display()
    ));
    if replay.num_propensities > 0 {
        say(&format!(
            "{} of them are propensities: those of another policy than {:?} differ so, and the policy can be told by --policy and --set",
            replay.num_propensities,
            simulation.plan.policy.policy().name()
        ));
    }
    Ok(FAILED)
}

fn told(difference: &Difference) -> String {
    let Difference {
        line,
        episode,
        step,
        column,
        recorded,
        found,
    } = difference;
    let shown = |cell: Cell| match cell {
        Cell::Missing => "nothing".to_owned(),
        cell => cell.text(),
    };
    format!(
        "line {line} (episode {episode}, step {step}): {column} is {} and was recorded as {}",
        shown(*found),
        shown(*recorded)
    )
}
