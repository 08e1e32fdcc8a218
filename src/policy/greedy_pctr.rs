//! The candidates with the largest predicted click-through rate, for a fixed user that the policy assumes, its belief. Twin:
//! `shaders/policy/greedy_pctr.wgsl`.
//!
//! Every candidate is scored as that user would score it. A choice model turns larger scores into larger probabilities of
//! a click, so the ranking by scores is the ranking by predicted click-through rate. The belief never changes. Ties go to the
//! lower index.
//!
//! # Source
//! `RecSim`'s `GreedyPCTRAgent`, whose belief is the sampler's average user (`IEClusterUserSampler.avg_user_state`).

use super::ranking::{begin, insert};
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{Bounds, ConfigError, Entry, Settings};
use crate::keys;
use crate::number::{Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy.
    pub struct Keys from "RecSim 0.2.4, GreedyPCTRAgent" {
        /// the numbers of the user's state, in the environment's order; absent: its average user
        belief: Option<Vec<f64>> = optional_numbers("belief", Bounds::FINITE),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct GreedyPctr {
    /// The fields of the assumed user, in the order of the environment's user.
    pub belief: Vec<f64>,
}

impl PolicyDefinition for GreedyPctr {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let about = "the candidates that one and the same believed user would score highest";
        Entry::policy("greedy_pctr", about, Keys::declared())
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&["policy.belief=[0.5]"])]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let given = Keys::read(settings).belief;
        let Some(belief) = given.as_deref().or(context.average_user) else {
            let allowed = format!(
                "a list of {} numbers, since the environment has no average user",
                context.num_user_fields
            );
            return Err(settings.invalid(Keys::belief, allowed));
        };
        // The list may be short: further fields, such as the type of a user or a budget, do not change the score.
        if belief.is_empty() || belief.len() > context.num_user_fields {
            let allowed = format!("a list of at most {} numbers", context.num_user_fields);
            return Err(settings.invalid(Keys::belief, allowed));
        }
        if given.is_some()
            && let Some(misfit) = (context.misfit_of_user)(belief)
        {
            let allowed = format!("a state of the environment's users, of which {misfit}");
            return Err(settings.invalid(Keys::belief, allowed));
        }
        let mut belief = belief.to_vec();
        belief.resize(context.num_user_fields, 0.0);
        Ok(Self { belief })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/greedy_pctr.wgsl")
    }

    fn tables(&self) -> Vec<f64> {
        self.belief.clone()
    }

    fn belief(&self) -> Option<&[f64]> {
        Some(&self.belief)
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

impl<N: Number> Policy<N> for GreedyPctr {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        _state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        begin(scratch, slate.len());
        for index in 0..offer.num_candidates() {
            let candidate = N::Word::splat(index);
            offer.look_at(candidate);
            insert(
                &mut scratch.numbers,
                slate,
                offer.believed_score(),
                candidate,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, no_draws};

    /// `RecSim`'s own test of `GreedyPCTRAgent`.
    #[test]
    fn the_largest_believed_scores_come_first() {
        let scores = vec![-1.0, -2.0, 4.32, 0.0, 15.0, -6.0, 4.32];
        let mut offer = Listed {
            scores: scores.clone(),
            ..Listed::features(&scores)
        };
        let mut slate = vec![ScalarWord(0); 4];
        let policy = GreedyPctr { belief: vec![1.0] };
        policy.recommend(
            &mut offer,
            &no_draws(),
            &mut [],
            &mut Scratch::default(),
            &mut slate,
        );
        assert_eq!(slate, [4, 2, 6, 3].map(ScalarWord));
    }
}
