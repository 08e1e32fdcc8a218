//! The candidates with the largest (or smallest) value of one feature, or of what only an oracle knows. Twin:
//! `shaders/policy/greedy.wgsl`.
//!
//! Ties go to the lower index.

use super::ranking::{begin, insert};
use super::sorting::By;
use super::{Draws, Offer, Policy, PolicyDefinition, Propensity, Scratch, Target};
use crate::config::{ConfigError, Entry, Key, Settings};
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greedy {
    /// What documents are sorted by.
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
        let keys = vec![
            Key::optional_text(
                "by",
                "the observed document feature to sort by; absent: the first one; or, as an oracle: the true quality, \
                 or the score that the user gives",
            ),
            Key::one_of(
                "order",
                "max",
                &["max", "min"],
                "whether the largest or the smallest value comes first",
            ),
        ];
        let about = "the candidates with the largest or smallest value of a feature, ties to the lower index";
        Entry::policy("greedy", about, keys)
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/greedy.wgsl")
    }

    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            by: By::find(settings, target)?,
            ascending: settings.text("order") == "min",
        })
    }

    fn shader_defs(&self) -> ShaderDefs {
        let mut defs = self.by.shader_defs();
        defs.insert("ASCENDING".to_owned(), ShaderDef::Bool(self.ascending));
        defs
    }

    fn propensity(
        &self,
        _offer: &mut dyn Offer<f64>,
        _state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        Propensity::Certain(own == slate)
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
