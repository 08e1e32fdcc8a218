//! Random slates. Twin: `shaders/policy/random.wgsl`.
//!
//! Without replacement every ordered slate of distinct candidates is equally likely (`RecSim`'s `RandomAgent`); with
//! replacement positions are drawn independently and duplicates occur (Gym's `action_space.sample()`).
//!
//! # Precision
//! The probability of a candidate differs from 1/D by less than 2^-32.

use super::propensity::{of_distinct, of_independent};
use super::shuffle::next_candidate;
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Propensity, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::distribution::bounded_integer;
use crate::keys;
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy.
    pub struct Keys {
        /// false: distinct documents; true: duplicates possible
        with_replacement: bool = boolean("with_replacement", false),
    }
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Random {
    /// Whether a document may stand in a slate twice.
    pub with_replacement: bool,
}

impl PolicyDefinition for Random {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        Entry::policy("random", "uniformly random slates", Keys::declared())
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/random.wgsl")
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::composed(&[]),
            Specimen::composed(&["policy.with_replacement=true"]),
        ]
    }

    fn new(settings: &Settings, _context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let Keys { with_replacement } = Keys::read(settings);
        Ok(Self { with_replacement })
    }

    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::from([(
            "WITH_REPLACEMENT".to_owned(),
            ShaderDef::Bool(self.with_replacement),
        )])
    }

    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        _state: &[f64],
        _own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        let num_candidates = offer.num_candidates();
        Propensity::Probability(if self.with_replacement {
            of_independent(num_candidates, slate)
        } else {
            of_distinct(num_candidates, slate)
        })
    }
}

impl Random {
    /// Makes a slate; `words` is scratch memory.
    #[inline(always)]
    pub fn slate<W: Word>(
        &self,
        num_candidates: u32,
        draws: &Draws<W>,
        words: &mut Vec<W>,
        slate: &mut [W],
    ) {
        let mut policy = draws.words();
        if self.with_replacement {
            for (position, candidate) in (0..).zip(slate) {
                *candidate = bounded_integer(policy.word(position), W::splat(num_candidates));
            }
            return;
        }
        words.clear();
        for (position, candidate) in (0..).zip(slate) {
            *candidate = next_candidate(words, num_candidates, policy.word(position));
        }
    }
}

impl<N: Number> Policy<N> for Random {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        _state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        self.slate(offer.num_candidates(), draws, &mut scratch.words, slate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::listed::Listed;
    use crate::rng::Stream;
    use std::collections::BTreeMap;

    fn slates(with_replacement: bool, episodes: u64) -> BTreeMap<[u32; 3], u64> {
        let mut counts = BTreeMap::new();
        for episode in 0..episodes {
            let stream = Stream::of_consecutive_episodes(11, episode, 0);
            let mut slate = [ScalarWord(0); 3];
            let draws = Draws {
                stream,
                first_word: stream.words(crate::rng::STEP, ScalarWord(0))[3],
            };
            Random { with_replacement }.recommend(
                &mut Listed::features(&[0.0; 5]),
                &draws,
                &mut [],
                &mut Scratch::<f64>::default(),
                &mut slate,
            );
            *counts
                .entry(slate.map(|candidate| candidate.0))
                .or_default() += 1;
        }
        counts
    }

    /// Chi-square of 60 (125) equally likely slates over 60,000 (125,000) draws with seed 11; the bounds are the 0.9999
    /// quantiles of the chi-square distribution with 59 and 124 degrees of freedom.
    #[test]
    fn every_ordered_slate_is_equally_likely() {
        let chi_square = |counts: &BTreeMap<[u32; 3], u64>| -> f64 {
            counts
                .values()
                .map(|&count| (count as f64 - 1000.0).powi(2) / 1000.0)
                .sum()
        };
        let distinct = slates(false, 60_000);
        assert_eq!(distinct.len(), 60);
        assert!(
            distinct
                .keys()
                .all(|[a, b, c]| a != b && b != c && a != c && *a.max(b).max(c) < 5)
        );
        assert!(chi_square(&distinct) < 107.0, "{}", chi_square(&distinct));
        let any = slates(true, 125_000);
        assert_eq!(any.len(), 125);
        assert!(chi_square(&any) < 190.0, "{}", chi_square(&any));
    }
}
