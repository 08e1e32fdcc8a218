//! `slatesim compare`: several variants on the same users.

use super::backends;
use super::evaluate::missed;
use super::exit_code::{DONE, FAILED};
use super::interrupt;
use super::output::{print, print_json, say_notes};
use super::progress::{Progress, Total};
use super::run_args::{BackendArgs, ConfigArgs, OutputArgs, RangeArgs, TargetArgs, refuse_shard};
use super::text;
use super::usage::Usage;
use super::warnings::tell;
use crate::config::{ConfigError, Variant};
use crate::evaluation::{self, ComparisonReport, Extent, MAX_COMPARED};
use crate::registry::Registry;
use crate::statistics::Statistics;

/// Compare policies, or settings of one, on the same users, documents and noise.
///
/// Episode by episode all variants face the same random numbers, so that their differences are sharper than the single
/// figures. The variants are the `variant` tables of CONFIG.toml (name = "...", set = { dotted.key = value, ... }),
/// then one for each --policy, then one for each --variant. Their values are laid over everything else; seed and episodes
/// are one for all.
///
/// Each difference has an interval of its own, one that holds together with those of all pairs (Bonferroni), and a p-value
/// corrected for all pairs (Holm). The confidence in the best is corrected for the number of its rivals: c says that at most
/// a share 1 - c of all runs would claim as surely a best that is none. Beside it stands by how much the best exceeds the
/// best of the others.
///
/// Ctrl-C ends the run early: the episodes done so far are reported, marked partial. A second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Compare this policy; may be given several times
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// Compare the base with these values; may be given several times
    ///
    /// Commas within brackets, braces or quotes do not separate; a value that is a text with a comma needs quotes. With
    /// nothing after the colon the variant is the base itself.
    #[arg(long, value_name = "LABEL: dotted.key=value, ...")]
    variant: Vec<String>,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    backend: BackendArgs,
    #[command(flatten)]
    output: OutputArgs,
    // A hidden flag, so that it is refused with a reason; otherwise clap would suggest another flag.
    #[arg(long, hide = true, value_name = "I/N")]
    shard: Option<String>,
}

impl Args {
    /// Makes the variants that flags describe.
    fn variants(&self) -> Result<Vec<Variant>, ConfigError> {
        let policies = self.policy.iter().map(|name| Ok(Variant::of_policy(name)));
        let variants = self.variant.iter().map(|text| Variant::parse(text));
        policies.chain(variants).collect()
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let OutputArgs {
        no_curves,
        json,
        strict,
        quiet,
    } = args.output;
    refuse_shard("compare", args.shard.as_deref())?;
    let sources = args.config.sources(None)?;
    let declarations = registry.declarations();
    let compared = sources.resolve_variants(args.variants()?, MAX_COMPARED, &declarations)?;
    say_notes(compared.iter().map(|(_, config)| config));
    let target = args.target.target(&sources, quiet)?;
    let simulations = registry.of_variants(&compared)?;
    let open = args.backend.open(quiet)?;
    let backend = open.backend();
    // Progress counts the episodes of all variants together.
    let times = |episodes: u64| episodes.saturating_mul(compared.len() as u64);
    let (extent, total) = match target {
        None => {
            let episodes = compared[0].1.episodes;
            let first = args.range.first_episode;
            (
                Extent::From { first, episodes },
                Total::Exactly(times(episodes)),
            )
        }
        Some(_) if args.range.first_episode > 0 => {
            let problem = "`--first-episode` goes with a number of episodes; allowed is one of it and a target";
            return Err(Usage(problem.to_owned()).into());
        }
        Some(target) => {
            let most = times(target.max_episodes());
            (Extent::Target(target), Total::AtMost(most))
        }
    };

    interrupt::listen()?;
    tracing::info!(?extent, variants = compared.len(), backend = ?backend.info(), "comparing");
    let progress = Progress::new(total, quiet);
    let batch_size = args.backend.batch_size;
    let comparison = evaluation::compare(
        &simulations,
        backend,
        extent,
        batch_size.map(u64::from),
        &progress,
    );
    progress.finish();
    let mut comparison =
        comparison.map_err(|error| backends::blame_batch_size(error, batch_size))?;
    if no_curves {
        comparison
            .statistics
            .iter_mut()
            .for_each(Statistics::drop_curves);
    }

    let report = ComparisonReport::new(&compared, &comparison);
    let is_refused = tell(&report.warnings, strict);
    if json {
        print_json(&report)?;
    } else {
        print(&text::comparison::report(&report, &declarations))?;
    }
    if report.partial {
        return Ok(interrupt::told(report.episodes, report.asked));
    }
    let is_failed = is_refused || missed(report.stopping.as_ref());
    Ok(if is_failed { FAILED } else { DONE })
}
