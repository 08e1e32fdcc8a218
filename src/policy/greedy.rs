//! The candidates with the largest (or smallest) value of one feature, or of a value that only an oracle knows. Twin:
//! `shaders/policy/greedy.wgsl`.
//!
//! Ties go to the lower index.

use super::ranking::{begin, insert};
use super::sorting::By;
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, words};

words! {
    /// Whether the largest or the smallest value comes first.
    pub enum Order {
        /// The largest value.
        Max = "max",
        /// The smallest value.
        Min = "min",
    }
}

keys! {
    /// The keys of the policy.
    pub struct Keys {
        /// the observed document feature to sort by; absent: the first one; or, as an oracle: the true quality,
        /// or the score that the user gives
        by: Option<String> = optional_text("by"),
        /// whether the largest or the smallest value comes first
        order: Order = one_of("order", Order::Max),
    }
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greedy {
    /// The value that documents are sorted by.
    pub by: By,
    /// Whether the smallest value comes first.
    pub ascending: bool,
}

impl PolicyDefinition for Greedy {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        let about = "the candidates with the largest or smallest value of a feature, ties to the lower index";
        Entry::policy("greedy", about, Keys::declared())
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/greedy.wgsl")
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::composed(&[]),
            Specimen::composed(&["policy.order=min"]),
            Specimen::composed(&["policy.by=score"]),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        let by = By::find(keys.by.as_deref(), context.outline);
        Ok(Self {
            by: by.map_err(|allowed| settings.invalid(Keys::by, allowed))?,
            ascending: match keys.order {
                Order::Max => false,
                Order::Min => true,
            },
        })
    }

    fn shader_defs(&self) -> ShaderDefs {
        let mut defs = self.by.shader_defs();
        defs.insert("ASCENDING".to_owned(), ShaderDef::Bool(self.ascending));
        defs
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

impl<N: Number> Policy<N> for Greedy {
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
            let value = self.by.value(offer);
            let key = if self.ascending { -value } else { value };
            insert(&mut scratch.numbers, slate, key, candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, no_draws};

    fn slate(features: &[f64], size: usize, ascending: bool) -> Vec<u32> {
        let mut slate = vec![ScalarWord(0); size];
        let greedy = Greedy {
            by: By::Feature(0),
            ascending,
        };
        greedy.recommend(
            &mut Listed::features(features),
            &no_draws(),
            &mut [],
            &mut Scratch::default(),
            &mut slate,
        );
        slate.into_iter().map(|candidate| candidate.0).collect()
    }

    #[test]
    fn the_largest_features_come_first_and_ties_go_to_the_lower_index() {
        let features = [-1.0, -2.0, 4.32, 0.0, 15.0, -6.0, 4.32];
        assert_eq!(slate(&features, 4, false), [4, 2, 6, 3]);
        assert_eq!(slate(&features, 3, true), [5, 1, 0]);
        assert_eq!(slate(&[1.0; 5], 5, false), [0, 1, 2, 3, 4]);
        assert_eq!(slate(&[1.0; 5], 5, true), [0, 1, 2, 3, 4]);
    }
}
