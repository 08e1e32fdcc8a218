//! Campaigns of episodes: running a range of them, reporting them, and merging the reports of shards.
//!
//! ```text
//! Config + Backend --evaluate--> Campaign --Report::new--> Report --JSON--> Report::from_json --merge--> Report
//! ```
//!
//! [`evaluate_until`] runs until the mean return is as precise as asked for, and [`compare()`] several simulations on the
//! same random numbers; [`sweep()`] runs one configuration over a grid of values.
//!
//! [`trace`] writes single steps.
//!
//! A report carries the exact state of its statistics, so that the reports of all shards merge into the report of the
//! whole run, to the last bit of every figure.

mod compare;
mod differences;
mod error;
mod figures;
mod json_numbers;
mod merge;
mod parts;
mod ranges;
mod report;
mod shard;
mod solution;
mod state;
mod stopping;
mod sweep;
pub mod trace;
mod uncertainty;
mod warnings;

pub use compare::{
    Best, Comparison, ComparisonReport, Extent, MAX_COMPARED, PairedDifference, VariantReport,
    compare,
};
pub use differences::{Difference, differences};
pub use error::EvaluationError;
pub use merge::{Merged, Pooling, merge, merge_runs};
pub use parts::{Joined, Part};
pub use ranges::EpisodeRange;
#[cfg(feature = "cli")]
pub(crate) use ranges::told;
pub use report::{Estimate, Report, SCHEMA, SeedReport};
pub use shard::Shard;
pub use solution::{Solution, solve};
pub use state::{SeedState, State};
pub use stopping::{
    DEFAULT_MAX_EPISODES, Extension, FIRST_LOOK, Precision, Stopping, Target, evaluate_until,
};
pub use sweep::{MAX_POINTS, PointReport, Sweep, SweepReport, SweptPoint, sweep, sweep_range};
pub use warnings::Warning;

use crate::backend::{BLOCK_EPISODES, Backend, BackendInfo, Observer, Simulation};
pub use crate::statistics::LEVEL;
use crate::statistics::Statistics;
use std::ops::Range;
use std::time::Instant;

/// Holds the results of a range of episodes.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The backend that ran it.
    pub backend: BackendInfo,
    /// The episodes that were asked for.
    pub asked: Range<u64>,
    /// The episodes that were run: fewer than asked for if the work was interrupted.
    pub done: Range<u64>,
    /// Their statistics.
    pub statistics: Statistics,
    /// How long it took, in seconds of wall-clock time.
    pub seconds: f64,
}

impl Campaign {
    /// Tells whether episodes are missing because the work was interrupted.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.done != self.asked
    }
}

/// Runs the episodes of a range, each to its own end, and takes the time.
///
/// An empty range is legal and runs nothing. Interrupted, the campaign ends early, with whole episodes only.
///
/// ```
/// use slatesim::backend::{Simulation, Unobserved, cpu::cpu};
/// use slatesim::evaluation::evaluate;
///
/// let simulation = Simulation::of("long_term_satisfaction").policy("greedy").build()?;
/// let campaign = evaluate(&simulation, &cpu(Some(1))?, 0..512, &Unobserved)?;
/// let summary = campaign.statistics.summary();
/// println!("{:?} in {:.3} seconds", summary.returns.mean, campaign.seconds);
/// assert_eq!((campaign.done, summary.episodes), (0..512, 512));
/// # assert!(summary.returns.mean.is_some_and(|mean| mean > 1000.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EvaluationError::Unaligned`] if the range does not start at a multiple of [`BLOCK_EPISODES`], and those of
/// [`Backend::rollout`].
pub fn evaluate(
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: Range<u64>,
    observer: &dyn Observer,
) -> Result<Campaign, EvaluationError> {
    let (start, end) = (episodes.start, episodes.end.max(episodes.start));
    if !start.is_multiple_of(BLOCK_EPISODES) {
        return Err(EvaluationError::Unaligned { start });
    }
    let (statistics, seconds) = if start == end {
        (simulation.statistics(), 0.0)
    } else {
        let clock = Instant::now();
        let statistics = backend.rollout(simulation, start..end, observer)?;
        (statistics, clock.elapsed().as_secs_f64())
    };
    Ok(Campaign {
        backend: backend.info(),
        asked: start..end,
        done: start..start + statistics.episodes(),
        statistics,
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Unobserved, cpu, reference};
    use crate::registry;
    use crate::test_support::{Impatient, short_run};

    #[test]
    fn a_range_that_starts_within_a_block_is_refused() {
        let simulation = registry::simulation(&short_run(&[])).unwrap();
        let backend = cpu::cpu(Some(1)).unwrap();
        let error = evaluate(&simulation, &backend, 5..300, &Unobserved).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the first episode is 5, expected a multiple of 256"
        );
    }

    #[test]
    fn an_empty_range_runs_nothing() {
        let simulation = registry::simulation(&short_run(&[])).unwrap();
        let backend = cpu::cpu(Some(1)).unwrap();
        let campaign = evaluate(&simulation, &backend, 512..512, &Unobserved).unwrap();
        assert_eq!((campaign.statistics.episodes(), campaign.seconds), (0, 0.0));
        assert!(!campaign.is_partial());
    }

    #[test]
    fn an_interrupted_campaign_knows_what_it_has_done() {
        let simulation = registry::simulation(&short_run(&[])).unwrap();
        let backend = reference::reference(Some(1)).unwrap().with_batch_size(512);
        let campaign =
            evaluate(&simulation, &backend, 256..100_000, &Impatient::default()).unwrap();
        assert!(campaign.is_partial());
        assert_eq!(campaign.done, 256..768);
        assert_eq!(campaign.statistics.episodes(), 512);
    }
}
