//! Single steps on the GPU for agents outside: the kernels of `shaders/kernel/step.wgsl`.

use super::program::{
    Entry, Inputs, Job, Program, largest, most_invocations, most_iterations, parts,
};
use crate::backend::BackendError;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::{GpuOptions, Simulation};
use crate::backend::stepper::{Kept, LaneState, LastKept, Observation, StepOutcome, Stepper};
use crate::rng::halves;
use bytemuck::{AnyBitPattern, NoUninit, cast_slice_mut, pod_collect_to_vec, pod_read_unaligned};
use std::ops::Range;
use std::sync::Arc;
use wgpu::BufferUsages;

/// Fields of the outcomes and of the clocks, in the order of `shaders/kernel/step.wgsl`.
const OUTCOME_FIELDS: usize = 4;
const CLOCK_FIELDS: usize = 3;

/// Where all lanes are: buffers of the device.
#[derive(Debug)]
struct Lanes {
    users: wgpu::Buffer,
    clocks: wgpu::Buffer,
}

impl Lanes {
    fn new(gpu: &Gpu, user_words: usize, num_lanes: usize) -> Result<Self, GpuError> {
        Ok(Self {
            users: words(gpu, "users", user_words)?,
            clocks: words(gpu, "clocks", CLOCK_FIELDS * num_lanes)?,
        })
    }
}

/// Lanes as they were, and the moment that they were so at.
#[derive(Debug)]
struct KeptLanes {
    lanes: Lanes,
    moment: LastKept,
}

/// What asks the policy of the simulation.
#[derive(Debug)]
struct Recommender {
    program: Arc<Program>,
    slates: wgpu::Buffer,
    /// What the policy remembered before it was asked; `None` where it never remembers anything.
    unasked: Option<wgpu::Buffer>,
    /// Whether it has been asked about the next step.
    has_asked: bool,
    /// Candidates that a dispatch looks at, and what it has ranked so far where that is not all of them.
    part_size: u32,
    ranked: wgpu::Buffer,
}

/// A kernel and what it is told.
struct Kernel<'a> {
    program: &'a Program,
    entry_point: &'static str,
    words_are_given: bool,
}

/// Makes the program of some kernels, one of which may look at so many candidates in a dispatch before the driver leaves its
/// loops.
fn cut(
    gpu: &Gpu,
    options: &GpuOptions,
    simulation: &Simulation,
    entry: Entry,
    kernels: &[&'static str],
    cut: &'static str,
) -> Result<(Arc<Program>, u32), GpuError> {
    let num_candidates = simulation.plan.num_candidates;
    let available = most_iterations(gpu, options).unwrap_or(u64::MAX);
    let job = |candidates| [("candidate_begin", 0), ("candidate_end", candidates)];
    let mut options = options.clone();
    let most = options
        .part_size
        .unwrap_or(num_candidates)
        .clamp(1, num_candidates);
    for is_in_parts in [options.part_size.is_some(), true] {
        options.part_size = is_in_parts.then_some(most);
        let program = Program::get(gpu, &options, simulation, entry, kernels)?;
        for kernel in kernels.iter().filter(|&&kernel| kernel != cut) {
            program.check_iterations(gpu, &options, kernel, &job(1))?;
        }
        let fits = |candidates| Ok(program.iterations(gpu, cut, &job(candidates))? <= available);
        let part_size = match is_in_parts {
            true => largest(most, fits)?,
            false if fits(num_candidates)? => num_candidates,
            false => 0,
        };
        if part_size > 0 {
            return Ok((program, part_size));
        }
        if is_in_parts {
            program.check_iterations(gpu, &options, cut, &job(1))?;
        }
    }
    unreachable!("a part of one candidate fits, or was refused")
}

/// Users on the device, one lane each.
#[derive(Debug)]
pub(crate) struct GpuStepper {
    gpu: Arc<Gpu>,
    simulation: Simulation,
    program: Arc<Program>,
    inputs: Inputs,
    num_lanes: usize,
    /// Neighbouring lanes that live in one environment.
    users_per_env: usize,
    lanes: Lanes,
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
        gpu: Arc<Gpu>,
        options: &GpuOptions,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Self, GpuError> {
        let most = most_invocations(&gpu, Entry::Step, options);
        if num_lanes > most as usize {
            return Err(GpuError::LimitExceeded {
                what: "a vector of environments".to_owned(),
                limit: "max_compute_workgroups_per_dimension * workgroup_size",
                needed: num_lanes as u64,
                available: u64::from(most),
            });
        }
        let kernels = &["start", "step", "observe"];
        let (program, part_size) = cut(&gpu, options, simulation, Entry::Step, kernels, "observe")?;
        let inputs = Inputs::new(&gpu, simulation)?;
        let plan = &simulation.plan;
        let slate_size = plan.slate_size as usize;
        let (user_fields, _) = simulation.model.num_fields();
        let user_words = (user_fields + plan.policy.state_size()) * num_lanes;
        let observed = Places::new(simulation, num_lanes, users_per_env);
        let mut stepper = Self {
            lanes: Lanes::new(&gpu, user_words, num_lanes)?,
            kept: None,
            recommender: None,
            options: options.clone(),
            commands: words(
                &gpu,
                "slates",
                num_lanes * (slate_size + 4).max(CLOCK_FIELDS),
            )?,
            outcomes: words(&gpu, "outcomes", OUTCOME_FIELDS * num_lanes)?,
            observations: words(&gpu, "observations", observed.documents.end)?,
            simulation: simulation.clone(),
            program,
            part_size,
            inputs,
            num_lanes,
            users_per_env,
            gpu,
        };
        let firsts: Vec<Option<u64>> = (0..num_lanes as u64).map(Some).collect();
        stepper.begin(&firsts)?;
        Ok(stepper)
    }

    fn places(&self) -> Places {
        Places::new(&self.simulation, self.num_lanes, self.users_per_env)
    }

    /// Records one kernel over all lanes, with the block `STEP` of each given, or not.
    fn record(
        &self,
        program: &Program,
        entry_point: &'static str,
        lanes: &Lanes,
        outcomes: &wgpu::Buffer,
        words_are_given: bool,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let mut encoder = self.gpu.encoder(entry_point);
        let all = 0..self.simulation.plan.num_candidates;
        let kernel = Kernel {
            program,
            entry_point,
            words_are_given,
        };
        self.add(&mut encoder, &kernel, lanes, [outcomes, outcomes], all)?;
        Ok(encoder)
    }

    /// Records one kernel over all lanes and all candidates, a part of them after the other.
    fn record_parts(
        &self,
        program: &Program,
        entry_point: &'static str,
        lanes: &Lanes,
        [outcomes, ranked]: [&wgpu::Buffer; 2],
        part_size: u32,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let mut encoder = self.gpu.encoder(entry_point);
        let kernel = Kernel {
            program,
            entry_point,
            words_are_given: false,
        };
        for part in parts(self.simulation.plan.num_candidates, part_size) {
            self.add(&mut encoder, &kernel, lanes, [outcomes, ranked], part)?;
        }
        Ok(encoder)
    }

    /// Records one kernel over all lanes and some candidates.
    fn add(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        kernel: &Kernel<'_>,
        lanes: &Lanes,
        [outcomes, ranked]: [&wgpu::Buffer; 2],
        candidates: Range<u32>,
    ) -> Result<(), GpuError> {
        let num_lanes = u32::try_from(self.num_lanes).expect("limited by the dispatch");
        let plan = &self.simulation.plan;
        let job = Job {
            users_per_env: u32::try_from(self.users_per_env).expect("at most all lanes"),
            words_are_given: u32::from(kernel.words_are_given),
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
        let groups = (kernel.program).bind(&self.gpu, &self.inputs, &job, &buffers)?;
        (kernel.program).dispatch(encoder, None, kernel.entry_point, &groups, num_lanes);
        Ok(())
    }

    fn recommender(&self) -> Result<Recommender, GpuError> {
        let num_slots = self.num_lanes * self.simulation.plan.slate_size as usize;
        let (gpu, options, simulation) = (&self.gpu, &self.options, &self.simulation);
        let kernels = &["recommend"];
        let (program, part_size) = cut(
            gpu,
            options,
            simulation,
            Entry::Recommend,
            kernels,
            "recommend",
        )?;
        let is_whole = part_size >= simulation.plan.num_candidates;
        let remembered = Some(self.user_words().1).filter(|&words| words > 0);
        Ok(Recommender {
            program,
            part_size,
            unasked: remembered
                .map(|remembered| words(gpu, "unasked", remembered))
                .transpose()?,
            has_asked: false,
            ranked: words(gpu, "ranked", if is_whole { 1 } else { 3 * num_slots })?,
            slates: words(&self.gpu, "recommended slates", num_slots)?,
        })
    }

    /// Copies words of a buffer to the host.
    fn copy<T: NoUninit + AnyBitPattern>(
        &self,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
    ) -> Result<Vec<T>, GpuError> {
        let encoder = self.gpu.encoder("a copy");
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
            self.gpu.submit(what, encoder)?;
            return Ok(read(&[]));
        }
        let bytes = 4 * words.start as u64..4 * words.end as u64;
        let staged = self.gpu.stage(&mut encoder, what, buffer, bytes)?;
        let submission = self.gpu.submit(what, encoder)?;
        staged.start(&submission).wait_with(&self.gpu, read)
    }

    /// Shows each lane its slate, with the block `STEP` of each lane where it is given.
    fn take_step(
        &mut self,
        slates: &[u32],
        words: Option<&[[u32; 4]]>,
    ) -> Result<StepOutcome, BackendError> {
        self.go_on();
        let plan = &self.simulation.plan;
        let num_considered = plan.choice.num_considered(plan.slate_size);
        self.gpu
            .write("slates", &self.commands, 0, bytemuck::cast_slice(slates))?;
        if let Some(words) = words {
            let after_slates = size_of_val(slates) as u64;
            self.gpu.write(
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

    /// Looks at all lanes where they are, or where they were.
    fn observe_at(&self, lanes: &Lanes, observation: &mut Observation) -> Result<(), BackendError> {
        let Places {
            responses,
            users,
            documents,
        } = self.places();
        let documents = match self.simulation.plan.corpus {
            Some(_) => users.end..users.end,
            None => documents,
        };
        let (outcomes, seen) = (&self.outcomes, &self.observations);
        let unused = [outcomes, outcomes];
        let encoder = self.record_parts(&self.program, "observe", lanes, unused, self.part_size)?;
        let all = 0..documents.end;
        self.finish("observe", encoder, seen, all, |bytes| {
            let parts = [users, documents, self.told(responses)];
            observation.take_lengths(parts.each_ref().map(Range::len));
            for (numbers, words) in observation.parts_mut().into_iter().zip(parts) {
                let numbers: &mut [u8] = cast_slice_mut(numbers);
                numbers.copy_from_slice(&bytes[4 * words.start..4 * words.end]);
            }
        })?;
        Ok(())
    }

    /// Returns the part of the responses in their buffer that tells something: there is filler where nothing of them is
    /// observed.
    fn told(&self, responses: Range<usize>) -> Range<usize> {
        match self.simulation.plan.outline.response_size() {
            0 => 0..0,
            _ => responses,
        }
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
        self.gpu
            .write("starts", &self.commands, 0, bytemuck::cast_slice(&words))?;
        let encoder = self.record(&self.program, "start", &self.lanes, &self.outcomes, false)?;
        self.gpu.submit("start", encoder)?;
        Ok(())
    }

    /// Copies what the policy remembers to its place among the users, or from there.
    fn copy_remembered(&self, copies: &wgpu::Buffer, back: bool) -> Result<(), GpuError> {
        let (fields, remembered) = self.user_words();
        let [at, size] = [fields, remembered].map(|words| 4 * words as u64);
        let users = &self.lanes.users;
        let mut encoder = self.gpu.encoder("unasked");
        self.gpu.checked("unasked", || match back {
            true => encoder.copy_buffer_to_buffer(copies, 0, users, at, size),
            false => encoder.copy_buffer_to_buffer(users, at, copies, 0, size),
        })?;
        self.gpu.submit("unasked", encoder)?;
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
        let num_slots = self.num_lanes * self.simulation.plan.slate_size as usize;
        self.finish(
            "recommend",
            encoder,
            slates,
            0..num_slots,
            pod_collect_to_vec,
        )
    }

    /// Undoes that the policy has been asked, if it has.
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

    /// Lets it stand that the policy has been asked.
    fn settle(&mut self) {
        if let Some(recommender) = &mut self.recommender {
            recommender.has_asked = false;
        }
    }

    /// Goes on from where the lanes are: nobody looks back at where they were, and the policy may be asked again.
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

/// Where observations lie in their buffer.
#[derive(Debug)]
struct Places {
    responses: Range<usize>,
    users: Range<usize>,
    documents: Range<usize>,
}

impl Places {
    fn new(simulation: &Simulation, num_lanes: usize, users_per_env: usize) -> Self {
        let plan = &simulation.plan;
        let outline = &plan.outline;
        let num_envs = match plan.corpus {
            Some(_) => 1,
            None => num_lanes / users_per_env,
        };
        let document_size = outline.document_size();
        // The shader has no arrays of no elements.
        let responses = num_lanes * plan.slate_size as usize * outline.response_size().max(1);
        let users = responses + num_lanes * outline.user_size();
        let documents = users + num_envs * plan.num_candidates as usize * document_size;
        Self {
            responses: 0..responses,
            users: responses..users,
            documents: users..documents,
        }
    }
}

/// Makes a buffer of words that kernels and copies read and write.
fn words(gpu: &Gpu, what: &str, words: usize) -> Result<wgpu::Buffer, GpuError> {
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    gpu.buffer(what, 4 * words as u64, usage)
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
            None => self.recommender()?,
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

    fn responses(&mut self) -> Result<Vec<f32>, BackendError> {
        Ok(self.copy(&self.observations, self.told(self.places().responses))?)
    }

    fn observe(&mut self, observation: &mut Observation) -> Result<(), BackendError> {
        self.observe_at(&self.lanes, observation)
    }

    fn corpus(&mut self) -> Result<Option<Vec<f32>>, BackendError> {
        if self.simulation.plan.corpus.is_none() {
            return Ok(None);
        }
        let (outcomes, seen) = (&self.outcomes, &self.observations);
        let (lanes, unused) = (&self.lanes, [outcomes, outcomes]);
        let encoder = self.record_parts(&self.program, "observe", lanes, unused, self.part_size)?;
        let documents = self.places().documents;
        let corpus = self.finish("observe", encoder, seen, documents, pod_collect_to_vec)?;
        Ok(Some(corpus))
    }

    fn keep(&mut self) -> Result<Kept, BackendError> {
        let mut kept = match self.kept.take() {
            Some(kept) => kept,
            None => {
                let (fields, policy_state) = self.user_words();
                KeptLanes {
                    lanes: Lanes::new(&self.gpu, fields + policy_state, self.num_lanes)?,
                    moment: LastKept::default(),
                }
            }
        };
        let mut encoder = self.gpu.encoder("keep");
        self.gpu.checked("keep", || {
            for (from, to) in [
                (&self.lanes.users, &kept.lanes.users),
                (&self.lanes.clocks, &kept.lanes.clocks),
            ] {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
            }
        })?;
        self.gpu.submit("keep", encoder)?;
        let token = kept.moment.set();
        self.kept = Some(kept);
        Ok(token)
    }

    fn observe_kept(
        &mut self,
        kept: &Kept,
        observation: &mut Observation,
    ) -> Result<(), BackendError> {
        let then = self.kept.as_ref().ok_or(BackendError::NotKept)?;
        then.moment.check(kept)?;
        self.observe_at(&then.lanes, observation)
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
        self.gpu
            .write("users", &self.lanes.users, 0, bytemuck::cast_slice(&users))?;
        self.gpu.write(
            "clocks",
            &self.lanes.clocks,
            0,
            bytemuck::cast_slice(&clocks),
        )?;
        Ok(())
    }
}
