//! Decides at some steps only, and holds the slate in between. Twin: `shaders/policy/layer/temporal_aggregation.wgsl`.
//!
//! At steps 0, p, 2 p, ... the slate is the one that the policy inside recommends, p being the aggregation period; at other
//! steps it is the one before. Where the slate is not the one before, position by position, `switching_cost` is subtracted from
//! the reward that the layers inside and the policy learn from ([`Feedback::penalise`]).
//!
//! A slate can only be held while its documents exist: the layer needs `resample_documents` = false.
//!
//! The state of a user is the steps since the last decision, counted from 1 (0 before the first); whether the slate differs
//! from the one before; and the slate. The policy does not read it.
//!
//! # What the policy learns from
//! From every step, held or not, with the reward of that step; not from a whole period at its end, with the sum over
//! gamma^i of the rewards of its steps i, less costs. Policies learn from clicks and rewards of single positions, for all users
//! of a vector at once. They have no weight of an observation, by which a user could be left out in the middle of a period, and
//! no reward of a whole slate, which that sum would be.
//!
//! For the linear regressions here the difference is small. Let gamma be 1, and let the observed numbers of the user not
//! change. The p observations of a held document with inputs x and outcomes `y_i` add up to
//!
//! ```text
//! A += p x x',  b += (sum y_i) x     where one observation would be     A += x x',  b += (sum y_i) x
//! ```
//!
//! so that the net reward per step is estimated, and not that of a period, which is p times as much: the same order of
//! candidates, but for the ridge. Every step counts as evidence, so less is explored. A switch is charged at the first of the p
//! steps: `switching_cost` / p per step. All steps have the same weight, and policies have no discount, because none here looks
//! beyond the next step. The slate before, which `RecSim` adds to the observation, is no input of a policy.
//!
//! The policy is asked at every step, because it notes the user then; what it recommends while a slate is held is not
//! shown.
//!
//! # Source
//! The intent of `RecSim`'s `TemporalAggregationLayer`, as Mladenov et al. (2019), "Advantage amplification in slowly evolving
//! latent-state environments", have it. `RecSim` 0.2.4 decides at every step whatever the period, and carries reward from one
//! episode into the next: neither is kept.

use super::{Layer, LayerDefinition};
use crate::config::{ConfigError, Entry, Settings};
use crate::keys;
use crate::number::{Mask, Number, Word};
use crate::policy::{Draws, Feedback, Offer, PolicyContext, Scratch};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
const NAME: &str = "temporal_aggregation";
/// Numbers of the state that stand before the slate.
const HEAD: usize = 2;
/// The most candidates: a number of the state holds the index of one exactly.
const MAX_CANDIDATES: u32 = 1 << 23;

keys! {
    /// The keys of the layer.
    pub struct Keys from "RecSim 0.2.4, TemporalAggregationLayer; Mladenov et al. (2019), Advantage amplification" {
        /// steps from one decision to the next
        aggregation_period: u32 = count("aggregation_period", 1, 1).in_unit("steps"),
        /// subtracted from the reward that the policy hears where the slate is not the one before
        switching_cost: f64 = non_negative("switching_cost", 1.0).in_unit("reward"),
    }
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemporalAggregation {
    /// Steps from one decision to the next.
    pub aggregation_period: u32,
    /// What it costs to show a slate other than the one before.
    pub switching_cost: f64,
    /// Documents in a slate.
    pub slate_size: u32,
}

impl LayerDefinition for TemporalAggregation {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        Entry::layer(
            NAME,
            "decides only now and then, and holds the slate between",
            Keys::declared(),
        )
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&[
            "environment.resample_documents=false",
            "policy.layer.name=temporal_aggregation",
        ])]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        if !context.has_fixed_documents {
            let needs = "`environment.resample_documents` = false: a slate cannot be held when its documents are gone";
            return Err(settings.unfit(NAME, needs));
        }
        if context.num_candidates > MAX_CANDIDATES {
            let needs = format!("at most {MAX_CANDIDATES} candidates");
            return Err(settings.unfit(NAME, needs));
        }
        let keys = Keys::read(settings);
        Ok(Self {
            aggregation_period: keys.aggregation_period.min(MAX_CANDIDATES - 1),
            switching_cost: keys.switching_cost,
            slate_size: context.slate_size,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!(
            "layer::temporal_aggregation",
            "policy/layer/temporal_aggregation.wgsl"
        )
    }

    fn shader_defs(&self) -> ShaderDefs {
        let period = ShaderDef::UInt(self.aggregation_period);
        ShaderDefs::from([("AGGREGATION_PERIOD".to_owned(), period)])
    }

    fn tables(&self) -> Vec<f64> {
        vec![self.switching_cost]
    }

    fn state_size(&self) -> usize {
        HEAD + self.slate_size as usize
    }

    fn is_read(&self) -> bool {
        false
    }
}

impl<N: Number> Layer<N> for TemporalAggregation {
    #[inline(always)]
    fn revise(
        &self,
        _offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        state: &mut [N],
        _scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let (head, held) = state.split_at_mut(HEAD);
        let (zero, one) = (N::splat(0.0), N::splat(1.0));
        let is_first = head[0].at_most(zero);
        let is_held = !is_first & head[0].less_than(N::splat(f64::from(self.aggregation_period)));
        let mut is_other = N::Mask::splat(false);
        for (candidate, held) in slate.iter_mut().zip(held) {
            let before = held.to_word();
            *candidate = N::Word::select(is_held, before, *candidate);
            is_other = is_other | !candidate.equals(before);
            *held = N::from_word(*candidate);
        }
        head[0] = N::select(is_held, head[0] + one, one);
        head[1] = N::select(is_other & !is_first, one, zero);
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, state: &mut [N]) {
        feedback.penalise(state[1] * N::splat(self.switching_cost));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, no_draws};

    #[test]
    fn a_slate_is_held_for_the_period_and_another_one_is_charged() {
        let layer = TemporalAggregation {
            aggregation_period: 3,
            switching_cost: 0.5,
            slate_size: 2,
        };
        let mut state = [0.0; 4];
        let inside = [[1, 0], [4, 2], [3, 3], [0, 1], [9, 9], [9, 9], [0, 1]];
        let shown = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [0, 1]];
        let charges = [0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0];
        for ((inside, shown), charge) in inside.into_iter().zip(shown).zip(charges) {
            let mut offer = Listed::features(&[0.0; 10]);
            let mut slate = inside.map(ScalarWord);
            let mut scratch = Scratch::default();
            layer.revise(
                &mut offer,
                &no_draws(),
                &mut state,
                &mut scratch,
                &mut slate,
            );
            assert_eq!(slate, shown.map(ScalarWord));
            let mut feedback = Listed::features(&[0.0; 2]);
            layer.observe(&mut feedback, &mut state);
            assert_eq!(feedback.penalty, charge);
        }
    }
}
