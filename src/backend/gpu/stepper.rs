//! Single steps on the GPU for agents outside: the kernels of `shaders/kernel/step.wgsl`.

use super::context::Gpu;
use super::error::GpuError;
use super::program::{Entry, Inputs, Job, Program, most_invocations};
use super::{GpuOptions, Simulation};
use crate::backend::stepper::{LaneState, Observation, StepOutcome, Stepper};
use crate::error::Error;
use crate::rng::halves;
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

/// What asks the policy of the simulation.
#[derive(Debug)]
struct Recommender {
    program: Arc<Program>,
    slates: wgpu::Buffer,
}

/// Users on the device, one lane each.
#[derive(Debug)]
pub(super) struct GpuStepper {
    gpu: Arc<Gpu>,
    simulation: Simulation,
    program: Arc<Program>,
    inputs: Inputs,
    num_lanes: usize,
    /// Neighbouring lanes that live in one environment.
    users_per_env: usize,
    lanes: Lanes,
    /// Made when first needed.
    kept: Option<Lanes>,
    /// Made when first needed.
    recommender: Option<Recommender>,
    options: GpuOptions,
    commands: wgpu::Buffer,
    outcomes: wgpu::Buffer,
    observations: wgpu::Buffer,
}

impl GpuStepper {
    pub(super) fn new(
        gpu: Arc<Gpu>,
        options: &GpuOptions,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Self, GpuError> {
        let most = most_invocations(&gpu, options);
        if num_lanes > most as usize {
            return Err(GpuError::LimitExceeded {
                what: "a vector of environments".to_owned(),
                limit: "max_compute_workgroups_per_dimension * workgroup_size",
                needed: num_lanes as u64,
                available: u64::from(most),
            });
        }
        let program = Program::get(
            &gpu,
            options,
            simulation,
            Entry::Step,
            &["start", "step", "observe"],
        )?;
        let inputs = Inputs::new(&gpu, simulation)?;
        let plan = &simulation.plan;
        let slate_size = plan.slate_size as usize;
        let (user_fields, _) = simulation.model.num_fields();
        let user_words = (user_fields + plan.policy.state_size()) * num_lanes;
        let observed = Places::new(simulation, num_lanes, users_per_env);
        Ok(Self {
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
            inputs,
            num_lanes,
            users_per_env,
            gpu,
        })
    }

    fn places(&self) -> Places {
        Places::new(&self.simulation, self.num_lanes, self.users_per_env)
    }

    /// Runs one kernel over all lanes, and reads words of a buffer back; of none, if there are none to read.
    fn run(
        &self,
        entry_point: &'static str,
        lanes: &Lanes,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
    ) -> Result<Vec<u32>, GpuError> {
        self.run_with(entry_point, lanes, buffer, words, false)
    }

    /// Does so with the block `STEP` of each lane given, or not.
    fn run_with(
        &self,
        entry_point: &'static str,
        lanes: &Lanes,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
        words_are_given: bool,
    ) -> Result<Vec<u32>, GpuError> {
        let encoder = self.record(
            &self.program,
            entry_point,
            lanes,
            &self.outcomes,
            words_are_given,
        )?;
        self.finish(entry_point, encoder, buffer, words)
    }

    /// Records one kernel of a program over all lanes.
    fn record(
        &self,
        program: &Program,
        entry_point: &'static str,
        lanes: &Lanes,
        outcomes: &wgpu::Buffer,
        words_are_given: bool,
    ) -> Result<wgpu::CommandEncoder, GpuError> {
        let num_lanes = u32::try_from(self.num_lanes).expect("limited by the dispatch");
        let plan = &self.simulation.plan;
        let job = Job {
            users_per_env: u32::try_from(self.users_per_env).expect("at most all lanes"),
            words_are_given: u32::from(words_are_given),
            ..Job::of_lanes(plan.seed, 0, num_lanes, plan.max_steps)
        };
        let buffers = [
            &lanes.users,
            &lanes.clocks,
            &self.commands,
            outcomes,
            &self.observations,
        ];
        let groups = program.bind(&self.gpu, &self.inputs, &job, &buffers)?;
        let mut encoder = self.gpu.encoder(entry_point);
        program.dispatch(&mut encoder, None, entry_point, &groups, num_lanes);
        Ok(encoder)
    }

    fn recommender(&self) -> Result<Recommender, GpuError> {
        let num_slots = self.num_lanes * self.simulation.plan.slate_size as usize;
        Ok(Recommender {
            program: Program::get(
                &self.gpu,
                &self.options,
                &self.simulation,
                Entry::Recommend,
                &["recommend"],
            )?,
            slates: words(&self.gpu, "recommended slates", num_slots)?,
        })
    }

    /// Reads words of a buffer back.
    fn read(&self, buffer: &wgpu::Buffer, words: Range<usize>) -> Result<Vec<u32>, GpuError> {
        self.finish("state", self.gpu.encoder("state"), buffer, words)
    }

    /// Submits what has been recorded, and reads words of a buffer back after it.
    fn finish(
        &self,
        what: &str,
        mut encoder: wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
        words: Range<usize>,
    ) -> Result<Vec<u32>, GpuError> {
        if words.is_empty() {
            self.gpu.submit(what, encoder)?;
            return Ok(Vec::new());
        }
        let bytes = 4 * words.start as u64..4 * words.end as u64;
        let staged = self.gpu.stage(&mut encoder, what, buffer, bytes)?;
        let submission = self.gpu.submit(what, encoder)?;
        staged
            .start(&submission)
            .wait_with(&self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)
    }

    /// Shows each lane its slate, with the block `STEP` of each lane where it is given.
    fn take_step(&self, slates: &[u32], words: Option<&[[u32; 4]]>) -> Result<StepOutcome, Error> {
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
        let all = 0..OUTCOME_FIELDS * self.num_lanes;
        let read = self.run_with("step", &self.lanes, &self.outcomes, all, words.is_some())?;
        let field = |field: usize| &read[field * self.num_lanes..(field + 1) * self.num_lanes];
        Ok(StepOutcome {
            rewards: numbers(field(0)).map(f64::from).collect(),
            chosen: field(1)
                .iter()
                .map(|&chosen| (chosen < num_considered).then_some(chosen))
                .collect(),
            terminated: field(2).iter().map(|&flag| flag != 0).collect(),
            truncated: field(3).iter().map(|&flag| flag != 0).collect(),
        })
    }

    /// Looks at all lanes where they are, or where they were.
    fn observe_at(&self, lanes: &Lanes) -> Result<Observation, Error> {
        let Places {
            responses,
            users,
            documents,
        } = self.places();
        let end = match self.simulation.plan.corpus {
            Some(_) => users.end,
            None => documents.end,
        };
        let words = self.run("observe", lanes, &self.observations, 0..end)?;
        Ok(Observation {
            users: numbers(&words[users]).collect(),
            documents: numbers(&words[documents.start..end]).collect(),
            responses: self.responses_of(&words[responses]),
        })
    }

    /// Returns the responses that a buffer holds; there is filler in it where nothing of them is observed.
    fn responses_of(&self, words: &[u32]) -> Vec<f32> {
        match self.simulation.plan.outline.response_size() {
            0 => Vec::new(),
            _ => numbers(words).collect(),
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
        let document_size = outline.document_features().len();
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

fn numbers(words: &[u32]) -> impl Iterator<Item = f32> {
    words.iter().map(|&word| f32::from_bits(word))
}

impl Stepper for GpuStepper {
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), Error> {
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
        self.gpu
            .write("starts", &self.commands, 0, bytemuck::cast_slice(&words))?;
        self.run("start", &self.lanes, &self.outcomes, 0..0)?;
        Ok(())
    }

    fn recommend(&mut self) -> Result<Vec<u32>, Error> {
        if self.users_per_env > 1 {
            return Err(Error::SharedDocuments {
                given: self.users_per_env,
            });
        }
        let recommender = match self.recommender.take() {
            Some(recommender) => recommender,
            None => self.recommender()?,
        };
        let Recommender { program, slates } = &recommender;
        let encoder = self.record(program, "recommend", &self.lanes, slates, false)?;
        let num_slots = self.num_lanes * self.simulation.plan.slate_size as usize;
        let read = self.finish("recommend", encoder, slates, 0..num_slots)?;
        self.recommender = Some(recommender);
        Ok(read)
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error> {
        self.take_step(slates, None)
    }

    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, Error> {
        self.take_step(slates, Some(words))
    }

    fn responses(&mut self) -> Result<Vec<f32>, Error> {
        let words = self.read(&self.observations, self.places().responses)?;
        Ok(self.responses_of(&words))
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        self.observe_at(&self.lanes)
    }

    fn corpus(&mut self) -> Result<Vec<f32>, Error> {
        let documents = self.places().documents;
        let words = self.run("observe", &self.lanes, &self.observations, documents)?;
        Ok(numbers(&words).collect())
    }

    fn keep(&mut self) -> Result<(), Error> {
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => {
                let (fields, policy_state) = self.user_words();
                Lanes::new(&self.gpu, fields + policy_state, self.num_lanes)?
            }
        };
        let mut encoder = self.gpu.encoder("keep");
        self.gpu.checked("keep", || {
            for (from, to) in [
                (&self.lanes.users, &kept.users),
                (&self.lanes.clocks, &kept.clocks),
            ] {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
            }
        })?;
        self.gpu.submit("keep", encoder)?;
        self.kept = Some(kept);
        Ok(())
    }

    fn observe_kept(&mut self) -> Result<Observation, Error> {
        self.observe_at(self.kept.as_ref().expect("lanes are kept before that"))
    }

    fn state(&mut self) -> Result<LaneState, Error> {
        let clocks = self.read(&self.lanes.clocks, 0..CLOCK_FIELDS * self.num_lanes)?;
        let (num_fields, policy_state) = self.user_words();
        let read = self.read(&self.lanes.users, 0..num_fields + policy_state)?;
        let (users, policy) = read.split_at(num_fields);
        let (low, rest) = clocks.split_at(self.num_lanes);
        let (high, steps) = rest.split_at(self.num_lanes);
        Ok(LaneState {
            users: numbers(users).map(f64::from).collect(),
            policy: numbers(policy).map(f64::from).collect(),
            episodes: low
                .iter()
                .zip(high)
                .map(|(&low, &high)| u64::from(high) << 32 | u64::from(low))
                .collect(),
            steps: steps.to_vec(),
        })
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), Error> {
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
