//! The candidates with the largest (or smallest) value of one observed feature. Twin: `shaders/policy/greedy.wgsl`.
//!
//! Ties go to the lower index.

use super::{Offer, Policy, PolicyDefinition, Scratch, Target};
use crate::config::{ConfigError, Entry, Key, Settings};
use crate::number::{Number, Word};
use crate::rng::Stream;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};

/// Below every feature; infinities have no place in WGSL.
const WORST: f64 = -3.0e38;

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greedy {
    /// The feature, as [`Outline::document`](crate::environment::Outline::document) numbers them.
    pub feature: usize,
    /// Whether the smallest value comes first.
    pub ascending: bool,
}

impl PolicyDefinition for Greedy {
    fn entry() -> Entry {
        let keys = vec![
            Key::optional_text(
                "by",
                "the observed document feature to sort by; absent: the first one",
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
        let names = target.outline.document_features();
        let feature = match settings.optional_text("by") {
            None => 0,
            Some(by) => names.iter().position(|name| name == by).ok_or_else(|| {
                settings.invalid(
                    "by",
                    format!(
                        "a document feature of the environment: {}",
                        names.join(", ")
                    ),
                )
            })?,
        };
        Ok(Self {
            feature,
            ascending: settings.text("order") == "min",
        })
    }

    fn shader_defs(&self) -> ShaderDefs {
        let feature = u32::try_from(self.feature).expect("documents have fewer than 2^32 features");
        ShaderDefs::from([
            ("FEATURE".to_owned(), ShaderDef::UInt(feature)),
            ("ASCENDING".to_owned(), ShaderDef::Bool(self.ascending)),
        ])
    }
}

impl<N: Number> Policy<N> for Greedy {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut impl Offer<N>,
        _stream: &Stream<N::Word>,
        _first_word: N::Word,
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let best = &mut scratch.numbers;
        best.clear();
        best.resize(slate.len(), N::splat(WORST));
        for index in 0..offer.num_candidates() {
            let mut candidate = N::Word::splat(index);
            let feature = offer.feature(candidate, self.feature);
            let mut value = if self.ascending { -feature } else { feature };
            // Insertion into the sorted slate: whoever is pushed out moves on to the next position. A candidate pushes
            // out only what is strictly worse, so that ties stay in order of their indices.
            for position in 0..slate.len() {
                let is_better = best[position].less_than(value);
                let pushed_value = N::select(is_better, best[position], value);
                let pushed_candidate = N::Word::select(is_better, slate[position], candidate);
                best[position] = N::select(is_better, value, best[position]);
                slate[position] = N::Word::select(is_better, candidate, slate[position]);
                value = pushed_value;
                candidate = pushed_candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;

    struct Features(Vec<f64>);

    impl Offer<f64> for Features {
        fn num_candidates(&self) -> u32 {
            u32::try_from(self.0.len()).unwrap()
        }
        fn feature(&mut self, candidate: ScalarWord, _feature: usize) -> f64 {
            self.0[candidate.0 as usize]
        }
        fn user(&mut self, _number: usize) -> f64 {
            unreachable!("a greedy policy does not look at the user")
        }
    }

    fn slate(features: &[f64], size: usize, ascending: bool) -> Vec<u32> {
        let stream = Stream::of_consecutive_episodes(0, 0, 0);
        let mut slate = vec![ScalarWord(0); size];
        let greedy = Greedy {
            feature: 0,
            ascending,
        };
        greedy.recommend(
            &mut Features(features.to_vec()),
            &stream,
            ScalarWord(0),
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
