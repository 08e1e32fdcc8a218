//! Type-erased environments: what backends run without knowing which one it is.

use super::lanes::{InstructionSet, LaneStepper, Rollout, Work};
use super::plan::{BlockRollout, Corpus, Plan};
use super::stepper::{Follower, SteppedUsers, Stepper};
use crate::environment::{Definition, Environment, Field, Fields, Kind, Outline, RandomWords};
use crate::exact::FiniteModel;
use crate::number::{Number, ScalarWord};
use crate::rng::{CORPUS, DOCUMENT, Stream};
use crate::shader::{ShaderDefs, ShaderSource};
use crate::statistics::{Conditions, EpisodeBlock, Statistics};
use rayon::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// An environment, a choice model and a policy, ready to run.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The environment.
    pub model: Arc<dyn Model>,
    /// Everything else.
    pub plan: Plan,
}

impl Simulation {
    /// Makes statistics of no episodes, shaped for this environment.
    pub fn statistics(&self) -> Statistics {
        Statistics::new(
            self.plan.outline.num_topics as usize,
            self.plan.outline.has_quality,
        )
        .under(Conditions {
            max_steps: Some(self.plan.num_steps()),
            discounts: self.plan.discounts.clone(),
            resolution: 0.0,
        })
    }

    /// Adds blocks of this simulation up, on all cores; sums are exact, so the order does not matter.
    ///
    /// # Panics
    /// As [`Statistics::add`].
    pub fn collect(&self, blocks: &[EpisodeBlock]) -> Statistics {
        let add = |mut statistics: Statistics, block| {
            statistics.add(block);
            statistics
        };
        let merge = |mut a: Statistics, b| {
            a.merge(&b).expect("both are of the same simulation");
            a
        };
        blocks
            .par_iter()
            .fold(|| self.statistics(), add)
            .reduce(|| self.statistics(), merge)
    }
}

/// An environment as backends see it; every [`Definition`] is one.
pub trait Model: Debug + Send + Sync {
    /// See [`Definition::outline`].
    fn outline(&self) -> Outline;
    /// See [`Definition::parameters`].
    fn parameters(&self) -> Vec<(&'static str, f64)>;
    /// See [`Definition::tables`].
    fn tables(&self) -> Vec<f64>;
    /// See [`Definition::shader`].
    fn shader(&self) -> ShaderSource;
    /// See [`Definition::shader_defs`].
    fn shader_defs(&self) -> ShaderDefs;
    /// Returns how many fields a user and a document have.
    fn num_fields(&self) -> (usize, usize);
    /// Lists the fields of a user.
    fn user_layout(&self) -> Vec<Field>;
    /// Lists the fields of a document.
    fn document_layout(&self) -> Vec<Field>;
    /// Draws the corpus of a seed.
    fn sample_corpus(&self, seed: u64, num_candidates: u32) -> Corpus;
    /// Draws the documents that are offered at a step of an episode, in double precision.
    fn sample_documents(&self, seed: u64, episode: u64, step: u32, num_candidates: u32) -> Corpus;
    /// See [`Definition::average_user`].
    fn average_user(&self) -> Option<Vec<f64>>;
    /// Says what is wrong with the fields of a user; `None` if they are a state that users can be in.
    fn misfit_of_user(&self, fields: &[f64]) -> Option<String>;
    /// See [`Definition::finite_model`].
    fn finite_model(&self) -> Option<FiniteModel>;
    /// Makes what runs blocks of episodes in `f64`, one at a time.
    fn reference_rollout(&self, plan: &Plan) -> Box<dyn BlockRollout>;
    /// Makes what runs blocks of episodes in `f32`, many at a time.
    fn cpu_rollout(&self, plan: &Plan) -> Box<dyn BlockRollout>;
    /// Makes a stepper in `f64`.
    fn reference_stepper(&self, plan: &Plan, users: SteppedUsers) -> Box<dyn Stepper>;
    /// Makes a stepper in `f32`.
    fn cpu_stepper(&self, plan: &Plan, users: SteppedUsers) -> Box<dyn Stepper>;
    /// Makes what follows the users of any stepper, one to an environment.
    fn follower(&self, plan: &Plan, num_lanes: usize) -> Box<dyn Follower>;
}

/// Makes a rollout with the vectors of this processor.
struct CpuRollout<'a, D> {
    definition: &'a D,
    plan: &'a Plan,
}

impl<D: Definition> Work for CpuRollout<'_, D> {
    type Output = Box<dyn BlockRollout>;

    fn run<N: Number>(self) -> Self::Output {
        Box::new(Rollout::<N, _>::new(self.definition.twin(), self.plan))
    }
}

/// Makes a stepper with the vectors of this processor.
struct CpuStepper<'a, D> {
    definition: &'a D,
    plan: &'a Plan,
    users: SteppedUsers,
}

impl<D: Definition> Work for CpuStepper<'_, D> {
    type Output = Box<dyn Stepper>;

    fn run<N: Number>(self) -> Self::Output {
        Box::new(LaneStepper::<N, _>::new(
            || self.definition.twin(),
            self.plan,
            self.users,
        ))
    }
}

/// Draws documents in double precision.
fn draw_documents<D: Definition>(
    definition: &D,
    stream: Stream<ScalarWord>,
    purpose: u32,
    num_candidates: u32,
) -> Corpus {
    let twin = definition.twin::<f64>();
    let mut document = twin.new_document();
    let num_fields = document.num_fields();
    let all = num_fields * num_candidates as usize;
    let mut shared: Arc<[f64]> = std::iter::repeat_n(0.0, all).collect();
    let fields = Arc::make_mut(&mut shared);
    let document_blocks = Definition::outline(definition).document_blocks;
    for (candidate, fields) in (0..num_candidates).zip(fields.chunks_exact_mut(num_fields)) {
        let first = ScalarWord(candidate * document_blocks);
        twin.sample_document(
            ScalarWord(candidate),
            &RandomWords {
                stream,
                purpose,
                first,
            },
            &mut document,
        );
        document.store(fields);
    }
    Corpus {
        num_fields,
        fields: shared,
    }
}

impl<D: Definition> Model for D {
    fn outline(&self) -> Outline {
        Definition::outline(self)
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Definition::parameters(self)
    }

    fn tables(&self) -> Vec<f64> {
        Definition::tables(self)
    }

    fn shader(&self) -> ShaderSource {
        Definition::shader(self)
    }

    fn shader_defs(&self) -> ShaderDefs {
        Definition::shader_defs(self)
    }

    fn num_fields(&self) -> (usize, usize) {
        let twin = self.twin::<f64>();
        (
            twin.new_user().num_fields(),
            twin.new_document().num_fields(),
        )
    }

    fn user_layout(&self) -> Vec<Field> {
        self.twin::<f64>().new_user().layout()
    }

    fn document_layout(&self) -> Vec<Field> {
        self.twin::<f64>().new_document().layout()
    }

    fn sample_corpus(&self, seed: u64, num_candidates: u32) -> Corpus {
        let stream = Stream::of_consecutive_episodes(seed, 0, 0);
        draw_documents(self, stream, CORPUS, num_candidates)
    }

    fn sample_documents(&self, seed: u64, episode: u64, step: u32, num_candidates: u32) -> Corpus {
        let stream = Stream::of_consecutive_episodes(seed, episode, step);
        draw_documents(self, stream, DOCUMENT, num_candidates)
    }

    fn average_user(&self) -> Option<Vec<f64>> {
        Definition::average_user(self)
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let mut rest = fields;
        for field in Model::user_layout(self) {
            for (name, number) in field.names().iter().zip(rest) {
                let is_whole = number.fract() == 0.0 && (0.0..f64::from(1 << 23)).contains(number);
                if field.kind == Kind::Word && !is_whole {
                    return Some(format!(
                        "`{name}` is {number}, allowed is a whole number from 0"
                    ));
                }
                if !number.is_finite() {
                    return Some(format!("`{name}` is {number}, allowed is a finite number"));
                }
            }
            rest = &rest[field.names().len().min(rest.len())..];
        }
        Definition::misfit_of_user(self, fields)
    }

    fn finite_model(&self) -> Option<FiniteModel> {
        Definition::finite_model(self)
    }

    fn reference_rollout(&self, plan: &Plan) -> Box<dyn BlockRollout> {
        Box::new(Rollout::<f64, _>::new(self.twin(), plan))
    }

    fn cpu_rollout(&self, plan: &Plan) -> Box<dyn BlockRollout> {
        InstructionSet::run(CpuRollout {
            definition: self,
            plan,
        })
    }

    fn reference_stepper(&self, plan: &Plan, users: SteppedUsers) -> Box<dyn Stepper> {
        let twin = || self.twin();
        Box::new(LaneStepper::<f64, _>::new(twin, plan, users))
    }

    fn cpu_stepper(&self, plan: &Plan, users: SteppedUsers) -> Box<dyn Stepper> {
        InstructionSet::run(CpuStepper {
            definition: self,
            plan,
            users,
        })
    }

    fn follower(&self, plan: &Plan, num_lanes: usize) -> Box<dyn Follower> {
        let twin = || self.twin();
        let users = SteppedUsers {
            num_lanes,
            users_per_env: 1,
            pool: None,
        };
        Box::new(LaneStepper::<f64, _>::new(twin, plan, users))
    }
}
