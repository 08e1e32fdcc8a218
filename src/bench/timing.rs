//! Times several workloads in turns, and subtracts the time that each takes to start.
//!
//! ```text
//! rate = (user-steps - those of the start) / (seconds - those of the start)
//! ```
//!
//! The start is a run of the smallest size, timed once everything has been compiled. The workloads of one measurement are run
//! in turns, so that a machine that becomes slower or faster meanwhile favours none of them. In each turn the start is timed
//! beside the run; the median start of all turns is subtracted, so that one slow start does not shift every run.

use super::spread::{Spread, median};
use crate::error::Error;

/// The largest factor by which the size grows at a time, so that one noisy measurement does no harm.
const LARGEST_GROWTH: f64 = 16.0;
/// Runs last at least as long as their start, because a long start has noise of the same magnitude; a start longer than this
/// asks for no longer runs.
const LONGEST_START_SECONDS: f64 = 1.0;
/// Differences of times below this have no meaning.
const SHORTEST_SECONDS: f64 = 1e-6;

/// The work that was done, and its time.
#[derive(Clone, Copy, Debug)]
pub struct Lap {
    /// Seconds of wall-clock time.
    pub seconds: f64,
    /// User-steps.
    pub user_steps: f64,
}

impl Lap {
    /// Returns the rate, with the start included.
    pub fn rate(self) -> f64 {
        self.user_steps / self.seconds.max(SHORTEST_SECONDS)
    }
}

/// Something whose speed is measured.
pub trait Workload {
    /// Runs this much; `None` if it was interrupted.
    ///
    /// # Errors
    /// [`Error`] if it cannot be run.
    fn run(&mut self, size: u64) -> Result<Option<Lap>, Error>;
    /// The smallest size that can be run.
    fn least(&self) -> u64;
    /// The size of the first measurement; the sizes of runs are multiples of it.
    fn first(&self) -> u64;
}

/// The figures of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Size of a run.
    pub size: u64,
    /// User-steps of a run.
    pub user_steps: f64,
    /// Seconds that a run takes to start: the median over the runs.
    pub start_seconds: f64,
    /// The rate of the runs, without the start.
    pub rate: Spread,
}

/// Measures workloads in turns, `runs` times each and at least once; each run should last `seconds` longer than its start.
/// `None` if it was interrupted.
///
/// # Errors
/// [`Error`] if a workload cannot be run.
pub fn measure(
    workloads: &mut [Box<dyn Workload + '_>],
    seconds: f64,
    runs: usize,
) -> Result<Option<Vec<Measured>>, Error> {
    let mut sizes = Vec::new();
    for workload in workloads.iter_mut() {
        let Some(size) = sized(workload.as_mut(), seconds)? else {
            return Ok(None);
        };
        sizes.push(size);
    }
    in_turns(workloads, &sizes, runs)
}

/// Measures workloads of known sizes in turns, `runs` times each. `None` if it was interrupted.
pub(super) fn in_turns(
    workloads: &mut [Box<dyn Workload + '_>],
    sizes: &[u64],
    runs: usize,
) -> Result<Option<Vec<Measured>>, Error> {
    let mut starts: Vec<Vec<Lap>> = vec![Vec::new(); workloads.len()];
    let mut laps = starts.clone();
    for _ in 0..runs {
        for (index, workload) in workloads.iter_mut().enumerate() {
            let least = workload.least();
            let (Some(start), Some(lap)) = (workload.run(least)?, workload.run(sizes[index])?)
            else {
                return Ok(None);
            };
            starts[index].push(start);
            laps[index].push(lap);
        }
    }
    let measured = sizes.iter().zip(starts.iter().zip(&laps));
    let measured = measured.map(|(&size, (starts, laps))| Measured::of(size, starts, laps));
    Ok(Some(measured.collect()))
}

impl Measured {
    /// Summarises runs of one size, and the starts that were timed beside them.
    fn of(size: u64, starts: &[Lap], laps: &[Lap]) -> Self {
        let start = Lap {
            seconds: median(starts.iter().map(|start| start.seconds).collect()),
            user_steps: starts[0].user_steps,
        };
        Self {
            size,
            user_steps: laps[0].user_steps,
            start_seconds: start.seconds,
            rate: Spread::of(laps.iter().map(|lap| since(start, *lap).rate()).collect()),
        }
    }
}

/// Returns the difference between a lap and the start.
fn since(start: Lap, lap: Lap) -> Lap {
    Lap {
        seconds: (lap.seconds - start.seconds).max(SHORTEST_SECONDS),
        user_steps: lap.user_steps - start.user_steps,
    }
}

/// Warms up, and finds the size of a run.
pub(super) fn sized(workload: &mut dyn Workload, seconds: f64) -> Result<Option<u64>, Error> {
    // The first run compiles; the second shows what a run costs apart from its steps.
    let least = workload.least();
    let (Some(_), Some(start)) = (workload.run(least)?, workload.run(least)?) else {
        return Ok(None);
    };
    let seconds = seconds.max(start.seconds.min(LONGEST_START_SECONDS));
    let mut size = workload.first();
    loop {
        let Some(lap) = workload.run(size)? else {
            return Ok(None);
        };
        let growth = (seconds / since(start, lap).seconds).min(LARGEST_GROWTH);
        size = grown(size, growth.max(1.0), workload.first());
        if growth < LARGEST_GROWTH {
            return Ok(Some(size));
        }
    }
}

/// Multiplies a size by a factor, and rounds up to a multiple of the unit.
fn grown(size: u64, factor: f64, unit: u64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and the conversion saturates"
    )]
    let enlarged = (size as f64 * factor) as u64;
    enlarged.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Takes 0.5 s to start, and then does a thousand user-steps per second, ten for each unit of size.
    struct Clockwork<'a> {
        name: char,
        log: &'a RefCell<String>,
        runs_left: usize,
        /// Takes 3 s longer when this many runs are left.
        slow_at: usize,
    }

    impl Workload for Clockwork<'_> {
        fn run(&mut self, size: u64) -> Result<Option<Lap>, Error> {
            if self.runs_left == 0 {
                return Ok(None);
            }
            self.runs_left -= 1;
            self.log.borrow_mut().push(self.name);
            let user_steps = 10.0 * size as f64;
            let slower = if self.runs_left == self.slow_at {
                3.0
            } else {
                0.0
            };
            let seconds = 0.5 + user_steps / 1000.0 + slower;
            Ok(Some(Lap {
                seconds,
                user_steps,
            }))
        }
        fn least(&self) -> u64 {
            1
        }
        fn first(&self) -> u64 {
            4
        }
    }

    fn clockworks(log: &RefCell<String>, runs_left: usize) -> Vec<Box<dyn Workload + '_>> {
        let new = |name| -> Box<dyn Workload + '_> {
            Box::new(Clockwork {
                name,
                log,
                runs_left,
                slow_at: usize::MAX,
            })
        };
        vec![new('a'), new('b')]
    }

    #[test]
    fn the_start_is_told_apart_and_runs_last_as_long_as_asked_for() {
        let log = RefCell::default();
        let measured = measure(&mut clockworks(&log, 100), 2.0, 3).unwrap();
        let measured = measured.expect("nothing interrupts")[0];
        assert!((measured.rate.median - 1000.0).abs() < 1e-9);
        assert!((measured.start_seconds - 0.51).abs() < 1e-12);
        // 2 s are 200 units, plus those of the start, rounded up to a multiple of four.
        assert!((200..=208).contains(&measured.size), "{}", measured.size);
    }

    #[test]
    fn workloads_take_turns() {
        let log = RefCell::default();
        measure(&mut clockworks(&log, 100), 2.0, 3).unwrap();
        // Each run stands beside its start, after the runs that find the sizes of both.
        let log = log.into_inner();
        assert_eq!(log, format!("aaaabbbb{}", "aabb".repeat(3)));
    }

    /// Finding the size takes four runs, unless it is misled; after that, starts and runs alternate.
    #[test]
    fn one_slow_start_changes_no_figure() {
        for slow_at in [98, 95, 93] {
            let log = RefCell::default();
            let slow: Box<dyn Workload + '_> = Box::new(Clockwork {
                name: 'a',
                log: &log,
                runs_left: 100,
                slow_at,
            });
            let measured = measure(&mut [slow], 2.0, 3).unwrap();
            let measured = measured.expect("nothing interrupts")[0];
            let (least, greatest) = (measured.rate.min, measured.rate.max);
            assert!((measured.start_seconds - 0.51).abs() < 1e-12, "{slow_at}");
            assert_eq!(least, greatest, "{slow_at}");
            assert!((measured.rate.median - 1000.0).abs() < 1e-9, "{slow_at}");
        }
    }

    #[test]
    fn an_interrupted_measurement_has_no_figures() {
        let log = RefCell::default();
        // Four runs for the size, three starts and three timed runs.
        for runs_left in 0..=10 {
            let measured = measure(&mut clockworks(&log, runs_left), 1.0, 3).unwrap();
            assert_eq!(measured.is_some(), runs_left == 10, "{runs_left}");
        }
    }

    #[test]
    fn sizes_grow_by_whole_units() {
        assert_eq!(grown(256, 1.0, 256), 256);
        assert_eq!(grown(256, 1.01, 256), 512);
        assert_eq!(grown(512, 16.0, 256), 8192);
    }
}
