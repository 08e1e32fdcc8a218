//! The user clicks the first document of the slate, always. Twin: `shaders/choice/first.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `LTSUserModel.simulate_response`.

use super::Choice;
use crate::number::{Number, Word};

/// The host twin.
#[derive(Clone, Copy, Debug)]
pub struct First;

impl<N: Number> Choice<N> for First {
    #[inline(always)]
    fn choose(&self, _scores: &[N], _uniform: N) -> N::Word {
        N::Word::splat(0)
    }
}
