//! Rollouts on the GPU: batches of episodes in flight, fused steps sized to tens of milliseconds.
//!
//! A batch is as many lanes as one dispatch has: episodes of one simulation, or whole ranges of episodes of several that
//! can run side by side, one after the other. Its episodes run for `fusion` steps a dispatch. Several batches are in
//! flight, each with buffers of its own, so that the device has work while the host reads.
//!
//! What comes back is the business of a [`Collector`]: every episode ([`blocks`]), or no more than statistics ([`tally`]).

mod batch;
pub(crate) mod blocks;
mod calibration;
mod fusion;
mod slot;
pub(crate) mod tally;
mod tile;

use super::points::Points;
use super::program::{Entry, Job, Program, largest, most_iterations, parts, upload};
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::readback::{Readback, Staged};
use crate::backend::gpu::device::stopwatch::{Laps, Timed, add_times};
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::{GpuOptions, Observer, Simulation};
use crate::backend::model::power;
use crate::backend::{BLOCK_EPISODES, BLOCK_SIZE, KernelTime};
use batch::batch_size;
use calibration::{Calibration, Shape};
use fusion::Fusion;
use slot::{Dispatch, Extent, Slot};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(crate) use tile::block;
pub(crate) use tile::word;
use tile::{Tile, tiles};

/// Fields of the outcomes that are read, in the order of `shaders/kernel/rollout.wgsl`.
const OUTCOME_FIELDS: usize = 7;
/// Batches in flight.
const NUM_SLOTS: usize = 3;
/// Storage for the sums of the steps of a dispatch at most, whatever the adapter allows.
const MAX_CURVE_BYTES: u64 = 1 << 26;
/// Lanes in a row whose sums of a step are formed together, and how many of them a block has.
pub(crate) const SPAN: u32 = 64;
const BLOCK_SPANS: usize = BLOCK_SIZE / SPAN as usize;

/// Parts of a block over each of which quality is summed in single precision before the parts are, whoever sums it.
const PARTS: u32 = 16;
/// Lanes that are added up side by side.
const QUAD: usize = 4;

/// What a dispatch left to be read.
struct Flight {
    steps: Range<u32>,
    /// In the order of [`Collector::record`].
    readbacks: Vec<Readback>,
    ticks: Option<Timed<Readback>>,
    submitted: Instant,
    /// Which trial of the calibration it is.
    trial: Option<usize>,
}

/// Brings home what batches leave on the device.
pub(crate) trait Collector: Sized {
    /// What a batch has left so far.
    type Batch;
    /// What one simulation's episodes of a batch leave in the end.
    type Output;

    /// Makes the buffers and programs that it needs besides those of every rollout.
    fn new(
        gpu: &Gpu,
        options: &GpuOptions,
        simulation: &Simulation,
        extent: &Extent,
    ) -> Result<Self, GpuError>;

    /// Returns how many steps a dispatch of so many lanes may have.
    fn most_steps(gpu: &Gpu, options: &GpuOptions, batch_size: u64) -> u64;

    /// Begins a batch.
    fn begin(&self, tile: &Tile) -> Self::Batch;

    /// Records what is to be done after the steps of a dispatch, and the copies of what is to be read. The first tells
    /// whether episodes are still running. Kernels are timed if there is a timing under way.
    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        laps: Option<&mut Laps<'_>>,
        dispatch: &Dispatch<'_>,
    ) -> Result<Vec<Staged>, GpuError>;

    /// Tells from the first copy whether episodes are still running, if there are steps left.
    fn is_running(&self, first: &[u32]) -> bool;

    /// Takes in the copies of a dispatch, which was the batch's last if `is_final`.
    ///
    /// # Errors
    /// What contradicts itself in them: episodes that neither ended nor went on to the last step, clicks without a step.
    fn read(
        &self,
        batch: &mut Self::Batch,
        tile: &Tile,
        steps: &Range<u32>,
        copies: &[Vec<u32>],
        is_final: bool,
    ) -> Result<(), String>;

    /// Returns how many steps the longest episode of a batch took that has been read to its end.
    fn longest(&self, batch: &Self::Batch) -> u32;

    /// Ends a batch: one output for each of its simulations.
    fn finish(&self, batch: Self::Batch, tile: &Tile) -> Vec<Self::Output>;
}

/// A batch on its way through its dispatches.
struct Batch<B> {
    tile: Tile,
    slot: usize,
    flight: Flight,
    collected: B,
}

struct Rollout<'a, C> {
    gpu: &'a Gpu,
    options: GpuOptions,
    /// Candidates that a dispatch looks at, where it may not look at all of them.
    part_size: Option<u32>,
    /// One of those that run, which stands for all in what they have in common.
    simulation: &'a Simulation,
    entry: Entry,
    rollout: Arc<Program>,
    points: Points,
    num_dispatches: u64,
    times: Vec<KernelTime>,
    waited: Duration,
    shape: Option<Shape>,
    slots: Vec<Slot>,
    collector: C,
    fusion: Fusion,
    calibration: Option<Calibration>,
}

/// What running took, where there was anything to run.
pub(crate) struct Taken<C> {
    /// The program of the episodes.
    pub(crate) program: Arc<Program>,
    /// Dispatches of it.
    pub(crate) num_dispatches: u64,
    /// What the kernels took by the clock of the device; empty where it has none.
    pub(crate) times: Vec<KernelTime>,
    /// How long the host had nothing to do but wait: nothing, where it is what limits.
    pub(crate) waited: Duration,
    /// What calibration has found, where it paid.
    pub(crate) shape: Option<Shape>,
    /// For what batches have left behind together.
    pub(crate) collector: C,
}

/// Runs the episodes of a range for each of some simulations that can run side by side, see [`super::points`];
/// `finished` gets the index of a simulation, the first episode and what the collector has of those from there on, in
/// any order.
pub(crate) fn run<C: Collector>(
    gpu: &Gpu,
    options: &GpuOptions,
    simulations: &[&Simulation],
    episodes: Range<u64>,
    observer: &dyn Observer,
    finished: impl FnMut(usize, u64, C::Output),
) -> Result<Option<Taken<C>>, GpuError> {
    run_calibrated(
        gpu,
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
    gpu: &Gpu,
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
    let batch_size = batch_size(gpu, options, simulations[0], lanes)?;
    let mut tiles = tiles(simulations.len(), episodes, batch_size).peekable();
    // Any number above that of the slots is as good.
    let num_slots = usize::try_from(lanes.div_ceil(u64::from(batch_size)))
        .map_or(NUM_SLOTS, |batches| batches.min(NUM_SLOTS));
    let mut rollout = Rollout::<C>::new(gpu, options, simulations, batch_size, num_slots)?;
    let mut free: Vec<usize> = (0..num_slots).collect();
    let mut in_flight: VecDeque<Batch<C::Batch>> = VecDeque::new();
    let begun = Instant::now();
    let (num_batches, mut num_done) = (lanes / u64::from(batch_size), 0);
    loop {
        while tiles.peek().is_some() && !observer.is_interrupted() {
            let Some(slot) = free.pop() else { break };
            let Some(tile) = tiles.next() else { break };
            in_flight.push_back(rollout.begin(tile, slot)?);
        }
        let Some(batch) = in_flight.pop_front() else {
            break;
        };
        match rollout.advance(batch)? {
            Progress::Running(batch) => in_flight.push_back(*batch),
            Progress::Finished {
                tile,
                slot,
                collected,
            } => {
                free.push(slot);
                num_done += 1;
                let num_left = num_batches.saturating_sub(num_done);
                if pays(num_done, num_left, begun.elapsed()) {
                    rollout.calibrate();
                }
                let outputs = rollout.collector.finish(collected, &tile);
                for (point, output) in tile.points.zip(outputs) {
                    finished(point, tile.first, output);
                }
            }
        }
    }
    Ok(Some(Taken {
        program: rollout.rollout,
        num_dispatches: rollout.num_dispatches,
        times: rollout.times,
        waited: rollout.waited,
        shape: rollout.shape,
        collector: rollout.collector,
    }))
}

enum Progress<B> {
    Running(Box<Batch<B>>),
    Finished {
        tile: Tile,
        slot: usize,
        collected: B,
    },
}

impl<'a, C: Collector> Rollout<'a, C> {
    fn new(
        gpu: &'a Gpu,
        options: &'a GpuOptions,
        simulations: &[&'a Simulation],
        batch_size: u32,
        num_slots: usize,
    ) -> Result<Self, GpuError> {
        let simulation = simulations[0];
        let entry = match simulations {
            [_] => Entry::Rollout,
            _ => Entry::Sweep,
        };
        let max_steps = simulation.plan.num_steps();
        let binding = batch::largest_binding(gpu).min(MAX_CURVE_BYTES);
        let by_memory = binding / (4 * slot::curve_words(u64::from(batch_size)));
        // Counts of a block have 32 bits over a dispatch.
        let by_counting =
            u64::from(u32::MAX) / (BLOCK_EPISODES * u64::from(simulation.plan.slate_size));
        let most = by_memory
            .min(C::most_steps(gpu, options, u64::from(batch_size)))
            .min(by_counting)
            .min(u64::from(max_steps));
        let most = u32::try_from(most).expect("at most max_steps");
        let (options, rollout, reach) = reach(gpu, options, simulation, entry, most.max(1))?;
        let fits = reach.steps;
        let asked = options.fusion_length.map(|length| length.clamp(1, fits));
        let extent = Extent {
            batch_size,
            num_slots,
            most_steps: asked.unwrap_or(fits),
        };
        // Steps in which a policy learns can take as long as hundreds of others.
        let first = match simulation.plan.policy.state_size() {
            0 => fusion::TILE_STEPS,
            _ => 1,
        };
        let slots = (0..num_slots)
            .map(|_| Slot::new(gpu, simulation, &extent, options.part_size.is_some()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            gpu,
            part_size: reach.candidates,
            collector: C::new(gpu, &options, simulation, &extent)?,
            options,
            simulation,
            entry,
            rollout,
            points: Points::new(gpu, simulations)?,
            num_dispatches: 0,
            times: Vec::new(),
            waited: Duration::ZERO,
            shape: None,
            slots,
            fusion: Fusion::new(asked, first, extent.most_steps),
            calibration: None,
        })
    }

    /// Begins to try shapes, unless that has been done, or one was asked for, or there is no clock to judge them by.
    fn calibrate(&mut self) {
        let is_free = self.options.workgroup_size.is_none() && !self.fusion.is_fixed();
        let has_clock = self.slots.iter().all(|slot| slot.stopwatch.is_some());
        if is_free && has_clock && self.calibration.is_none() {
            let sizes = calibration::workgroup_sizes(self.gpu);
            let fusion = self.fusion.steps(0, None).end;
            self.calibration = Some(Calibration::new(sizes, fusion));
        }
    }

    /// Takes a shape up for good.
    fn settle(&mut self, shape: Shape) -> Result<(), GpuError> {
        self.shape = Some(shape);
        self.rollout = self.shaped(shape)?;
        self.fusion.fix(shape.fusion);
        Ok(())
    }

    /// Returns the program of the episodes in a shape.
    fn shaped(&self, shape: Shape) -> Result<Arc<Program>, GpuError> {
        let options = GpuOptions {
            workgroup_size: Some(shape.workgroup_size),
            ..self.options.clone()
        };
        Program::get(
            self.gpu,
            &options,
            self.simulation,
            self.entry,
            &["rollout"],
        )
    }

    fn begin(&mut self, tile: Tile, slot: usize) -> Result<Batch<C::Batch>, GpuError> {
        Ok(Batch {
            flight: self.submit(&tile, slot, 0)?,
            collected: self.collector.begin(&tile),
            tile,
            slot,
        })
    }

    /// Reads what the batch's dispatch has left, and sends the next one if episodes are still running.
    fn advance(&mut self, batch: Batch<C::Batch>) -> Result<Progress<C::Batch>, GpuError> {
        let Flight {
            steps,
            readbacks,
            ticks,
            submitted,
            trial,
        } = batch.flight;
        let mut readbacks = readbacks.into_iter();
        let words = |readback: Readback| {
            readback.wait_with(self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)
        };
        let first = readbacks.next().expect("a dispatch leaves something");
        let waiting = Instant::now();
        let mut copies = vec![words(first)?];
        self.waited += waiting.elapsed();
        let times = match ticks {
            Some(ticks) => ticks.wait(self.gpu)?,
            None => None,
        };
        let taken = times.map(|times| {
            add_times(&mut self.times, &times);
            times.iter().map(|time| time.seconds).sum::<f64>()
        });
        match trial {
            // Without a clock the time is that since the dispatch was sent, the waiting behind others included, so that
            // it errs towards shorter dispatches.
            None => self
                .fusion
                .adapt(&steps, taken.unwrap_or(submitted.elapsed().as_secs_f64())),
            Some(trial) => {
                let user_steps =
                    f64::from(steps.end - steps.start) * f64::from(batch.tile.stride());
                let calibration = self.calibration.as_mut().expect("it has been begun");
                if let Some(shape) = calibration.ended(trial, taken.map(|taken| taken / user_steps))
                {
                    self.settle(shape)?;
                }
            }
        }
        let is_last = steps.end >= self.simulation.plan.num_steps();
        let is_final = is_last || !self.collector.is_running(&copies[0]);
        // The next dispatch goes out before this one's sums are read: the device need not wait for the host.
        let next = match is_final {
            false => Some(self.submit(&batch.tile, batch.slot, steps.end)?),
            true => None,
        };
        for readback in readbacks {
            copies.push(words(readback)?);
        }
        let Batch {
            tile,
            slot,
            mut collected,
            ..
        } = batch;
        self.collector
            .read(&mut collected, &tile, &steps, &copies, is_final)
            .map_err(|what| GpuError::Inconsistent {
                adapter: self.gpu.info().name.clone(),
                what,
            })?;
        if is_final {
            self.fusion.batch_ended(self.collector.longest(&collected));
        }
        Ok(match next {
            Some(flight) => Progress::Running(Box::new(Batch {
                tile,
                slot,
                flight,
                collected,
            })),
            None => Progress::Finished {
                tile,
                slot,
                collected,
            },
        })
    }

    /// Uploads the powers of the discounts at some steps, shape `[discount][step]`.
    fn upload_weights(&self, steps: &Range<u32>) -> Result<wgpu::Buffer, GpuError> {
        let discounts = self.simulation.plan.discounts.iter();
        let weights: Vec<f64> = discounts
            .flat_map(|&discount| steps.clone().map(move |step| power(discount, step)))
            .collect();
        upload(self.gpu, "weights", wgpu::BufferUsages::STORAGE, &weights)
    }

    fn submit(&mut self, tile: &Tile, slot: usize, step_begin: u32) -> Result<Flight, GpuError> {
        let plan = &self.simulation.plan;
        let max_steps = plan.num_steps();
        // Trials are the first dispatches of batches: all lanes run, but for the end of long ones.
        let trial = match &mut self.calibration {
            Some(calibration) if step_begin == 0 => calibration.next(),
            _ => None,
        };
        let (program, fusion) = match trial {
            Some((_, shape)) => (self.shaped(shape)?, Some(shape.fusion)),
            None => (Arc::clone(&self.rollout), None),
        };
        let steps = self.fusion.steps(step_begin, fusion);
        let steps = steps.start..steps.end.min(max_steps);
        let stride = tile.stride();
        let part_size = self.part_size.unwrap_or(plan.num_candidates);
        let parts = parts(plan.num_candidates, part_size);
        let last_part = parts.clone().last().unwrap_or(0..plan.num_candidates);
        let job = self.points.tell(Job {
            candidate_begin: last_part.start,
            candidate_end: last_part.end,
            stride,
            step_begin,
            step_end: steps.end,
            lanes_per_point: tile.lanes_per_point(),
            first_point: word(tile.points.start),
            ..Job::of_lanes(plan.seed, tile.first, tile.num_lanes, max_steps)
        });
        let slot_index = slot;
        let slot = &self.slots[slot_index];
        let dispatch = Dispatch {
            slot,
            slot_index,
            inputs: &self.points.inputs,
            job: &job,
        };
        let weights = self.upload_weights(&steps)?;
        let bind = |job: &Job| {
            let buffers = [
                &slot.users,
                &slot.outcomes,
                &slot.curve,
                &slot.counts,
                &weights,
                &slot.ranked,
            ];
            program.bind(self.gpu, dispatch.inputs, job, &buffers)
        };
        let roll = bind(&job)?;
        let mut encoder = self.gpu.encoder("rollout");
        encoder.clear_buffer(&slot.counts, 0, None);
        for part in parts.filter(|part| part.end < plan.num_candidates) {
            let job = Job {
                candidate_begin: part.start,
                candidate_end: part.end,
                ..job
            };
            program.dispatch(&mut encoder, None, "rollout", &bind(&job)?, job.stride);
        }
        let stopwatch = slot.stopwatch.as_ref();
        let mut laps = stopwatch.map(|stopwatch| stopwatch.start(&mut encoder));
        program.dispatch(&mut encoder, laps.as_mut(), "rollout", &roll, job.stride);
        let staged = self
            .collector
            .record(self.gpu, &mut encoder, laps.as_mut(), &dispatch)?;
        let ticks = match laps {
            Some(laps) => Some(laps.stop(self.gpu, &mut encoder)?),
            None => None,
        };
        let submitted = Instant::now();
        let submission = self.gpu.submit("rollout", encoder)?;
        self.num_dispatches += 1;
        let start = |staged: Staged| staged.start(&submission);
        Ok(Flight {
            steps,
            readbacks: staged.into_iter().map(start).collect(),
            ticks: ticks.map(|ticks| ticks.start(&submission)),
            submitted,
            trial: trial.map(|(index, _)| index),
        })
    }
}

/// How much a dispatch may do.
struct Reach {
    /// Steps at most.
    steps: u32,
    /// Candidates of the one step, where all of them are too many.
    candidates: Option<u32>,
}

/// Finds how much a dispatch may do before the driver leaves its loops, and the program for that.
fn reach(
    gpu: &Gpu,
    options: &GpuOptions,
    simulation: &Simulation,
    entry: Entry,
    most_steps: u32,
) -> Result<(GpuOptions, Arc<Program>, Reach), GpuError> {
    let num_candidates = simulation.plan.num_candidates;
    let options = options.clone();
    let available = most_iterations(gpu, &options).unwrap_or(u64::MAX);
    let get = |options: &GpuOptions| Program::get(gpu, options, simulation, entry, &["rollout"]);
    let job = |steps, candidates| {
        [
            ("step_begin", 0),
            ("step_end", steps),
            ("candidate_begin", 0),
            ("candidate_end", candidates),
        ]
    };
    if options.part_size.is_none() {
        let program = get(&options)?;
        let fits = |steps| {
            Ok(program.iterations(gpu, "rollout", &job(steps, num_candidates))? <= available)
        };
        let steps = largest(most_steps, fits)?;
        if steps > 0 {
            let reach = Reach {
                steps,
                candidates: None,
            };
            return Ok((options, program, reach));
        }
    }
    let options = GpuOptions {
        part_size: Some(options.part_size.unwrap_or(num_candidates).max(1)),
        ..options
    };
    let program = get(&options)?;
    let needed = |candidates| program.iterations(gpu, "rollout", &job(1, candidates));
    let most = options
        .part_size
        .map_or(num_candidates, |size| size.min(num_candidates));
    let candidates = largest(most, |candidates| Ok(needed(candidates)? <= available))?;
    if candidates == 0 {
        return Err(GpuError::LoopLimit {
            what: "one step of this simulation".to_owned(),
            adapter: gpu.info().name.clone(),
            needed: needed(1)?,
            available,
        });
    }
    let reach = Reach {
        steps: 1,
        candidates: Some(candidates),
    };
    Ok((options, program, reach))
}

#[cfg(test)]
mod tests {
    use super::tally::Tallies;
    use super::*;
    use crate::backend::Unobserved;
    use crate::backend::gpu::device::context::testing::any_gpu;
    use crate::registry::Registry;
    use crate::statistics::Statistics;
    use crate::validation::cases;

    #[test]
    fn calibrating_on_the_way_changes_nothing() {
        let Some(gpu) = any_gpu() else { return };
        let case = &cases(&Registry::built_in()).unwrap()[0];
        let options = GpuOptions {
            batch_size: Some(256),
            ..GpuOptions::default()
        };
        let run = |pays: bool| {
            let mut statistics = case.simulation.statistics();
            let finished = |_, _, batch: Statistics| statistics.merge(&batch).unwrap();
            let taken = run_calibrated::<Tallies>(
                &gpu,
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
        assert_eq!(shape.is_some(), gpu.seconds_per_tick().is_some());
    }
}
