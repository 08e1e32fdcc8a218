//! How the speed of the main job grows with threads, with episodes in flight together (lanes), and with episodes.

use super::cases::Case;
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::rollouts::{ResultRow, Rollout};
use super::spread::Spread;
use super::timing::{Work, measure, turns};
use crate::backend::gpu::GpuError;
use crate::backend::{BLOCK_EPISODES, Backend};
use crate::error::Error;
use serde::Serialize;

/// Lanes and episodes grow by this factor.
const FACTOR: u64 = 4;
const MOST_LANES: u64 = 1 << 22;
const MOST_EPISODES: u64 = 1 << 28;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    /// Worker threads.
    Threads,
    /// Episodes in flight together, as `--batch-size` has it.
    Lanes,
    /// Episodes of a run; its start is part of the time.
    Episodes,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Lanes => "lanes",
            Self::Episodes => "episodes",
        }
    }
}

/// One point of a curve.
#[derive(Debug, Serialize)]
pub(super) struct ScalingRow {
    #[serde(flatten)]
    of: Of,
    by: By,
    value: u64,
    user_steps_per_second: Spread,
}

/// Counts the curves.
pub(super) fn count(backends: &[Opened]) -> usize {
    let scaled = backends.iter().filter(|opened| !opened.is_oracle());
    scaled.map(|opened| curves_of(opened).len()).sum()
}

fn curves_of(opened: &Opened) -> &'static [By] {
    // Threads of the host compute nothing of a GPU's work.
    match opened.gpu() {
        None => &[By::Threads, By::Lanes, By::Episodes],
        Some(_) => &[By::Lanes, By::Episodes],
    }
}

/// Measures the curves of every backend but the oracle; what is missing was interrupted. `rows` has the main job.
pub(super) fn measure_all(
    main: &Case,
    rows: &[ResultRow],
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Vec<ScalingRow>> {
    let mut points = Vec::new();
    for opened in backends.iter().filter(|opened| !opened.is_oracle()) {
        let Some(whole) = rows.iter().find(|row| row.is_main_of(opened)) else {
            continue;
        };
        for &by in curves_of(opened) {
            let curve = Curve {
                opened,
                main,
                whole,
                effort,
            };
            let measured = match by {
                By::Threads => curve.by_threads()?,
                By::Lanes => curve.by_lanes()?,
                By::Episodes => curve.by_episodes()?,
            };
            let Some(measured) = measured else {
                return Ok(points);
            };
            progress.done(&format!("{} by {}", opened.of().label(), by.name()));
            points.extend(measured.into_iter().map(|(value, spread)| ScalingRow {
                of: opened.of(),
                by,
                value,
                user_steps_per_second: spread,
            }));
        }
    }
    Ok(points)
}

/// Measures the curves of one backend.
struct Curve<'a> {
    opened: &'a Opened,
    main: &'a Case,
    /// The main job as measured before.
    whole: &'a ResultRow,
    effort: Effort,
}

type Points = Option<Vec<(u64, Spread)>>;

impl Curve<'_> {
    fn work<'a>(&'a self, backend: &'a dyn Backend) -> Box<dyn Work + 'a> {
        Box::new(Rollout {
            backend,
            simulation: &self.main.simulation,
        })
    }

    /// Returns how many episodes fit into the longest run, by what was measured before.
    fn most_episodes(&self) -> u64 {
        let steps = self.whole.user_steps as f64 / self.whole.episodes as f64;
        let rate = self.whole.user_steps_per_second.median;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and the conversion saturates"
        )]
        let episodes = (self.effort.longest_seconds * rate / steps) as u64;
        episodes
    }

    fn by_threads(&self) -> anyhow::Result<Points> {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let mut backends = Vec::new();
        for threads in doubling(all) {
            if let Some(backend) = self.opened.with_threads(threads)? {
                backends.push((threads as u64, backend));
            }
        }
        let works = backends.iter();
        let mut works: Vec<_> = works.map(|(_, backend)| self.work(&**backend)).collect();
        let effort = self.effort;
        let Some(measured) = measure(&mut works, effort.main_seconds, effort.runs)? else {
            return Ok(None);
        };
        let points = backends.iter().zip(measured);
        let points = points.map(|((threads, _), measured)| (*threads, measured.rate));
        Ok(Some(points.collect()))
    }

    fn by_lanes(&self) -> anyhow::Result<Points> {
        let mut backends: Vec<(u64, Box<dyn Backend>)> = Vec::new();
        for lanes in powers(BLOCK_EPISODES, MOST_LANES.min(self.most_episodes())) {
            let Ok(few) = u32::try_from(lanes) else {
                break;
            };
            let backend = self.opened.with_lanes(few)?;
            // Warms up too.
            match self.work(&*backend).run(lanes) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) if is_full(&error) => break,
                Err(error) => return Err(error),
            }
            backends.push((lanes, backend));
        }
        let works = backends.iter();
        let mut works: Vec<_> = works.map(|(_, backend)| self.work(&**backend)).collect();
        // All lanes in the same number of episodes: that of the largest, or more.
        let most = backends.last().map_or(0, |(lanes, _)| *lanes);
        let sizes = vec![most.max(self.whole.episodes.min(self.most_episodes())); works.len()];
        let laps = turns(&mut works, &sizes, self.effort.runs)?;
        let values = backends.iter().map(|(lanes, _)| *lanes);
        Ok(laps.map(|laps| points(values, laps)))
    }

    fn by_episodes(&self) -> anyhow::Result<Points> {
        let values: Vec<u64> =
            powers(BLOCK_EPISODES, MOST_EPISODES.min(self.most_episodes())).collect();
        let backend = self.opened.backend();
        let mut works: Vec<_> = values.iter().map(|_| self.work(backend)).collect();
        let laps = turns(&mut works, &values, self.effort.runs)?;
        Ok(laps.map(|laps| points(values.into_iter(), laps)))
    }
}

fn points(
    values: impl Iterator<Item = u64>,
    laps: Vec<Vec<super::timing::Lap>>,
) -> Vec<(u64, Spread)> {
    let spreads = laps.into_iter().map(|laps| {
        let rates = laps.into_iter().map(super::timing::Lap::rate);
        Spread::of(rates.collect())
    });
    values.zip(spreads).collect()
}

/// Tells whether the device cannot hold what was asked of it.
fn is_full(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<Error>(),
        Some(Error::Gpu(
            GpuError::LimitExceeded { .. } | GpuError::OutOfMemory { .. }
        ))
    )
}

/// Lists 1, 2, 4, ... and at the end all.
fn doubling(all: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1_usize), |n| n.checked_mul(2));
    let mut numbers: Vec<usize> = powers.take_while(|&n| n < all).collect();
    numbers.push(all);
    numbers
}

/// Lists a number and its multiples by powers of [`FACTOR`], up to another; itself at least.
fn powers(first: u64, most: u64) -> impl Iterator<Item = u64> {
    let powers = std::iter::successors(Some(first), |n| n.checked_mul(FACTOR));
    powers.take_while(move |&n| n == first || n <= most)
}

impl ScalingRow {
    /// Names the first columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 3] = ["backend", "by", "value"];

    /// Writes the measurement for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            self.of.label(),
            self.by.name().to_owned(),
            self.value.to_string(),
        ];
        cells.extend(self.user_steps_per_second.cells());
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_double_and_end_with_all() {
        assert_eq!(doubling(1), [1]);
        assert_eq!(doubling(6), [1, 2, 4, 6]);
        assert_eq!(doubling(8), [1, 2, 4, 8]);
    }

    #[test]
    fn a_curve_has_a_point_however_short_a_run_may_be() {
        assert_eq!(powers(256, 1).collect::<Vec<_>>(), [256]);
        assert_eq!(powers(256, 5000).collect::<Vec<_>>(), [256, 1024, 4096]);
    }
}
