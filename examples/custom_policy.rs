//! A policy of one's own in the kernels: slates re-ranked by maximal marginal relevance, with topics that tire users.
//!
//! ```text
//! gain(d) = value(d) - diversity n(topic of d) - fatigue e(topic of d)
//! e <- recovery e + n    after each step
//! ```
//!
//! Position by position the document of the largest gain is taken, where n counts the documents of a topic that are already in
//! the slate, and e is how much of the topic the user was shown recently. `custom_policy.wgsl` is the twin. The program is the
//! whole command line, with this policy added to the built-in ones:
//!
//! ```sh
//! cargo run --release --example custom_policy -- compare --environment interest_exploration --max-steps 60 \
//!     --policy greedy --policy mmr --set environment.slate_size=3
//! ```
//!
//! # Source
//! Carbonell and Goldstein (1998), "The use of MMR, diversity-based reranking for reordering documents and producing summaries",
//! with topics instead of a similarity.

use slatesim::authoring::*;

// The comment above a field is the description of its key in `slatesim list`.
keys! {
    pub(crate) struct Keys {
        /// what documents are worth: an observed feature; absent: the first one; or, as an oracle, `quality` or `score`
        by: Option<String> = optional_text("by"),
        /// what each document of the same topic before it in the slate takes from a document
        diversity: f64 = number("diversity", 0.5, Bounds::between(0.0, 1e3)),
        /// what each document of the same topic that was shown of late takes from a document
        fatigue: f64 = number("fatigue", 0.1, Bounds::between(0.0, 1e3)),
        /// share of the fatigue that is left after a step
        recovery: f64 = number("recovery", 0.8, Bounds::UNIT.without_upper()),
    }
}

/// The policy. It is its own host twin for every number type, since none of its fields depends on the type.
#[derive(Clone, Debug)]
pub(crate) struct Mmr {
    by: By,
    diversity: f64,
    fatigue: f64,
    recovery: f64,
    num_candidates: u32,
    num_topics: u32,
}

impl PolicyDefinition for Mmr {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let about = "slates re-ranked by maximal marginal relevance, with topics that tire users";
        Entry::policy("mmr", about, Keys::declared())
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        if context.outline.num_topics == 0 {
            return Err(settings.unfit("mmr", "documents of topics"));
        }
        let keys = Keys::read(settings);
        let by = By::find(keys.by.as_deref(), context.outline);
        Ok(Self {
            by: by.map_err(|allowed| settings.invalid(Keys::by, allowed))?,
            diversity: keys.diversity,
            fatigue: keys.fatigue,
            recovery: keys.recovery,
            num_candidates: context.num_candidates,
            num_topics: context.outline.num_topics,
        })
    }

    fn specimens() -> Vec<Specimen> {
        let common = [
            "environment.name=interest_exploration",
            "environment.slate_size=3",
            "max_steps=20",
        ];
        let forgetful = [&common[..], &["policy.diversity=2", "policy.fatigue=0"]].concat();
        vec![
            Specimen::new("re-ranked by topics", &common),
            Specimen::new("re-ranked by topics, without memory", &forgetful),
        ]
    }

    fn shader(&self) -> ShaderSource {
        let text = include_str!("custom_policy.wgsl");
        ShaderSource::policy("examples/custom_policy.wgsl", text)
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.by.shader_defs()
    }

    /// The diversity, the fatigue, then the recovery.
    fn tables(&self) -> Vec<f64> {
        vec![self.diversity, self.fatigue, self.recovery]
    }

    fn state_size(&self) -> usize {
        self.num_topics as usize
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

/// Less than every gain; WGSL has no infinity.
const NOTHING: f64 = -3.0e38;

impl<N: Number> Policy<N> for Mmr {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        let (diversity, fatigue) = (N::splat(self.diversity), N::splat(self.fatigue));
        let tired = &state[..self.num_topics as usize];
        let in_slate = &mut scratch.numbers;
        in_slate.clear();
        in_slate.resize(tired.len(), zero);
        for position in 0..slate.len() {
            let (mut best, mut best_topic) = (N::splat(NOTHING), N::Word::splat(0));
            slate[position] = N::Word::splat(0);
            for index in 0..self.num_candidates {
                let candidate = N::Word::splat(index);
                offer.look_at(candidate);
                let topic = offer.topic();
                let gain = self.by.value(offer)
                    - diversity * N::pick(in_slate, topic)
                    - fatigue * N::pick(tired, topic);
                let mut is_better = best.less_than(gain);
                for &earlier in &slate[..position] {
                    is_better = is_better & !earlier.equals(candidate);
                }
                best = N::select(is_better, gain, best);
                best_topic = N::Word::select(is_better, topic, best_topic);
                slate[position] = N::Word::select(is_better, candidate, slate[position]);
            }
            for (topic, count) in (0..).zip(in_slate.iter_mut()) {
                let is_it = best_topic.equals(N::Word::splat(topic));
                *count = *count + N::select(is_it, one, zero);
            }
        }
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, _scratch: &mut Scratch<N>, state: &mut [N]) {
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        let tired = &mut state[..self.num_topics as usize];
        for topic in tired.iter_mut() {
            *topic = N::splat(self.recovery) * *topic;
        }
        for position in 0..feedback.num_shown() {
            let shown = feedback.topic(position);
            for (topic, tired) in (0..).zip(tired.iter_mut()) {
                let is_it = shown.equals(N::Word::splat(topic));
                *tired = *tired + N::select(is_it, one, zero);
            }
        }
    }
}

#[allow(dead_code, reason = "a test takes the policy without the program")]
fn main() -> std::process::ExitCode {
    slatesim::cli::main(&Registry::built_in().with_policy::<Mmr>())
}
