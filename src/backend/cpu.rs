//! The backends `reference` and `cpu`: blocks of episodes on all cores, in batches. A *batch* is the blocks that the threads run
//! before the observer is asked again.

pub use super::lanes::{InstructionSet, Work};
use super::plan::BlockRollout;
use super::stepper::SteppedUsers;
use super::{
    BLOCK_EPISODES, BLOCK_SIZE, Backend, BackendError, BackendInfo, Launches, Observer,
    SINGLE_RESOLUTION, Simulation, Stepper,
};
use crate::statistics::{EpisodeBlock, Statistics};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The fewest blocks of a batch for each thread; the first batch has as many.
const BLOCKS_PER_THREAD: u64 = 8;
/// How many simulations a batch may span: the statistics of each take memory until the batch ends.
const MOST_SIMULATIONS: u128 = 64;
/// How long a batch should take. Threads wait for each other at its end, so it must not be too short; an interrupted run waits
/// for its end, so it must not be long.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// The number type of the host twins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `f64`, one user at a time: the backend `reference`.
    Double,
    /// `f32`, a vector of users at a time: the backend `cpu`.
    Single,
}

/// Runs episodes on the cores of this machine.
#[derive(Debug)]
pub struct CpuBackend {
    arithmetic: Arithmetic,
    pool: Arc<rayon::ThreadPool>,
    /// Episodes of a batch, if they are not to be as many as take [`BATCH_TIME`].
    batch_size: Option<u64>,
}

/// Makes the `cpu` backend, on all cores or on as many as asked for.
///
/// ```
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let one_thread = cpu(Some(1))?.rollout(&simulation, 0..1024, &Unobserved)?;
/// let two_threads = cpu(Some(2))?.rollout(&simulation, 0..1024, &Unobserved)?;
/// // To the last bit: threads change how long it takes, and nothing else.
/// assert_eq!(one_thread, two_threads);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BackendError::Threads`] if the threads cannot be started.
pub fn cpu(num_threads: Option<usize>) -> Result<CpuBackend, BackendError> {
    CpuBackend::new(Arithmetic::Single, num_threads)
}

impl CpuBackend {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`BackendError::Threads`] if they cannot be started.
    pub fn new(arithmetic: Arithmetic, num_threads: Option<usize>) -> Result<Self, BackendError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(num_threads.unwrap_or(0))
            .build()
            .map_err(BackendError::Threads)?;
        Ok(Self {
            arithmetic,
            pool: Arc::new(pool),
            batch_size: None,
        })
    }

    /// Sets how many episodes run before the observer is asked again, rounded up to whole blocks.
    #[must_use]
    pub fn with_batch_size(mut self, batch_size: u64) -> Self {
        let blocks = batch_size.div_ceil(BLOCK_EPISODES).max(1);
        self.batch_size = Some(blocks.saturating_mul(BLOCK_EPISODES));
        self
    }

    fn block_rollout(&self, simulation: &Simulation) -> Box<dyn BlockRollout> {
        match self.arithmetic {
            Arithmetic::Double => simulation.model.reference_rollout(&simulation.plan),
            Arithmetic::Single => simulation.model.cpu_rollout(&simulation.plan),
        }
    }

    /// Runs the episodes of a range for each simulation, in the order of simulations and blocks, on all threads. Calls
    /// `finished` with the statistics of each simulation.
    ///
    /// A batch may span several simulations, so that all threads are busy even where each simulation has few blocks.
    fn run(
        &self,
        simulations: &[Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: &mut dyn FnMut(usize, Statistics),
    ) {
        debug_assert_eq!(
            episodes.start % BLOCK_EPISODES,
            0,
            "ranges start at a block"
        );
        let mut hand_over = |index: usize, mut statistics: Statistics| {
            if self.arithmetic == Arithmetic::Single {
                statistics.set_resolution(SINGLE_RESOLUTION);
            }
            finished(index, statistics);
        };
        // The simulation that has begun and may have more blocks in the next batch; simulations come in order.
        let mut open: Option<(usize, Statistics)> = None;
        let blocks = u128::from(
            episodes
                .end
                .saturating_sub(episodes.start)
                .div_ceil(BLOCK_EPISODES),
        );
        let all = blocks * simulations.len() as u128;
        let mut begun = 0;
        let least = BLOCKS_PER_THREAD * self.pool.current_num_threads() as u64;
        let mut most = self
            .batch_size
            .map_or(least, |episodes| episodes / BLOCK_EPISODES);
        let most_in_batch = (blocks * MOST_SIMULATIONS).max(u128::from(least));
        while begun < all && !observer.is_interrupted() {
            let start = Instant::now();
            let batch = (all - begun).min(u128::from(most)).min(most_in_batch);
            let batch = u64::try_from(batch).expect("at most a batch");
            let done = self.pool.install(|| {
                (0..batch)
                    .into_par_iter()
                    .fold(ThreadWork::default, |mut work, index| {
                        let at = begun + u128::from(index);
                        let point = usize::try_from(at / blocks).expect("an index of a slice");
                        let block = u64::try_from(at % blocks).expect("below a 64-bit number");
                        let first = episodes.start + block * BLOCK_EPISODES;
                        let count = block_length(episodes.end - first);
                        let make = || self.block_rollout(&simulations[point]);
                        work.run(point, &simulations[point], make, first, count);
                        work
                    })
                    .map(|work| work.done)
                    .reduce(Vec::new, joined)
            });
            let sum = |count: fn(&Statistics) -> u64| {
                done.iter().map(|(_, statistics)| count(statistics)).sum()
            };
            observer.finished(sum(Statistics::episodes), sum(Statistics::user_steps));
            for (point, more) in done {
                match &mut open {
                    Some((last, statistics)) if *last == point => merge(statistics, &more),
                    _ => {
                        if let Some((last, statistics)) = open.replace((point, more)) {
                            hand_over(last, statistics);
                        }
                    }
                }
            }
            begun += u128::from(batch);
            if self.batch_size.is_none() {
                most = next_batch(most, start.elapsed()).max(least);
            }
        }
        let mut next = 0;
        if let Some((last, statistics)) = open {
            hand_over(last, statistics);
            next = last + 1;
        }
        for (index, simulation) in simulations.iter().enumerate().skip(next) {
            hand_over(index, simulation.statistics());
        }
    }
}

/// Chooses how many blocks the next batch has, from the blocks of the last one and the time that it took.
fn next_batch(blocks: u64, took: Duration) -> u64 {
    if took < BATCH_TIME / 2 {
        blocks.saturating_mul(2)
    } else if took > BATCH_TIME * 2 {
        blocks / 2
    } else {
        blocks
    }
}

/// What one thread does in a batch: consecutive blocks.
#[derive(Default)]
struct ThreadWork {
    /// The statistics of each simulation, by its index.
    done: Vec<(usize, Statistics)>,
    /// Runs blocks of the last simulation in `done`.
    rollout: Option<Box<dyn BlockRollout>>,
}

impl ThreadWork {
    fn run(
        &mut self,
        point: usize,
        simulation: &Simulation,
        make: impl Fn() -> Box<dyn BlockRollout>,
        first: u64,
        count: usize,
    ) {
        if self.done.last().is_none_or(|&(last, _)| last != point) {
            self.done.push((point, simulation.statistics()));
            self.rollout = None;
        }
        let block = self.rollout.get_or_insert_with(make).run(first, count);
        if let Some((_, statistics)) = self.done.last_mut() {
            statistics.add(&block);
        }
    }
}

/// Joins the statistics of consecutive blocks, those of `a` before those of `b`.
fn joined(
    mut a: Vec<(usize, Statistics)>,
    b: Vec<(usize, Statistics)>,
) -> Vec<(usize, Statistics)> {
    let mut b = b.into_iter().peekable();
    if let (Some((last, statistics)), Some((first, _))) = (a.last_mut(), b.peek())
        && last == first
        && let Some((_, more)) = b.next()
    {
        merge(statistics, &more);
    }
    a.extend(b);
    a
}

impl Backend for CpuBackend {
    fn info(&self) -> BackendInfo {
        let threads = self.pool.current_num_threads();
        let (name, driver) = match self.arithmetic {
            Arithmetic::Double => ("reference", "f64, one user at a time".to_owned()),
            Arithmetic::Single => {
                let set = InstructionSet::in_use();
                let (users, name) = (set.num_users(), set.name());
                ("cpu", format!("f32, {users} users at a time, {name}"))
            }
        };
        BackendInfo {
            name: name.to_owned(),
            device: format!("{threads} thread{}", if threads == 1 { "" } else { "s" }),
            driver,
        }
    }

    fn rollout(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Statistics, BackendError> {
        let mut statistics = None;
        let mut keep = |_, done| statistics = Some(done);
        self.run(
            std::slice::from_ref(simulation),
            episodes,
            observer,
            &mut keep,
        );
        Ok(statistics.expect("one for the one simulation"))
    }

    fn rollout_each(
        &self,
        simulations: &[Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: &mut dyn FnMut(usize, Statistics),
    ) -> Result<Option<Launches>, BackendError> {
        self.run(simulations, episodes, observer, finished);
        Ok(None)
    }

    fn episodes(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, BackendError> {
        debug_assert_eq!(
            episodes.start % BLOCK_EPISODES,
            0,
            "ranges start at a block"
        );
        let blocks = (episodes.end.saturating_sub(episodes.start)).div_ceil(BLOCK_EPISODES);
        Ok(self.pool.install(|| {
            (0..blocks)
                .into_par_iter()
                .map_init(
                    || self.block_rollout(simulation),
                    |rollout, block| {
                        let first = episodes.start + block * BLOCK_EPISODES;
                        rollout.run(first, block_length(episodes.end - first))
                    },
                )
                .collect()
        }))
    }

    fn shared_stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        let Simulation { model, plan } = simulation;
        let users = SteppedUsers {
            num_lanes,
            users_per_env,
            pool: Some(Arc::clone(&self.pool)),
        };
        Ok(match self.arithmetic {
            Arithmetic::Double => model.reference_stepper(plan, users),
            Arithmetic::Single => model.cpu_stepper(plan, users),
        })
    }
}

/// Returns how many of the remaining episodes the next block has.
fn block_length(remaining: u64) -> usize {
    usize::try_from(remaining).map_or(BLOCK_SIZE, |remaining| remaining.min(BLOCK_SIZE))
}

/// Merges statistics of one simulation; sums are exact, so the order does not matter.
fn merge(a: &mut Statistics, b: &Statistics) {
    a.merge(b).expect("both are of the same simulation");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_they_are_short_and_shrink_where_they_are_long() {
        let after = |milliseconds| next_batch(16, Duration::from_millis(milliseconds));
        assert_eq!([0, 49, 50, 200, 201].map(after), [32, 32, 16, 16, 8]);
    }
}
