//! Rollouts on the GPU, and how their episodes are added up.
//!
//! # Words
//!
//! | word | what |
//! | --- | --- |
//! | lane | one episode, run by one invocation |
//! | span | 64 lanes in a row; the smallest workgroup |
//! | block | 256 lanes in a row, which are 256 episodes in a row: four spans ([`BLOCK_EPISODES`]) |
//! | batch | the lanes of a dispatch, whole blocks: 2^13 on a software adapter, up to 2^20 on a GPU; a lane keeps its episode until all of the batch have ended |
//! | [`BatchRange`](range::BatchRange) | which episodes of which simulations a batch has |
//! | dispatch | one launch of the kernel `rollout` over a batch, for some steps, and of the kernels that add up after it |
//! | fused steps | the steps of one dispatch: as many as take some 40 ms ([`fusion`]) |
//! | tile | 8 steps, after which the lanes of a span add up what they have |
//! | in flight | up to three batches, each with [buffers](buffers::BatchBuffers) of its own: the device has work while the host reads |
//! | [`Collector`] | reads back what a batch leaves: [episodes](episodes::EpisodeCollector) or [a tally](tally::TallyCollector) |
//!
//! # One batch
//!
//! ```text
//!  episodes 0 ... N of one simulation (of a sweep: of several)
//!     |  cut into batches, `batch_ranges`
//!     v
//!  +----------------------- a batch: lanes in a row -----------------------+
//!  | block 0                       | block 1                       | ...   |
//!  | span  | span  | span  | span  | span  | span  | span  | span  |       |
//!  +-----------------------------------------------------------------------+
//!     |
//!     |  dispatch 1: steps 0 .. 8      kernel `rollout`, the state of users in registers
//!     |  dispatch 2: steps 8 .. 40     as long as an episode runs on: users and sums lie in buffers in between
//!     |  ...
//!     v  each dispatch leaves in the buffers of the batch
//!   outcomes [field][lane]         return, slope, length, clicks, quality, runs on?, invalid choices
//!   curve    [sum][step][span]     rewards, their squares and clicks of each step
//!   counts   [block][count]        impressions and clicks by topic, clicks by position
//!     |
//!     +----------------------------------------------+
//!     |                                              |
//!   few episodes, or each one is wanted            many: from 2^16 on, on a software adapter from 2^19
//!   `EpisodeCollector`                             `TallyCollector`, unless there are discounts
//!     |                                              |
//!     |  all of it is copied                       kernel `fold`:  curve    -> sums of each step
//!     |  to the host                               kernel `tally`: outcomes -> sums of the batch, totals
//!     |                                              |                         of blocks, buckets of returns
//!     v                                              v  some kilobytes are copied to the host
//!   an `EpisodeBlock` for each block               a `Tally` for each batch, and the buckets once in the end
//!     |                                              |
//!     v                                              v
//!   `Statistics::add`                              `Statistics::add_tally`, `add_return_buckets`
//!     |                                              |
//!     +----- the same `Statistics`, to the bit ------+
//! ```
//!
//! # Who adds what
//!
//! | figure | in a lane | in a block | above a block: host | above a block: device |
//! | --- | --- | --- | --- | --- |
//! | return, slope | compensated sums, `f32` | | [`ExactSum`] of numbers and squares | the same in digits of 8 bits, by atomic additions |
//! | reward of a step | | `f32`, lanes of a span and then spans in a fixed order | [`ExactSum`] of the sums of blocks | the same in digits |
//! | quality clicked | `f32` | `f32`, 16 slices in a fixed order | [`ExactSum`] of the sums of blocks | by the host |
//! | length, clicks | integers | integers | integers | integers; products as digits |
//! | topics, positions | | integers, atomically | integers | by the host |
//! | quantiles of returns | | | counts of the upper 21 bits | the same counts, in a table of each workgroup first |
//!
//! # Why both agree to the bit
//! Everything that rounds does so within a block, in an order that the numbers of the lanes fix: by span, slice and turn.
//! Above a block nothing rounds: there are integers, and sums of numbers as fixed-point numbers long enough for every `f32`
//! and its square (`shaders/statistics/exact_sum.wgsl`, [`ExactSum`]). Integers may be added in any order, so atomic
//! additions always give the same sum. Blocks begin at multiples of 256 episodes of the campaign, not of a batch. So neither
//! who adds up, nor the size of batches and workgroups, nor where steps are cut, nor which batch ends first can change a bit.
//! These may therefore be chosen by measured times, as [`fusion`] and [`calibration`] do. The sums of a lane are carried from
//! dispatch to dispatch together with the remainders that rounding has lost, so that a cut between steps changes nothing.
//!
//! `slatesim validate` compares all of it (rung *invariance*), and `tests/planted_faults.rs` breaks each stage once to see that this is
//! noticed.
//!
//! [`ExactSum`]: crate::statistics::ExactSum

mod batch_size;
mod buffers;
mod calibration;
pub(crate) mod collector;
pub(crate) mod episodes;
mod fusion;
mod range;
mod reach;
mod runner;
pub(crate) mod tally;

use super::engine::Engine;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::{BLOCK_EPISODES, Observer, Simulation};
use batch_size::{MAX_IN_FLIGHT, batch_size};
use collector::Collector;
use range::batch_ranges;
pub(crate) use runner::Taken;
use runner::{Batch, Progress, Runner};
use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Runs the episodes of a range for each of some simulations that can run side by side, see [`super::points`]. Calls
/// `finished`, in any order, with the index of a simulation, the first episode of a batch, and the output of the collector
/// for the episodes from there on.
pub(crate) fn run<C: Collector>(
    engine: &Engine,
    options: &GpuOptions,
    simulations: &[&Simulation],
    episodes: Range<u64>,
    observer: &dyn Observer,
    finished: impl FnMut(usize, u64, C::Output),
) -> Result<Option<Taken<C>>, GpuError> {
    run_calibrated(
        engine,
        options,
        simulations,
        episodes,
        observer,
        calibration::pays,
        finished,
    )
}

/// As [`run`]; `pays` tells whether to calibrate, from the numbers of batches done and left and the time that the former
/// took.
fn run_calibrated<C: Collector>(
    engine: &Engine,
    options: &GpuOptions,
    simulations: &[&Simulation],
    episodes: Range<u64>,
    observer: &dyn Observer,
    pays: impl Fn(u64, u64, Duration) -> bool,
    mut finished: impl FnMut(usize, u64, C::Output),
) -> Result<Option<Taken<C>>, GpuError> {
    debug_assert_eq!(
        episodes.start % BLOCK_EPISODES,
        0,
        "ranges start at a block"
    );
    if episodes.is_empty() || simulations.is_empty() {
        return Ok(None);
    }
    let per_point = (episodes.end - episodes.start).next_multiple_of(BLOCK_EPISODES);
    let lanes = per_point.saturating_mul(simulations.len() as u64);
    let batch_size = batch_size(&engine.gpu, options, simulations[0], lanes)?;
    let mut ranges = batch_ranges(simulations.len(), episodes, batch_size).peekable();
    // A number of batches that does not even fit is above the most in flight.
    let num_in_flight = usize::try_from(lanes.div_ceil(u64::from(batch_size)))
        .map_or(MAX_IN_FLIGHT, |batches| batches.min(MAX_IN_FLIGHT));
    let mut runner = Runner::<C>::new(engine, options, simulations, batch_size, num_in_flight)?;
    let mut free_buffers: Vec<usize> = (0..num_in_flight).collect();
    let mut in_flight: VecDeque<Batch<C::Batch>> = VecDeque::new();
    let begun = Instant::now();
    let (num_batches, mut num_done) = (lanes / u64::from(batch_size), 0);
    loop {
        while ranges.peek().is_some() && !observer.is_interrupted() {
            let Some(buffers_index) = free_buffers.pop() else {
                break;
            };
            let Some(range) = ranges.next() else { break };
            in_flight.push_back(runner.begin(range, buffers_index)?);
        }
        let Some(batch) = in_flight.pop_front() else {
            break;
        };
        match runner.advance(batch)? {
            Progress::Running(batch) => in_flight.push_back(*batch),
            Progress::Finished {
                range,
                buffers_index,
                collected,
            } => {
                free_buffers.push(buffers_index);
                num_done += 1;
                let num_left = num_batches.saturating_sub(num_done);
                if pays(num_done, num_left, begun.elapsed()) {
                    runner.calibrate();
                }
                let outputs = runner.collector.finish(collected, &range);
                for (point, output) in range.points.zip(outputs) {
                    finished(point, range.first, output);
                }
            }
        }
    }
    Ok(Some(runner.taken()))
}

#[cfg(test)]
mod tests {
    use super::tally::TallyCollector;
    use super::*;
    use crate::backend::Unobserved;
    use crate::backend::gpu::device::testing::any_gpu;
    use crate::registry::Registry;
    use crate::statistics::Statistics;
    use crate::validation::cases;

    #[test]
    fn calibrating_on_the_way_changes_nothing() {
        let Some(gpu) = any_gpu() else { return };
        let engine = Engine::new(gpu);
        let case = &cases(&Registry::built_in()).unwrap()[0];
        let options = GpuOptions {
            batch_size: Some(256),
            ..GpuOptions::default()
        };
        let run = |pays: bool| {
            let mut statistics = case.simulation.statistics();
            let finished = |_, _, batch: Statistics| statistics.merge(&batch).unwrap();
            let taken = run_calibrated::<TallyCollector>(
                &engine,
                &options,
                &[&case.simulation],
                0..40 * BLOCK_EPISODES,
                &Unobserved,
                |_, _, _| pays,
                finished,
            );
            (
                statistics,
                taken.unwrap().expect("there are episodes").shape,
            )
        };
        let (expected, none) = run(false);
        let (found, shape) = run(true);
        assert_eq!(found, expected);
        assert_eq!(none, None);
        assert_eq!(shape.is_some(), engine.gpu.seconds_per_tick().is_some());
    }
}
