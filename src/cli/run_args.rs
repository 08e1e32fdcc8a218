//! Flags that all commands which run episodes share, and checks across them.

use super::backends;
use super::output::say;
use super::usage::Usage;
use crate::backend::gpu::AdapterId;
use crate::backend::{BLOCK_EPISODES, BackendChoice, BackendSettings, OpenBackend};
use crate::config::{ConfigError, ConfigFile, Origin, Override, Sources};
use crate::evaluation::{DEFAULT_MAX_EPISODES, FIRST_LOOK, Precision, Target};
use std::ops::Range;
use std::path::PathBuf;

/// Most worker threads that can be asked for.
const MAX_THREADS: i64 = 1024;

/// Most episodes of a run, as the key `episodes` has it.
const MAX_EPISODES: u64 = 1 << 63;

// What is run. (A doc comment on a group of flags would take the place of the command's own.)
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file
    #[arg(value_name = "CONFIG.toml")]
    config: Option<PathBuf>,
    /// Environment, instead of `environment.name`
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Episodes to simulate
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    episodes: Option<String>,
    /// Key of all random numbers
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: Option<String>,
    /// Steps after which an episode is truncated
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    max_steps: Option<String>,
    /// Discount of returns that are told besides the plain one; may be given several times. What compares or stops judges by
    /// the first
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    discount: Vec<String>,
    /// Set any key of the configuration file, such as environment.user.sensitivity=0.058
    #[arg(long, value_name = "dotted.key=value")]
    set: Vec<String>,
}

impl ConfigArgs {
    /// Combines the sources of values, and the command's own policy flag if it has one.
    pub(crate) fn sources(&self, policy: Option<&String>) -> Result<Sources, ConfigError> {
        let mut sources = Sources::new();
        if let Some(path) = &self.config {
            sources = sources.with_file(ConfigFile::read(path)?);
        }
        for text in &self.set {
            sources = sources.set(text)?;
        }
        let flags = [
            (
                "--environment",
                "environment.name",
                self.environment.as_ref(),
            ),
            ("--policy", "policy.name", policy),
            ("--episodes", "episodes", self.episodes.as_ref()),
            ("--seed", "seed", self.seed.as_ref()),
            ("--max-steps", "max_steps", self.max_steps.as_ref()),
        ];
        if !self.discount.is_empty() {
            let list = format!("[{}]", self.discount.join(", "));
            sources = sources.with_override(Override::flag("--discount", "discount", list));
        }
        for (flag, key, value) in flags {
            if let Some(value) = value {
                sources = sources.with_override(Override::flag(flag, key, value));
            }
        }
        Ok(sources)
    }
}

// The first episode.
#[derive(Debug, clap::Args)]
pub(crate) struct RangeArgs {
    /// Begin with episode N, a multiple of 256, to go on where another run ended; `slatesim merge` joins them
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, allow_negative_numbers = true, value_parser = first_episode)]
    pub(crate) first_episode: u64,
}

/// Reads the first episode of a block.
fn first_episode(text: &str) -> Result<u64, String> {
    let problem = || {
        format!(
            "allowed is a multiple of {BLOCK_EPISODES} up to 2^63: that many episodes are summed together"
        )
    };
    let first: u64 = text
        .parse()
        .map_err(|_not_a_number: std::num::ParseIntError| problem())?;
    let below = first - first % BLOCK_EPISODES;
    if first > MAX_EPISODES {
        return Err(problem());
    }
    if below != first {
        return Err(format!(
            "{}, and the nearest are {below} and {}",
            problem(),
            below + BLOCK_EPISODES
        ));
    }
    Ok(first)
}

impl RangeArgs {
    /// Returns the episodes that are run.
    pub(crate) fn episodes(&self, episodes: u64) -> Range<u64> {
        // Both are at most 2^63, and no run reaches the last of the 2^64 episodes.
        self.first_episode..self.first_episode.saturating_add(episodes)
    }
}

// The flags of the target precision.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Run until the standard error of the mean return is at most X; for `compare`, of every difference
    #[arg(long, value_name = "X", group = "target", allow_negative_numbers = true, value_parser = precision)]
    target_standard_error: Option<f64>,
    /// Run until the 95 % interval of the mean return reaches at most X to either side; for `compare`, the
    /// simultaneous interval of every difference
    #[arg(long, value_name = "X", group = "target", allow_negative_numbers = true, value_parser = precision)]
    target_half_width: Option<f64>,
    /// With a target: stop after N episodes at the latest [default: 100000000]
    ///
    /// The precision is looked at after 4,096 episodes and then after a quarter more each time. If the target is not
    /// reached, the result is marked, and the exit code 1.
    #[arg(long, value_name = "N", requires = "target", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(FIRST_LOOK..=MAX_EPISODES))]
    max_episodes: Option<u64>,
}

/// Reads a precision.
fn precision(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && *value > 0.0)
        .ok_or_else(|| "allowed is a finite number above 0".to_owned())
}

impl TargetArgs {
    /// Returns the target, if there is one, and prints what the key `episodes` means then.
    pub(crate) fn target(
        &self,
        sources: &Sources,
        is_quiet: bool,
    ) -> anyhow::Result<Option<Target>> {
        let asked = match (self.target_standard_error, self.target_half_width) {
            (None, None) => return Ok(None),
            (Some(value), _) => ("--target-standard-error", Precision::StandardError(value)),
            (None, Some(value)) => ("--target-half-width", Precision::HalfWidth(value)),
        };
        let (flag, precision) = asked;
        match sources.origin("episodes")? {
            Some(Origin::Flag(other)) => {
                return Err(Usage(format!(
                    "`{flag}` runs as many episodes as it takes, and {other} sets `episodes`; \
                     allowed is one of the two, with --max-episodes as the bound of the first"
                ))
                .into());
            }
            Some(origin) if !is_quiet => say(&format!(
                "`episodes` is not used ({origin}): {flag} decides, --max-episodes is the bound"
            )),
            _ => {}
        }
        let max_episodes = self.max_episodes.unwrap_or(DEFAULT_MAX_EPISODES);
        Ok(Some(Target::new(precision, max_episodes)?))
    }
}

// The flags of the backend.
#[derive(Debug, clap::Args)]
pub(crate) struct BackendArgs {
    /// What computes
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    backend: BackendChoice,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Worker threads; as many as there are cores if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=MAX_THREADS))]
    threads: Option<u32>,
    /// Episodes that run together, rounded up to a multiple of 256; as suits the device if not given
    ///
    /// Has no influence on the result. On the host it is also how many episodes run before Ctrl-C is heard.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: Option<u32>,
}

// The flag of the GPU.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct AdapterArgs {
    /// GPU to compute on: its index in `slatesim list`, or its PCI number (0000:01:00.0, or 10de:2330)
    #[arg(long, value_name = "INDEX|PCI-ID", allow_negative_numbers = true)]
    pub(crate) adapter: Option<AdapterId>,
}

impl BackendArgs {
    /// Opens the backend.
    pub(crate) fn open(&self, is_quiet: bool) -> anyhow::Result<OpenBackend> {
        let settings = BackendSettings {
            threads: self.threads.map(|threads| threads as usize),
            batch_size: self.batch_size,
            adapter: self.adapter.adapter,
        };
        backends::open(self.backend, settings, is_quiet)
    }
}

/// Refuses `--shard` for commands that do not support it.
pub(crate) fn refuse_shard(command: &str, shard: Option<&str>) -> Result<(), Usage> {
    match shard {
        None => Ok(()),
        Some(shard) => Err(Usage(format!(
            "`{command} --shard {shard}`: {command} has no shards; allowed is `slatesim evaluate --shard I/N` for each configuration, and \
             `slatesim merge`"
        ))),
    }
}

// The flags of the output.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave the curves by step out of the JSON, which they are most of
    #[arg(long)]
    pub(crate) no_curves: bool,
    /// Exit with 1 if scores had to be clamped before users could choose by them, or the built-in limit of steps cut episodes
    #[arg(long)]
    pub(crate) strict: bool,
    /// Show no progress and do not say what computes; warnings and errors remain
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args;

    #[test]
    fn the_help_tells_the_default_bound() {
        let mut command = TargetArgs::augment_args(clap::Command::new("test"));
        let help = command.render_help().to_string();
        let told = format!("[default: {DEFAULT_MAX_EPISODES}]");
        assert!(
            help.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .contains(&told),
            "{help}"
        );
    }

    #[test]
    fn a_precision_is_a_finite_number_above_zero() {
        assert_eq!(precision("0.05"), Ok(0.05));
        assert_eq!(precision("1e-3"), Ok(1e-3));
        for text in ["0", "-0.1", "nan", "inf", "", "x"] {
            assert!(precision(text).is_err(), "{text:?}");
        }
    }
}
