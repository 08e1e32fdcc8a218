//! The speed of the main job for different numbers of threads, of episodes that run together (lanes), and of episodes.

use super::Lab;
use super::backends::OpenBackend;
use serde::Serialize;
use slatesim::Error;
use slatesim::backend::{BLOCK_EPISODES, Backend};
use slatesim::bench::{
    BackendLabel, Bench, Case, Lap, ResultRow, Rollout, Spread, Workload, measure,
};

/// Lanes and episodes grow by this factor.
const FACTOR: u64 = 4;
/// The longest time of a run of a curve in seconds, normally and with `--quick`.
const LONGEST_SECONDS: f64 = 1.5;
const LONGEST_QUICK_SECONDS: f64 = 0.06;
const MOST_LANES: u64 = 1 << 22;
const MOST_EPISODES: u64 = 1 << 28;

/// The number that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Worker threads.
    Threads,
    /// Episodes that run together, as with `--batch-size`.
    Lanes,
    /// Episodes of a run; the start of the run is part of its time.
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
pub(crate) struct ScalingRow {
    #[serde(flatten)]
    label: BackendLabel,
    by: By,
    value: u64,
    user_steps_per_second: Spread,
}

fn curves_of(opened: &OpenBackend) -> &'static [By] {
    // Threads of the host have no part in a GPU's work.
    match opened.gpu() {
        None => &[By::Threads, By::Lanes, By::Episodes],
        Some(_) => &[By::Lanes, By::Episodes],
    }
}

/// Measures the curves of every backend but the reference; if interrupted, the rest is missing. `bench` has the main job.
pub(crate) fn measure_all(
    lab: &Lab<'_>,
    main: &Case,
    bench: &Bench,
) -> Result<Vec<ScalingRow>, Error> {
    let mut points = Vec::new();
    for opened in lab.backends.iter().filter(|opened| !opened.is_reference()) {
        let label = opened.label();
        let Some(whole) = bench.row(main, &label) else {
            continue;
        };
        for &by in curves_of(opened) {
            let curve = Curve {
                lab,
                opened,
                main,
                whole,
            };
            let measured = match by {
                By::Threads => curve.by_threads()?,
                By::Lanes => curve.by_lanes()?,
                By::Episodes => curve.by_episodes()?,
            };
            let Some(measured) = measured else {
                return Ok(points);
            };
            lab.done("scaling", &format!("{label} by {}", by.name()));
            points.extend(measured.into_iter().map(|(value, spread)| ScalingRow {
                label: label.clone(),
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
    lab: &'a Lab<'a>,
    opened: &'a OpenBackend,
    main: &'a Case,
    /// The row of the main job in `bench`.
    whole: &'a ResultRow,
}

type Points = Option<Vec<(u64, Spread)>>;

impl Curve<'_> {
    fn workload<'a>(&'a self, backend: &'a dyn Backend) -> Box<dyn Workload + 'a> {
        Box::new(Rollout {
            backend,
            simulation: &self.main.simulation,
            observer: self.lab.observer,
        })
    }

    /// Returns how many episodes fit into the longest run, by the rate in `bench`.
    fn most_episodes(&self) -> u64 {
        let steps = self.whole.user_steps as f64 / self.whole.episodes as f64;
        let rate = self.whole.user_steps_per_second.median;
        let longest = if self.lab.is_quick {
            LONGEST_QUICK_SECONDS
        } else {
            LONGEST_SECONDS
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and the conversion saturates"
        )]
        let episodes = (longest * rate / steps) as u64;
        episodes
    }

    fn by_threads(&self) -> Result<Points, Error> {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let mut backends = Vec::new();
        for threads in doubling(all) {
            if let Some(backend) = self.opened.with_threads(threads)? {
                backends.push((threads as u64, backend));
            }
        }
        let workloads = backends.iter();
        let mut workloads: Vec<_> = workloads
            .map(|(_, backend)| self.workload(&**backend))
            .collect();
        let effort = self.lab.effort();
        let Some(measured) = measure(&mut workloads, effort.main_seconds, effort.runs)? else {
            return Ok(None);
        };
        let points = backends.iter().zip(measured);
        let points = points.map(|((threads, _), measured)| (*threads, measured.rate));
        Ok(Some(points.collect()))
    }

    fn by_lanes(&self) -> Result<Points, Error> {
        let mut backends: Vec<(u64, Box<dyn Backend>)> = Vec::new();
        for lanes in powers(BLOCK_EPISODES, MOST_LANES.min(self.most_episodes())) {
            let Ok(few) = u32::try_from(lanes) else {
                break;
            };
            let backend = self.opened.with_lanes(few)?;
            // Also warms up.
            match self.workload(&*backend).run(lanes) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(Error::Gpu(error)) if error.too_large().is_some() => break,
                Err(error) => return Err(error),
            }
            backends.push((lanes, backend));
        }
        let workloads = backends.iter();
        let mut workloads: Vec<_> = workloads
            .map(|(_, backend)| self.workload(&**backend))
            .collect();
        // All numbers of lanes run the same number of episodes: that of the largest one, or more.
        let most = backends.last().map_or(0, |(lanes, _)| *lanes);
        let sizes = vec![most.max(self.whole.episodes.min(self.most_episodes())); workloads.len()];
        let laps = turns(&mut workloads, &sizes, self.lab.effort().runs)?;
        let values = backends.iter().map(|(lanes, _)| *lanes);
        Ok(laps.map(|laps| points(values, laps)))
    }

    fn by_episodes(&self) -> Result<Points, Error> {
        let values: Vec<u64> =
            powers(BLOCK_EPISODES, MOST_EPISODES.min(self.most_episodes())).collect();
        let backend = self.opened.backend();
        let mut workloads: Vec<_> = values.iter().map(|_| self.workload(backend)).collect();
        let laps = turns(&mut workloads, &values, self.lab.effort().runs)?;
        Ok(laps.map(|laps| points(values.into_iter(), laps)))
    }
}

fn points(values: impl Iterator<Item = u64>, laps: Vec<Vec<Lap>>) -> Vec<(u64, Spread)> {
    let spreads = laps.into_iter().map(|laps| {
        let rates = laps.into_iter().map(Lap::rate);
        Spread::of(rates.collect())
    });
    values.zip(spreads).collect()
}

/// Runs workloads of given sizes in turns; `None` if it was interrupted.
pub(crate) fn turns(
    workloads: &mut [Box<dyn Workload + '_>],
    sizes: &[u64],
    runs: usize,
) -> Result<Option<Vec<Vec<Lap>>>, Error> {
    let mut laps = vec![Vec::with_capacity(runs); workloads.len()];
    for _ in 0..runs {
        for ((workload, &size), laps) in workloads.iter_mut().zip(sizes).zip(&mut laps) {
            let Some(lap) = workload.run(size)? else {
                return Ok(None);
            };
            laps.push(lap);
        }
    }
    Ok(Some(laps))
}

/// Lists 1, 2, 4, ... and last `all`.
pub(crate) fn doubling(all: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1_usize), |n| n.checked_mul(2));
    let mut numbers: Vec<usize> = powers.take_while(|&n| n < all).collect();
    numbers.push(all);
    numbers
}

/// Lists a number and its multiples by powers of [`FACTOR`], up to a maximum; at least the number itself.
pub(crate) fn powers(first: u64, most: u64) -> impl Iterator<Item = u64> {
    let powers = std::iter::successors(Some(first), |n| n.checked_mul(FACTOR));
    powers.take_while(move |&n| n == first || n <= most)
}
