//! `slatesim sweep`: one configuration over a grid or list of values.

use super::backends;
use super::exit_code::{DONE, FAILED};
use super::interrupt;
use super::output::{print, print_json, say_notes};
use super::progress::{Progress, Total};
use super::run_args::{BackendArgs, ConfigArgs, OutputArgs, RangeArgs, refuse_shard};
use super::text;
use super::warnings::tell;
use crate::config::{Arrangement, Axis, ConfigError};
use crate::evaluation::{self, MAX_POINTS, SweepReport};
use crate::registry::Registry;

/// Evaluate a grid of values, each on the same users, documents and noise.
///
/// The points are every value of each --vary with every value of the others, the last one's values fastest; with --zip the
/// first values together, then the second ones, and so on. Any key can be varied, those of policies and layers too, except
/// `episodes`. Each point's figures are the ones that `slatesim evaluate` gives. On a GPU points that differ in numbers only
/// run side by side in one pipeline.
///
/// Ctrl-C ends the run early: the first points are complete then, the last ones without episodes, and the result is marked
/// partial. A second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Policy, instead of `policy.name`
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Give a key one value after the other, laid over everything else; may be given for several keys
    ///
    /// Values are written as in TOML, names without quotes. Commas within brackets, braces or quotes do not separate:
    /// [0.2,0.8],[0.5,0.5] are two values. dotted.key=@FILE takes the values of a file, one a line (@- those of standard input).
    #[arg(
        long,
        value_name = "dotted.key=value,value,...",
        required = true,
        allow_hyphen_values = true
    )]
    vary: Vec<String>,
    /// Go through the values of all --vary together, instead of every one with every other
    #[arg(long)]
    zip: bool,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print comma-separated values, a line for each point
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    output: OutputArgs,
    // A hidden flag, so that it is refused with a reason; otherwise clap would suggest another flag.
    #[arg(long, hide = true, value_name = "I/N")]
    shard: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let OutputArgs {
        no_curves,
        json,
        strict,
        quiet,
    } = args.output;
    refuse_shard("sweep", args.shard.as_deref())?;
    let sources = args.config.sources(args.policy.as_ref())?;
    let axes = args.vary.iter().map(|text| Axis::parse(text));
    let axes = axes.collect::<Result<Vec<Axis>, ConfigError>>()?;
    let arrangement = if args.zip {
        Arrangement::Zip
    } else {
        Arrangement::Grid
    };
    let declarations = registry.declarations();
    let points = sources.resolve_points(&axes, arrangement, MAX_POINTS, &declarations)?;
    say_notes(points.iter().map(|point| &point.config));
    let simulations = registry.of_points(&points)?;
    let open = args.backend.open(quiet)?;
    let backend = open.backend();
    let episodes = points.first().map_or(0, |point| point.config.episodes);

    interrupt::listen()?;
    tracing::info!(episodes, points = points.len(), backend = ?backend.info(), "sweeping");
    let asked = episodes.saturating_mul(points.len() as u64);
    let progress = Progress::new(Total::Exactly(asked), quiet);
    // Only JSON output contains curves.
    let keeps_curves = json && !no_curves;
    let sweep = evaluation::sweep_range(
        &simulations,
        backend,
        args.range.episodes(episodes),
        keeps_curves,
        &progress,
    );
    progress.finish();
    let sweep =
        sweep.map_err(|error| backends::blame_batch_size(error, args.backend.batch_size))?;

    let report = SweepReport::new(&points, sweep);
    let is_refused = tell(&report.warnings, strict);
    if json {
        print_json(&report)?;
    } else if args.csv {
        print(&text::sweep::csv(&report))?;
    } else {
        print(&text::sweep::report(&report, &declarations))?;
    }
    if report.partial {
        let done = report.points.iter().map(|point| point.episodes).sum();
        return Ok(interrupt::told(done, asked));
    }
    Ok(if is_refused { FAILED } else { DONE })
}
