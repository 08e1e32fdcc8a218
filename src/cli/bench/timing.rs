//! Timing several works in turns: how much of each, without what it takes to start.
//!
//! ```text
//! rate = (user-steps - those of the start) / (seconds - those of the start)
//! ```
//!
//! The start is the least that can be run, timed once everything has been compiled. The works of one measurement are run
//! in turns, so that a machine that becomes slower or faster on the way favours none of them. In each turn the start is
//! timed beside the run; the median of all turns is taken off, so that one slow start does not shift every run.

use super::spread::{Spread, median};

/// The sizing takes steps of this factor at most, so that one noisy measurement does no harm.
const LARGEST_GROWTH: f64 = 16.0;
/// A start that takes long is noise of the same size: runs last as long as it, but no longer than this.
const LONGEST_START_SECONDS: f64 = 1.0;
/// Differences of clocks below this mean nothing.
const SHORTEST_SECONDS: f64 = 1e-6;

/// What was done, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lap {
    pub(super) seconds: f64,
    pub(super) user_steps: f64,
}

impl Lap {
    /// Returns the rate of all of it, the start included.
    pub(super) fn rate(self) -> f64 {
        self.user_steps / self.seconds.max(SHORTEST_SECONDS)
    }
}

/// Something whose speed is measured.
pub(super) trait Work {
    /// Does as much; `None` if it was interrupted.
    fn run(&mut self, size: u64) -> anyhow::Result<Option<Lap>>;
    /// The least that can be run.
    fn least(&self) -> u64;
    /// What a measurement begins with; the sizes of runs are multiples of it.
    fn first(&self) -> u64;
}

/// What was measured of a work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Size of a run.
    pub(super) size: u64,
    /// User-steps of a run.
    pub(super) user_steps: f64,
    /// Median over the runs.
    pub(super) start_seconds: f64,
    pub(super) rate: Spread,
}

/// Measures works in turns, each run to last `seconds` longer than its start; `None` if it was interrupted.
pub(super) fn measure(
    works: &mut [Box<dyn Work + '_>],
    seconds: f64,
    runs: usize,
) -> anyhow::Result<Option<Vec<Measured>>> {
    let mut sizes = Vec::new();
    for work in works.iter_mut() {
        let Some(size) = sized(work.as_mut(), seconds)? else {
            return Ok(None);
        };
        sizes.push(size);
    }
    let mut starts: Vec<Vec<Lap>> = vec![Vec::new(); works.len()];
    let mut laps = starts.clone();
    for _ in 0..runs {
        for (index, work) in works.iter_mut().enumerate() {
            let least = work.least();
            let (Some(start), Some(lap)) = (work.run(least)?, work.run(sizes[index])?) else {
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
    /// Sums up runs of a size, and the starts that were timed beside them.
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

/// Runs works of given sizes in turns; `None` if it was interrupted.
pub(super) fn turns(
    works: &mut [Box<dyn Work + '_>],
    sizes: &[u64],
    runs: usize,
) -> anyhow::Result<Option<Vec<Vec<Lap>>>> {
    let mut laps = vec![Vec::with_capacity(runs); works.len()];
    for _ in 0..runs {
        for ((work, &size), laps) in works.iter_mut().zip(sizes).zip(&mut laps) {
            let Some(lap) = work.run(size)? else {
                return Ok(None);
            };
            laps.push(lap);
        }
    }
    Ok(Some(laps))
}

/// Returns what a lap has beyond the start.
fn since(start: Lap, lap: Lap) -> Lap {
    Lap {
        seconds: (lap.seconds - start.seconds).max(SHORTEST_SECONDS),
        user_steps: lap.user_steps - start.user_steps,
    }
}

/// Warms up, and finds how large a run has to be.
fn sized(work: &mut dyn Work, seconds: f64) -> anyhow::Result<Option<u64>> {
    // The first run compiles; the second tells what a run costs besides its steps.
    let least = work.least();
    let (Some(_), Some(start)) = (work.run(least)?, work.run(least)?) else {
        return Ok(None);
    };
    let seconds = seconds.max(start.seconds.min(LONGEST_START_SECONDS));
    let mut size = work.first();
    loop {
        let Some(lap) = work.run(size)? else {
            return Ok(None);
        };
        let growth = (seconds / since(start, lap).seconds).min(LARGEST_GROWTH);
        size = grown(size, growth.max(1.0), work.first());
        if growth < LARGEST_GROWTH {
            return Ok(Some(size));
        }
    }
}

/// Enlarges a size to a multiple of a unit.
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

    /// Takes 0.5 s to start, and does a thousand user-steps by second, ten for each unit of size.
    struct Clockwork<'a> {
        name: char,
        log: &'a RefCell<String>,
        runs_left: usize,
        /// Takes 3 s longer when so many runs are left.
        slow_at: usize,
    }

    impl Work for Clockwork<'_> {
        fn run(&mut self, size: u64) -> anyhow::Result<Option<Lap>> {
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

    fn clockworks(log: &RefCell<String>, runs_left: usize) -> Vec<Box<dyn Work + '_>> {
        let new = |name| -> Box<dyn Work + '_> {
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
        // 2 s are 200 units and that of the start, in multiples of four.
        assert!((200..=208).contains(&measured.size), "{}", measured.size);
    }

    #[test]
    fn works_take_turns() {
        let log = RefCell::default();
        turns(&mut clockworks(&log, 100), &[1, 1], 3).unwrap();
        assert_eq!(log.into_inner(), "ababab");
        let log = RefCell::default();
        measure(&mut clockworks(&log, 100), 2.0, 3).unwrap();
        // Each run beside its start, after the sizing of both.
        let log = log.into_inner();
        assert_eq!(log, format!("aaaabbbb{}", "aabb".repeat(3)));
    }

    /// The sizing takes four runs, unless it is misled, and then starts and runs alternate.
    #[test]
    fn one_slow_start_changes_no_figure() {
        for slow_at in [98, 95, 93] {
            let log = RefCell::default();
            let slow: Box<dyn Work + '_> = Box::new(Clockwork {
                name: 'a',
                log: &log,
                runs_left: 100,
                slow_at,
            });
            let measured = measure(&mut [slow], 2.0, 3).unwrap();
            let measured = measured.expect("nothing interrupts")[0];
            let [_, least, greatest, _] = measured.rate.cells();
            assert!((measured.start_seconds - 0.51).abs() < 1e-12, "{slow_at}");
            assert_eq!(least, greatest, "{slow_at}");
            assert!((measured.rate.median - 1000.0).abs() < 1e-9, "{slow_at}");
        }
    }

    #[test]
    fn an_interrupted_measurement_has_no_figures() {
        let log = RefCell::default();
        // Four of the sizing, three of the start and three of what is timed.
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
