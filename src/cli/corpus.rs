//! `slatesim corpus`: the documents that a seed draws.

use super::exit_code::DONE;
use super::new_file::NewFile;
use super::output::{print, say, say_notes};
use super::run_args::ConfigArgs;
use crate::config::{CommonKeys, Config, Corpus, Override};
use crate::registry::Registry;
use anyhow::Context;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Print the documents that a seed draws, as CSV or JSON.
///
/// They are the ones that all users and episodes share where `environment.resample_documents` is false: those of `environment.document.seed`, or of `seed` where that is not given, or the ones that the configuration
/// lists. `environment.document.corpus` reads the file back to the same bits.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to write; by the ending of PATH if not given, else CSV
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// File to write; standard output if not given
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace PATH if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Do not say what was passed over; errors remain
    #[arg(long)]
    quiet: bool,
}

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Comma-separated values with a header
    Csv,
    /// A list of objects, or of numbers where documents have one each
    Json,
}

impl Format {
    fn of(path: &Path) -> Self {
        let ending = path.extension();
        match ending.is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
            true => Self::Json,
            false => Self::Csv,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let flag = |key, value: &str| Override::flag("slatesim corpus", key, value);
    let resample = "environment.resample_documents";
    let mut sources = args.config.sources(None)?;
    let is_given = sources.origin(resample)?.is_some();
    sources = sources.with_override(flag(resample, "false"));
    // No episode is run, so `max_steps` does not matter, but a configuration may need it.
    if sources.origin("max_steps")?.is_none() {
        sources = sources.with_override(flag("max_steps", "1"));
    }
    let config = Config::resolve(&sources, &registry.declarations())?;
    if !args.quiet {
        say_notes([&config]);
    }
    let corpus = registry.corpus(&config)?;
    if is_given && !args.quiet && is_resampled(args, registry)? {
        say(&format!(
            "`{resample}` is true: every step draws new documents, and these are the ones that false would draw"
        ));
    }
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(path)) => Format::of(path),
        (None, None) => Format::Csv,
    };
    let text = match format {
        Format::Csv => csv(&corpus),
        Format::Json => json(&corpus)?,
    };
    match &args.output {
        None => print(&text)?,
        Some(path) => {
            let (new, mut file) = NewFile::create(path, args.force)?;
            file.write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            new.keep()?;
        }
    }
    Ok(DONE)
}

/// Tells whether the configuration as given draws new documents at every step.
fn is_resampled(args: &Args, registry: &Registry) -> anyhow::Result<bool> {
    let mut sources = args.config.sources(None)?;
    if sources.origin("max_steps")?.is_none() {
        sources = sources.with_override(Override::flag("slatesim corpus", "max_steps", 1));
    }
    let config = Config::resolve(&sources, &registry.declarations());
    Ok(
        config
            .is_ok_and(|config| CommonKeys::read(&config.environment.settings).resample_documents),
    )
}

/// Writes numbers in the shortest form that reads back as the same `f64`.
fn csv(corpus: &Corpus) -> String {
    let names: Vec<&str> = corpus
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut text = names.join(",") + "\n";
    for row in 0..corpus.rows {
        for (position, (_, values)) in corpus.columns.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            let _ = write!(text, "{separator}{}", values[row]);
        }
        text.push('\n');
    }
    text
}

/// Writes one document for each line.
fn json(corpus: &Corpus) -> anyhow::Result<String> {
    let list = serde_json::to_value(corpus).context("cannot write the documents as JSON")?;
    let rows = list.as_array().into_iter().flatten();
    let rows: Vec<String> = rows.map(ToString::to_string).collect();
    Ok(format!("[\n{}\n]\n", rows.join(",\n")))
}
