//! Single steps on the GPU for agents outside: the kernels of `shaders/kernel/step.wgsl`.

use super::context::Gpu;
use super::error::GpuError;
use super::program::{Entry, Inputs, Job, Program, halves, most_invocations};
use super::{GpuOptions, Simulation};
use crate::backend::stepper::{LaneState, Observation, StepOutcome, Stepper};
use crate::error::Error;
use std::sync::Arc;
use wgpu::BufferUsages;

/// Fields of the outcomes and of the clocks, in the order of `shaders/kernel/step.wgsl`.
const OUTCOME_FIELDS: usize = 4;
const CLOCK_FIELDS: usize = 3;

/// Users on the device, one lane each.
#[derive(Debug)]
pub(super) struct GpuStepper {
    gpu: Arc<Gpu>,
    simulation: Simulation,
    program: Arc<Program>,
    inputs: Inputs,
    num_lanes: usize,
    users: wgpu::Buffer,
    clocks: wgpu::Buffer,
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
        let observed = observation_size(simulation, num_lanes)
            .max(num_lanes * slate_size * plan.outline.response_size());
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let words = |what, words: usize| gpu.buffer(what, 4 * words as u64, storage);
        Ok(Self {
            users: words("users", user_fields * num_lanes)?,
            clocks: words("clocks", CLOCK_FIELDS * num_lanes)?,
            commands: words("slates", num_lanes * slate_size.max(CLOCK_FIELDS))?,
            outcomes: words("outcomes", OUTCOME_FIELDS * num_lanes)?,
            observations: words("observations", observed)?,
            simulation: simulation.clone(),
            program,
            inputs,
            num_lanes,
            gpu,
        })
    }

    /// Runs one kernel over all lanes and reads words of some buffers back.
    fn run(
        &self,
        entry_point: &str,
        reads: &[(&wgpu::Buffer, usize)],
    ) -> Result<Vec<Vec<u32>>, GpuError> {
        let num_lanes = u32::try_from(self.num_lanes).expect("limited by the dispatch");
        let plan = &self.simulation.plan;
        let job = Job::of_lanes(plan.seed, 0, num_lanes, plan.max_steps);
        let buffers = [
            &self.users,
            &self.clocks,
            &self.commands,
            &self.outcomes,
            &self.observations,
        ];
        let groups = self.program.bind(&self.gpu, &self.inputs, &job, &buffers)?;
        let mut encoder = self.gpu.encoder(entry_point);
        self.program
            .dispatch(&mut encoder, entry_point, &groups, num_lanes);
        let stage = |&(buffer, words): &(&wgpu::Buffer, usize)| {
            self.gpu
                .stage(&mut encoder, entry_point, buffer, 0..4 * words as u64)
        };
        let staged = reads
            .iter()
            .filter(|(_, words)| *words > 0)
            .map(stage)
            .collect::<Result<Vec<_>, _>>()?;
        let submission = self.gpu.submit(entry_point, encoder)?;
        let started: Vec<_> = staged
            .into_iter()
            .map(|staged| staged.start(&submission))
            .collect();
        started
            .into_iter()
            .map(|readback| readback.wait_with(&self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>))
            .collect()
    }

    /// Reads words of a buffer back.
    fn read(&self, buffer: &wgpu::Buffer, words: usize) -> Result<Vec<u32>, GpuError> {
        let mut encoder = self.gpu.encoder("state");
        let staged = self
            .gpu
            .stage(&mut encoder, "state", buffer, 0..4 * words as u64)?;
        let submission = self.gpu.submit("state", encoder)?;
        staged
            .start(&submission)
            .wait_with(&self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)
    }

    fn user_words(&self) -> usize {
        self.simulation.model.num_fields().0 * self.num_lanes
    }
}

/// Returns how many numbers are observed before a step: of all users, then of the documents.
fn observation_size(simulation: &Simulation, num_lanes: usize) -> usize {
    let plan = &simulation.plan;
    let document_lanes = if plan.corpus.is_some() { 1 } else { num_lanes };
    let document_size = plan.outline.document_features().len();
    plan.outline.user_size() * num_lanes
        + document_lanes * plan.num_candidates as usize * document_size
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
        self.run("start", &[])?;
        Ok(())
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error> {
        let plan = &self.simulation.plan;
        let (slate_size, response_size) = (plan.slate_size as usize, plan.outline.response_size());
        let num_considered = plan.choice.num_considered(plan.slate_size);
        self.gpu
            .write("slates", &self.commands, 0, bytemuck::cast_slice(slates))?;
        let response_words = self.num_lanes * slate_size * response_size;
        let read = self.run(
            "step",
            &[
                (&self.outcomes, OUTCOME_FIELDS * self.num_lanes),
                (&self.observations, response_words),
            ],
        )?;
        let field = |field: usize| &read[0][field * self.num_lanes..(field + 1) * self.num_lanes];
        let mut outcome = StepOutcome::new(self.num_lanes, slate_size, response_size);
        outcome.rewards = numbers(field(0)).map(f64::from).collect();
        outcome.chosen = field(1)
            .iter()
            .map(|&chosen| (chosen < num_considered).then_some(chosen))
            .collect();
        outcome.terminated = field(2).iter().map(|&flag| flag != 0).collect();
        outcome.truncated = field(3).iter().map(|&flag| flag != 0).collect();
        if let Some(responses) = read.get(1) {
            outcome.responses = numbers(responses).collect();
        }
        Ok(outcome)
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        let words = observation_size(&self.simulation, self.num_lanes);
        let read = self.run("observe", &[(&self.observations, words)])?;
        let user_words = self.simulation.plan.outline.user_size() * self.num_lanes;
        let (users, documents) = read
            .first()
            .map_or((&[][..], &[][..]), |words| words.split_at(user_words));
        Ok(Observation {
            users: numbers(users).collect(),
            documents: numbers(documents).collect(),
        })
    }

    fn state(&mut self) -> Result<LaneState, Error> {
        let clocks = self.read(&self.clocks, CLOCK_FIELDS * self.num_lanes)?;
        let users = self.read(&self.users, self.user_words())?;
        let (low, rest) = clocks.split_at(self.num_lanes);
        let (high, steps) = rest.split_at(self.num_lanes);
        Ok(LaneState {
            users: numbers(&users).map(f64::from).collect(),
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
        let users: Vec<f32> = state.users.iter().map(|&number| number as f32).collect();
        let episodes = state.episodes.iter().map(|&episode| halves(episode));
        let mut clocks: Vec<u32> = episodes.clone().map(|[low, _]| low).collect();
        clocks.extend(episodes.map(|[_, high]| high));
        clocks.extend(&state.steps);
        self.gpu
            .write("users", &self.users, 0, bytemuck::cast_slice(&users))?;
        self.gpu
            .write("clocks", &self.clocks, 0, bytemuck::cast_slice(&clocks))?;
        Ok(())
    }
}
