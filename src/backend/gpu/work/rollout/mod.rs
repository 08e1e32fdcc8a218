//! Rollouts on the GPU: batches of episodes in flight, fused steps sized to tens of milliseconds.
//!
//! A batch is as many lanes as one dispatch has: episodes of one simulation, or whole ranges of episodes of several that
//! can run side by side, one after the other. Its episodes run for `fusion` steps a dispatch. Several batches are in
//! flight, each with buffers of its own, so that the device has work while the host reads.
//!
//! What comes back is the business of a [`Collector`]: every episode ([`blocks`]), or no more than statistics ([`tally`]).

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

/// Runs the episodes of a range for each of some simulations that can run side by side, see [`super::points`];
/// `finished` gets the index of a simulation, the first episode and what the collector has of those from there on, in
/// any order.
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

/// As [`run`]; `pays` tells whether to calibrate, from the batches done and left and the time that those done took.
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
    // Any number of batches above that is as good.
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
