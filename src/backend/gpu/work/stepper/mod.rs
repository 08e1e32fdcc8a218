//! Single steps on the GPU for agents outside: the kernels of `shaders/kernel/step.wgsl`.

mod buffers;
mod cut;
mod read;
mod recommender;

use super::engine::Engine;
use super::inputs::Inputs;
use super::limits::{candidate_parts, most_invocations};
use super::program::Program;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::observation::{Columns, Rows, Sizes, Tables};
use crate::backend::stepper::{Kept, LaneState, LastKept, StepOutcome, Stepper};
use crate::backend::{BackendError, Simulation};
use crate::rng::halves;
use buffers::{CLOCK_FIELDS, LaneBuffers, ObservationLayout, words};
use bytemuck::{AnyBitPattern, NoUninit, pod_collect_to_vec, pod_read_unaligned};
use cut::cut_program;
use read::{Source, singles};
use recommender::Recommender;
use std::ops::Range;
use std::sync::Arc;

/// Fields of the outcomes, in the order of `shaders/kernel/step.wgsl`.
const OUTCOME_FIELDS: usize = 4;

/// The state of all lanes at an earlier moment, and the token of that moment.
#[derive(Debug)]
struct KeptLanes {
    lanes: LaneBuffers,
    moment: LastKept,
}

/// A call of an entry point for all lanes.
struct Call<'a> {
    program: &'a Program,
    entry_point: &'static str,
    words_are_given: bool,
}

/// Users on the device, one lane each.
#[derive(Debug)]
pub(crate) struct GpuStepper {
    engine: Arc<Engine>,
    simulation: Simulation,
    program: Arc<Program>,
    inputs: Inputs,
    num_lanes: usize,
    /// How many neighbouring lanes share an environment.
    users_per_env: usize,
    lanes: LaneBuffers,
    /// Made when first needed.
    kept: Option<KeptLanes>,
    /// Made when first needed.
    recommender: Option<Recommender>,
    options: GpuOptions,
    commands: wgpu::Buffer,
    outcomes: wgpu::Buffer,
    observations: wgpu::Buffer,
    /// Candidates that a dispatch observes.
    part_size: u32,
}

impl GpuStepper {
    pub(crate) fn new(
        engine: Arc<Engine>,
        options: &GpuOptions,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Self, GpuError> {
        let gpu = &engine.gpu;
        let most = most_invocations(gpu, Kernel::Step, options);
        if num_lanes > most as usize {
            return Err(GpuError::LimitExceeded {
                what: "a vector of environments".to_owned(),
                limit: "max_compute_workgroups_per_dimension * workgroup_size",
                needed: num_lanes as u64,
                available: u64::from(most),
            });
        }
        let (entry_points, cut) = (&["start", "step", "observe"], "observe");
        let (program, part_size) = cut_program(
            &engine,
            options,
            simulation,
            Kernel::Step,
            entry_points,
            cut,
        )?;
        let inputs = Inputs::new(gpu, simulation)?;
        let plan = &simulation.plan;
        let slate_size = plan.slate_size as usize;
        let (user_fields, _) = simulation.model.num_fields();
        let user_words = (user_fields + plan.policy.state_size()) * num_lanes;
        let observed = ObservationLayout::new(simulation, num_lanes, users_per_env);
        let mut stepper = Self {
            lanes: LaneBuffers::new(gpu, user_words, num_lanes)?,
            kept: None,
            recommender: None,
            options: options.clone(),
            commands: words(
                gpu,
                "slates",
                num_lanes * (slate_size + 4).max(CLOCK_FIELDS),
            )?,
            outcomes: words(gpu, "outcomes", OUTCOME_FIELDS * num_lanes)?,
            observations: words(gpu, "observations", observed.documents.end)?,
            simulation: simulation.clone(),
            program,
            part_size,
            inputs,
            num_lanes,
            users_per_env,
            engine,
        };
        let firsts: Vec<Option<u64>> = (0..num_lanes as u64).map(Some).collect();
        stepper.begin(&firsts)?;
        Ok(stepper)
    }

    fn layout(&self) -> ObservationLayout {
        ObservationLayout::new(&self.simulation, self.num_lanes, self.users_per_env)
    }

    /// Records one kernel over all lanes, with the words `STEP` of each given, or not.
    fn record(
        &self,
        program: &Program,
        entry_point: &'static str,
        lanes: &LaneBuffers,
        outcomes: &wgpu::Buffer,
        words_are_given: bool,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let call = Call {
            program,
            entry_point,
            words_are_given,
        };
        self.record_call(
            &call,
            lanes,
            outcomes,
            0..self.simulation.plan.num_candidates,
        )
    }

    /// Records a call over all lanes and some candidates.
    fn record_call(
        &self,
        call: &Call<'_>,
        lanes: &LaneBuffers,
        outcomes: &wgpu::Buffer,
        candidates: Range<u32>,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let mut encoder = self.engine.gpu.encoder(call.entry_point);
        let buffers = [outcomes, outcomes];
        self.add(&mut encoder, call, lanes, buffers, candidates)?;
        Ok(encoder)
    }

    /// Records one kernel over all lanes and all candidates, a part of them after the other.
    fn record_parts(
        &self,
        program: &Program,
        entry_point: &'static str,
        lanes: &LaneBuffers,
        [outcomes, ranked]: [&wgpu::Buffer; 2],
        part_size: u32,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let mut encoder = self.engine.gpu.encoder(entry_point);
        let call = Call {
            program,
            entry_point,
            words_are_given: false,
        };
        for part in candidate_parts(self.simulation.plan.num_candidates, part_size) {
            self.add(&mut encoder, &call, lanes, [outcomes, ranked], part)?;
        }
        Ok(encoder)
    }

    /// Records one kernel over all lanes and some candidates.
    fn add(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        call: &Call<'_>,
        lanes: &LaneBuffers,
        [outcomes, ranked]: [&wgpu::Buffer; 2],
        candidates: Range<u32>,
    ) -> Result<(), GpuError> {
        let num_lanes = u32::try_from(self.num_lanes).expect("limited by the dispatch");
        let plan = &self.simulation.plan;
        let job = Job {
            users_per_env: u32::try_from(self.users_per_env).expect("at most all lanes"),
            words_are_given: u32::from(call.words_are_given),
            candidate_begin: candidates.start,
            candidate_end: candidates.end,
            ..Job::of_lanes(plan.seed, 0, num_lanes, plan.max_steps)
        };
        let buffers = [
            &lanes.users,
            &lanes.clocks,
            &self.commands,
            outcomes,
            &self.observations,
            ranked,
        ];
        // What a kernel does not declare is not bound.
        let groups = call
            .program
            .bind(&self.engine.gpu, &self.inputs, &job, &buffers)?;
        call.program
            .dispatch(encoder, None, call.entry_point, &groups, num_lanes);
        Ok(())
    }

    /// Copies words of a buffer to the host.
    fn copy<T: NoUninit + AnyBitPattern>(
        &self,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
    ) -> Result<Vec<T>, GpuError> {
        let encoder = self.engine.gpu.encoder("a copy");
        self.finish("a copy", encoder, buffer, words, pod_collect_to_vec)
    }

    /// Submits what has been recorded, and lets `read` see the bytes of words of a buffer after it.
    fn finish<R>(
        &self,
        what: &str,
        mut encoder: wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GpuError> {
        if words.is_empty() {
            self.engine.gpu.submit(what, encoder)?;
            return Ok(read(&[]));
        }
        let bytes = 4 * words.start as u64..4 * words.end as u64;
        let staged = self.engine.gpu.stage(&mut encoder, what, buffer, bytes)?;
        let submission = self.engine.gpu.submit(what, encoder)?;
        staged.start(&submission).wait_with(&self.engine.gpu, read)
    }

    /// Shows each lane its slate, with the words `STEP` of each lane where they are given.
    fn take_step(
        &mut self,
        slates: &[u32],
        words: Option<&[[u32; 4]]>,
    ) -> Result<StepOutcome, BackendError> {
        self.go_on();
        let plan = &self.simulation.plan;
        let num_considered = plan.choice.num_considered(plan.slate_size);
        self.engine
            .gpu
            .write("slates", &self.commands, 0, bytemuck::cast_slice(slates))?;
        if let Some(words) = words {
            let after_slates = size_of_val(slates) as u64;
            self.engine.gpu.write(
                "words",
                &self.commands,
                after_slates,
                bytemuck::cast_slice(words),
            )?;
        }
        let (program, outcomes) = (&self.program, &self.outcomes);
        let encoder = self.record(program, "step", &self.lanes, outcomes, words.is_some())?;
        let all = 0..OUTCOME_FIELDS * self.num_lanes;
        let outcome = self.finish("step", encoder, outcomes, all, |bytes| {
            let mut fields = bytes.chunks_exact(4 * self.num_lanes);
            let mut field = || fields.next().expect("as many fields");
            StepOutcome {
                rewards: numbers::<f32>(field()).map(f64::from).collect(),
                chosen: numbers(field())
                    .map(|chosen| (chosen < num_considered).then_some(chosen))
                    .collect(),
                terminated: numbers(field()).map(|flag: u32| flag != 0).collect(),
                truncated: numbers(field()).map(|flag: u32| flag != 0).collect(),
            }
        })?;
        Ok(outcome)
    }

    /// Observes all lanes in a state, the present one or the kept one.
    fn observe_at(
        &self,
        lanes: &LaneBuffers,
        columns: &Columns,
        rows: Rows<'_>,
    ) -> Result<(), BackendError> {
        let layout = self.layout();
        let sizes = self.sizes();
        let num_documents = match &rows {
            Rows::Single(Tables::Apart(_)) | Rows::Half(Tables::Apart(_)) => {
                sizes.lengths(columns)[1]
            }
            Rows::Single(Tables::Together(_)) | Rows::Half(Tables::Together(_)) => {
                columns.documents.len()
            }
        };
        let (outcomes, seen) = (&self.outcomes, &self.observations);
        let (program, part_size) = (&self.program, self.part_size);
        // Responses are written by the step.
        let (encoder, end) = if num_documents > 0 {
            let unused = [outcomes, outcomes];
            let encoder = self.record_parts(program, "observe", lanes, unused, part_size)?;
            (encoder, layout.documents.end)
        } else if columns.users.is_empty() {
            (self.engine.gpu.encoder("observe"), layout.responses.end)
        } else {
            let call = Call {
                program,
                entry_point: "observe",
                words_are_given: false,
            };
            let encoder = self.record_call(&call, lanes, outcomes, 0..0)?;
            (encoder, layout.users.end)
        };
        let fields: Vec<f32> = match columns.hidden.is_empty() {
            true => Vec::new(),
            false => self.copy(&lanes.users, 0..self.user_words().0)?,
        };
        self.finish("observe", encoder, seen, 0..end, |bytes| {
            let source = Source {
                numbers: &singles(bytes),
                fields: &fields,
                layout,
                sizes,
            };
            source.write(columns, rows);
        })?;
        Ok(())
    }

    /// Begins the given episode in each lane that has one.
    fn begin(&mut self, starts: &[Option<u64>]) -> Result<(), GpuError> {
        let mut words = vec![0_u32; CLOCK_FIELDS * self.num_lanes];
        for (lane, episode) in starts
            .iter()
            .enumerate()
            .filter_map(|(lane, start)| Some((lane, (*start)?)))
        {
            let [low, high] = halves(episode);
            words[lane] = 1;
            words[self.num_lanes + lane] = low;
            words[2 * self.num_lanes + lane] = high;
        }
        self.unask()?;
        self.engine
            .gpu
            .write("starts", &self.commands, 0, bytemuck::cast_slice(&words))?;
        let encoder = self.record(&self.program, "start", &self.lanes, &self.outcomes, false)?;
        self.engine.gpu.submit("start", encoder)?;
        Ok(())
    }

    /// Copies what the policy remembers to its place among the users, or from there.
    fn copy_remembered(&self, copies: &wgpu::Buffer, back: bool) -> Result<(), GpuError> {
        let (fields, remembered) = self.user_words();
        let [at, size] = [fields, remembered].map(|words| 4 * words as u64);
        let users = &self.lanes.users;
        let mut encoder = self.engine.gpu.encoder("unasked");
        self.engine.gpu.checked("unasked", || match back {
            true => encoder.copy_buffer_to_buffer(copies, 0, users, at, size),
            false => encoder.copy_buffer_to_buffer(users, at, copies, 0, size),
        })?;
        self.engine.gpu.submit("unasked", encoder)?;
        Ok(())
    }

    /// Asks the policy for the slate of each lane.
    fn ask(&self, recommender: &mut Recommender) -> Result<Vec<u32>, GpuError> {
        if let Some(unasked) = &recommender.unasked {
            self.copy_remembered(unasked, false)?;
        }
        recommender.has_asked = true;
        let Recommender {
            program,
            slates,
            part_size,
            ranked,
            ..
        } = recommender;
        let (lanes, buffers) = (&self.lanes, [&*slates, &*ranked]);
        let encoder = self.record_parts(program, "recommend", lanes, buffers, *part_size)?;
        let num_positions = self.num_lanes * self.simulation.plan.slate_size as usize;
        self.finish(
            "recommend",
            encoder,
            slates,
            0..num_positions,
            pod_collect_to_vec,
        )
    }

    /// Undoes that the policy has been asked, if it has been: restores what it remembered before.
    fn unask(&mut self) -> Result<(), GpuError> {
        if let Some(recommender) = &self.recommender
            && recommender.has_asked
            && let Some(unasked) = &recommender.unasked
        {
            self.copy_remembered(unasked, true)?;
        }
        self.settle();
        Ok(())
    }

    /// Keeps what the policy remembers since it was asked.
    fn settle(&mut self) {
        if let Some(recommender) = &mut self.recommender {
            recommender.has_asked = false;
        }
    }

    /// Goes on from the present state: one cannot look back at the kept one any more, and the policy may be asked again.
    fn go_on(&mut self) {
        self.settle();
        if let Some(kept) = &mut self.kept {
            kept.moment.forget();
        }
    }

    /// How many words the fields of the users take, and what the policy remembers of them.
    fn user_words(&self) -> (usize, usize) {
        let (user_fields, _) = self.simulation.model.num_fields();
        let policy_state = self.simulation.plan.policy.state_size();
        (user_fields * self.num_lanes, policy_state * self.num_lanes)
    }
}

/// Reads numbers of a word each.
fn numbers<T: AnyBitPattern>(bytes: &[u8]) -> impl Iterator<Item = T> {
    bytes.chunks_exact(4).map(pod_read_unaligned)
}

impl Stepper for GpuStepper {
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), BackendError> {
        Ok(self.begin(starts)?)
    }

    fn recommend(&mut self) -> Result<Vec<u32>, BackendError> {
        if self.users_per_env > 1 {
            return Err(BackendError::SharedDocuments {
                given: self.users_per_env,
            });
        }
        self.unask()?;
        let mut recommender = match self.recommender.take() {
            Some(recommender) => recommender,
            None => {
                let (engine, options) = (&self.engine, &self.options);
                Recommender::new(engine, options, &self.simulation, self.num_lanes)?
            }
        };
        let slates = self.ask(&mut recommender);
        self.recommender = Some(recommender);
        Ok(slates?)
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, BackendError> {
        self.take_step(slates, None)
    }

    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, BackendError> {
        self.take_step(slates, Some(words))
    }

    fn sizes(&self) -> Sizes {
        let plan = &self.simulation.plan;
        let (num_fields, _) = self.simulation.model.num_fields();
        Sizes::new(plan, num_fields, self.num_lanes, self.users_per_env)
    }

    fn observe_into(&mut self, columns: &Columns, rows: Rows<'_>) -> Result<(), BackendError> {
        self.observe_at(&self.lanes, columns, rows)
    }

    fn corpus(&mut self) -> Result<Option<Vec<f32>>, BackendError> {
        if self.simulation.plan.corpus.is_none() {
            return Ok(None);
        }
        let (outcomes, seen) = (&self.outcomes, &self.observations);
        let (lanes, unused) = (&self.lanes, [outcomes, outcomes]);
        let encoder = self.record_parts(&self.program, "observe", lanes, unused, self.part_size)?;
        let documents = self.layout().documents;
        let corpus = self.finish("observe", encoder, seen, documents, pod_collect_to_vec)?;
        Ok(Some(corpus))
    }

    fn keep(&mut self) -> Result<Kept, BackendError> {
        let mut kept = match self.kept.take() {
            Some(kept) => kept,
            None => {
                let (fields, policy_state) = self.user_words();
                KeptLanes {
                    lanes: LaneBuffers::new(
                        &self.engine.gpu,
                        fields + policy_state,
                        self.num_lanes,
                    )?,
                    moment: LastKept::default(),
                }
            }
        };
        let mut encoder = self.engine.gpu.encoder("keep");
        self.engine.gpu.checked("keep", || {
            for (from, to) in [
                (&self.lanes.users, &kept.lanes.users),
                (&self.lanes.clocks, &kept.lanes.clocks),
            ] {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
            }
        })?;
        self.engine.gpu.submit("keep", encoder)?;
        let token = kept.moment.set();
        self.kept = Some(kept);
        Ok(token)
    }

    fn observe_kept_into(
        &mut self,
        kept: &Kept,
        columns: &Columns,
        rows: Rows<'_>,
    ) -> Result<(), BackendError> {
        let then = self.kept.as_ref().ok_or(BackendError::NotKept)?;
        then.moment.check(kept)?;
        self.observe_at(&then.lanes, columns, rows)
    }

    fn state(&mut self) -> Result<LaneState, BackendError> {
        let clocks: Vec<u32> = self.copy(&self.lanes.clocks, 0..CLOCK_FIELDS * self.num_lanes)?;
        let (num_fields, policy_state) = self.user_words();
        let read: Vec<f32> = self.copy(&self.lanes.users, 0..num_fields + policy_state)?;
        let (users, policy) = read.split_at(num_fields);
        let (low, rest) = clocks.split_at(self.num_lanes);
        let (high, steps) = rest.split_at(self.num_lanes);
        Ok(LaneState {
            users: users.iter().copied().map(f64::from).collect(),
            policy: policy.iter().copied().map(f64::from).collect(),
            episodes: low
                .iter()
                .zip(high)
                .map(|(&low, &high)| u64::from(high) << 32 | u64::from(low))
                .collect(),
            steps: steps.to_vec(),
        })
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), BackendError> {
        self.go_on();
        #[allow(
            clippy::cast_possible_truncation,
            reason = "lanes compute in single precision"
        )]
        let users: Vec<f32> = state
            .users
            .iter()
            .chain(&state.policy)
            .map(|&number| number as f32)
            .collect();
        let episodes = state.episodes.iter().map(|&episode| halves(episode));
        let mut clocks: Vec<u32> = episodes.clone().map(|[low, _]| low).collect();
        clocks.extend(episodes.map(|[_, high]| high));
        clocks.extend(&state.steps);
        self.engine
            .gpu
            .write("users", &self.lanes.users, 0, bytemuck::cast_slice(&users))?;
        self.engine.gpu.write(
            "clocks",
            &self.lanes.clocks,
            0,
            bytemuck::cast_slice(&clocks),
        )?;
        Ok(())
    }
}
