//! Sends batches through their dispatches, and reads what each dispatch leaves.

use super::batch_size::largest_binding;
use super::buffers::{BatchBuffers, Dispatch, RolloutSize, curve_words};
use super::calibration::{Calibration, DispatchShape, workgroup_sizes};
use super::collector::Collector;
use super::fusion::{Fusion, TILE_STEPS};
use super::range::{BatchRange, word};
use super::reach::reach;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::readback::{Readback, Staged};
use crate::backend::gpu::device::stopwatch::{Timed, add_times};
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::work::engine::Engine;
use crate::backend::gpu::work::inputs::upload;
use crate::backend::gpu::work::limits::candidate_parts;
use crate::backend::gpu::work::points::Points;
use crate::backend::gpu::work::program::Program;
use crate::backend::plan::power;
use crate::backend::{BLOCK_EPISODES, KernelTime, Simulation};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Storage for the sums of the steps of a dispatch at most, whatever the adapter allows.
const MAX_CURVE_BYTES: u64 = 1 << 26;

/// The work of a rollout, for those who report it.
pub(crate) struct Taken<C> {
    /// The program of the episodes.
    pub(crate) program: Arc<Program>,
    /// Dispatches of it.
    pub(crate) num_dispatches: u64,
    /// What the kernels took by the clock of the device; empty where it has none.
    pub(crate) times: Vec<KernelTime>,
    /// How long the host waited for the device; none where the host is the slower of the two.
    pub(crate) waited: Duration,
    /// What calibration has found, where it paid.
    pub(crate) shape: Option<DispatchShape>,
    /// Holds the results that all batches share.
    pub(crate) collector: C,
}

/// The results of a dispatch that are to be read.
struct Flight {
    steps: Range<u32>,
    /// In the order of [`Collector::record`].
    readbacks: Vec<Readback>,
    ticks: Option<Timed<Readback>>,
    submitted: Instant,
    /// The index of the trial of the calibration that it is.
    trial: Option<usize>,
}

/// A batch on its way through its dispatches.
pub(super) struct Batch<B> {
    range: BatchRange,
    /// The index of its buffers.
    buffers_index: usize,
    flight: Flight,
    collected: B,
}

/// A rollout under way: what its batches share.
pub(super) struct Runner<'a, C> {
    engine: &'a Engine,
    gpu: &'a Gpu,
    options: GpuOptions,
    /// How many candidates a dispatch looks at, if it may not look at all of them.
    part_size: Option<u32>,
    /// One of the simulations that run; what is read of it is the same for all.
    simulation: &'a Simulation,
    kernel: Kernel,
    program: Arc<Program>,
    points: Points,
    num_dispatches: u64,
    times: Vec<KernelTime>,
    waited: Duration,
    shape: Option<DispatchShape>,
    /// The buffers of each batch in flight.
    buffers: Vec<BatchBuffers>,
    pub(super) collector: C,
    fusion: Fusion,
    calibration: Option<Calibration>,
}

/// Where a batch is after a dispatch of it has been read.
pub(super) enum Progress<B> {
    Running(Box<Batch<B>>),
    Finished {
        range: BatchRange,
        /// Which buffers are free now.
        buffers_index: usize,
        collected: B,
    },
}

impl<'a, C: Collector> Runner<'a, C> {
    /// Makes what batches of this size need, for as many as are in flight at once.
    pub(super) fn new(
        engine: &'a Engine,
        options: &GpuOptions,
        simulations: &[&'a Simulation],
        batch_size: u32,
        num_in_flight: usize,
    ) -> Result<Self, GpuError> {
        let gpu = &engine.gpu;
        let simulation = simulations[0];
        let kernel = match simulations {
            [_] => Kernel::Rollout,
            _ => Kernel::Sweep,
        };
        let max_steps = simulation.plan.num_steps();
        let binding = largest_binding(gpu).min(MAX_CURVE_BYTES);
        let by_memory = binding / (4 * curve_words(u64::from(batch_size)));
        // A count of a block has 32 bits for a dispatch.
        let by_counting =
            u64::from(u32::MAX) / (BLOCK_EPISODES * u64::from(simulation.plan.slate_size));
        let most = by_memory
            .min(C::most_steps(gpu, options, u64::from(batch_size)))
            .min(by_counting)
            .min(u64::from(max_steps));
        let most = u32::try_from(most).expect("at most max_steps");
        let (options, program, reach) = reach(engine, options, simulation, kernel, most.max(1))?;
        let fits = reach.steps;
        let asked = options.fusion_length.map(|length| length.clamp(1, fits));
        let size = RolloutSize {
            batch_size,
            num_in_flight,
            most_steps: asked.unwrap_or(fits),
        };
        // Steps in which a policy learns can take as long as hundreds of others.
        let first = match simulation.plan.policy.state_size() {
            0 => TILE_STEPS,
            _ => 1,
        };
        let buffers = (0..num_in_flight)
            .map(|_| BatchBuffers::new(gpu, simulation, &size, options.part_size.is_some()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            engine,
            gpu,
            part_size: reach.candidates,
            collector: C::new(engine, &options, simulation, &size)?,
            options,
            simulation,
            kernel,
            program,
            points: Points::new(gpu, simulations)?,
            num_dispatches: 0,
            times: Vec::new(),
            waited: Duration::ZERO,
            shape: None,
            buffers,
            fusion: Fusion::new(asked, first, size.most_steps),
            calibration: None,
        })
    }

    /// Begins to try shapes, unless that has been done, a shape was asked for, or there is no clock to compare them by.
    pub(super) fn calibrate(&mut self) {
        let is_free = self.options.workgroup_size.is_none() && !self.fusion.is_fixed();
        let has_clock = self
            .buffers
            .iter()
            .all(|buffers| buffers.stopwatch.is_some());
        if is_free && has_clock && self.calibration.is_none() {
            let sizes = workgroup_sizes(self.gpu);
            let fusion = self.fusion.steps(0, None).end;
            self.calibration = Some(Calibration::new(sizes, fusion));
        }
    }

    /// Uses a shape for all further dispatches.
    fn settle(&mut self, shape: DispatchShape) -> Result<(), GpuError> {
        self.shape = Some(shape);
        self.program = self.shaped(shape)?;
        self.fusion.fix(shape.fusion);
        Ok(())
    }

    /// Returns the program of the episodes in a shape.
    fn shaped(&self, shape: DispatchShape) -> Result<Arc<Program>, GpuError> {
        let options = GpuOptions {
            workgroup_size: Some(shape.workgroup_size),
            ..self.options.clone()
        };
        self.engine
            .program(&options, self.simulation, self.kernel, &["rollout"])
    }

    /// Sends the first dispatch of a batch.
    pub(super) fn begin(
        &mut self,
        range: BatchRange,
        buffers_index: usize,
    ) -> Result<Batch<C::Batch>, GpuError> {
        Ok(Batch {
            flight: self.submit(&range, buffers_index, 0)?,
            collected: self.collector.begin(&range),
            range,
            buffers_index,
        })
    }

    /// Reads what the batch's dispatch has left, and sends the next one if episodes are still running.
    pub(super) fn advance(
        &mut self,
        batch: Batch<C::Batch>,
    ) -> Result<Progress<C::Batch>, GpuError> {
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
            // Without a clock, the time is that since the dispatch was sent. It includes the wait for dispatches before it,
            // so that the choice errs towards shorter dispatches.
            None => self
                .fusion
                .adapt(&steps, taken.unwrap_or(submitted.elapsed().as_secs_f64())),
            Some(trial) => {
                let user_steps =
                    f64::from(steps.end - steps.start) * f64::from(batch.range.stride());
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
            false => Some(self.submit(&batch.range, batch.buffers_index, steps.end)?),
            true => None,
        };
        for readback in readbacks {
            copies.push(words(readback)?);
        }
        let Batch {
            range,
            buffers_index,
            mut collected,
            ..
        } = batch;
        self.collector
            .read(&mut collected, &range, &steps, &copies, is_final)
            .map_err(|what| GpuError::Inconsistent {
                adapter: self.gpu.info().name.clone(),
                what,
            })?;
        if is_final {
            self.fusion.batch_ended(self.collector.longest(&collected));
        }
        Ok(match next {
            Some(flight) => Progress::Running(Box::new(Batch {
                range,
                buffers_index,
                flight,
                collected,
            })),
            None => Progress::Finished {
                range,
                buffers_index,
                collected,
            },
        })
    }

    /// Tells what the rollout took, once no batch is in flight.
    pub(super) fn taken(self) -> Taken<C> {
        Taken {
            program: self.program,
            num_dispatches: self.num_dispatches,
            times: self.times,
            waited: self.waited,
            shape: self.shape,
            collector: self.collector,
        }
    }

    /// Uploads the powers of the discounts at some steps, shape `[discount][step]`.
    fn upload_weights(&self, steps: &Range<u32>) -> Result<wgpu::Buffer, GpuError> {
        let discounts = self.simulation.plan.discounts.iter();
        let weights: Vec<f64> = discounts
            .flat_map(|&discount| steps.clone().map(move |step| power(discount, step)))
            .collect();
        upload(self.gpu, "weights", wgpu::BufferUsages::STORAGE, &weights)
    }

    /// Sends a dispatch of a batch: its steps from `step_begin` on, as many as suit.
    fn submit(
        &mut self,
        range: &BatchRange,
        buffers_index: usize,
        step_begin: u32,
    ) -> Result<Flight, GpuError> {
        let plan = &self.simulation.plan;
        let max_steps = plan.num_steps();
        // Only first dispatches of batches are trials: in them all lanes run, but for the end of long ones.
        let trial = match &mut self.calibration {
            Some(calibration) if step_begin == 0 => calibration.next(),
            _ => None,
        };
        let (program, fusion) = match trial {
            Some((_, shape)) => (self.shaped(shape)?, Some(shape.fusion)),
            None => (Arc::clone(&self.program), None),
        };
        let steps = self.fusion.steps(step_begin, fusion);
        let steps = steps.start..steps.end.min(max_steps);
        let stride = range.stride();
        let part_size = self.part_size.unwrap_or(plan.num_candidates);
        let parts = candidate_parts(plan.num_candidates, part_size);
        let last_part = parts.clone().last().unwrap_or(0..plan.num_candidates);
        let job = self.points.tell(Job {
            candidate_begin: last_part.start,
            candidate_end: last_part.end,
            stride,
            step_begin,
            step_end: steps.end,
            lanes_per_point: range.lanes_per_point(),
            first_point: word(range.points.start),
            ..Job::of_lanes(plan.seed, range.first, range.num_lanes, max_steps)
        });
        let of_batch = &self.buffers[buffers_index];
        let dispatch = Dispatch {
            buffers: of_batch,
            buffers_index,
            inputs: &self.points.inputs,
            job: &job,
        };
        let weights = self.upload_weights(&steps)?;
        let bind = |job: &Job| {
            let buffers = [
                &of_batch.users,
                &of_batch.outcomes,
                &of_batch.curve,
                &of_batch.counts,
                &weights,
                &of_batch.ranked,
            ];
            program.bind(self.gpu, dispatch.inputs, job, &buffers)
        };
        let roll = bind(&job)?;
        let mut encoder = self.gpu.encoder("rollout");
        encoder.clear_buffer(&of_batch.counts, 0, None);
        for part in parts.filter(|part| part.end < plan.num_candidates) {
            let job = Job {
                candidate_begin: part.start,
                candidate_end: part.end,
                ..job
            };
            program.dispatch(&mut encoder, None, "rollout", &bind(&job)?, job.stride);
        }
        let stopwatch = of_batch.stopwatch.as_ref();
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
