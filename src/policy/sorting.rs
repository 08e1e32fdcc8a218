//! The value that documents are sorted by: a feature, or a value that only an oracle knows. Twin:
//! `shaders/policy/sorting.wgsl`.

use super::Offer;
use crate::environment::Outline;
use crate::number::Number;
use crate::shader::{ShaderDef, ShaderDefs};

/// The value that documents are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An observed feature, as [`Outline::document`](crate::environment::Outline::document) numbers them.
    Feature(usize),
    /// The quality where it is not observed.
    Quality,
    /// The score that the user of the episode gives.
    Score,
}

impl By {
    /// Finds the value that a configuration names, or the first feature if it names none. If a feature and an oracle's value
    /// have the same name, it is the feature.
    ///
    /// # Errors
    /// A text that lists what is allowed, if the environment has nothing of that name, or if none is given and no feature is
    /// observed.
    pub fn find(name: Option<&str>, outline: &Outline) -> Result<Self, String> {
        let names = outline.document_features();
        let name = match name {
            None if names.is_empty() => "",
            None => return Ok(Self::Feature(0)),
            Some(name) => name,
        };
        let feature = names.iter().position(|feature| feature == name);
        match (feature, name) {
            (Some(feature), _) => Ok(Self::Feature(feature)),
            (None, "quality") if outline.has_quality => Ok(Self::Quality),
            (None, "score") => Ok(Self::Score),
            (None, _) => {
                let mut allowed = if names.is_empty() {
                    "a document feature of the environment, which has none".to_owned()
                } else {
                    let names = names.join(", ");
                    format!("a document feature of the environment: {names}")
                };
                allowed += if outline.has_quality {
                    "; or what is not observed: quality, score"
                } else {
                    "; or what is not observed: score"
                };
                Err(allowed)
            }
        }
    }

    /// Returns the definitions that the WGSL twin is specialised by.
    ///
    /// # Panics
    /// Never: documents have fewer than 2^32 features.
    #[must_use]
    pub fn shader_defs(self) -> ShaderDefs {
        let feature = match self {
            Self::Feature(feature) => {
                u32::try_from(feature).expect("documents have fewer than 2^32 features")
            }
            Self::Quality | Self::Score => 0,
        };
        ShaderDefs::from([
            ("FEATURE".to_owned(), ShaderDef::UInt(feature)),
            (
                "BY_QUALITY".to_owned(),
                ShaderDef::Bool(self == Self::Quality),
            ),
            ("BY_SCORE".to_owned(), ShaderDef::Bool(self == Self::Score)),
        ])
    }

    /// Returns the value of the candidate that is looked at.
    #[inline(always)]
    pub fn value<N: Number>(self, offer: &mut dyn Offer<N>) -> N {
        match self {
            Self::Feature(feature) => offer.feature(feature),
            Self::Quality => offer.quality(),
            Self::Score => offer.score(),
        }
    }
}
