//! The policy with its layers, asked and taught by rollouts and steppers alike: twin of the module `agent` that
//! [`Layered::shaders`] makes.

use super::widest::widest;
use crate::number::Number;
use crate::policy::{Draws, Feedback, Layered, Offer, Scratch};

widest! {
    /// Asks the policy for a slate. Compiled once for all environments, as policies are many.
    pub(super) fn recommend<N: Number>(
        policy: &Layered,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        policy.recommend(offer, draws, state, scratch, slate);
    }
}

widest! {
    /// Lets the policy learn from a step.
    pub(super) fn observe<N: Number>(
        policy: &Layered,
        feedback: &mut dyn Feedback<N>,
        scratch: &mut Scratch<N>,
        state: &mut [N],
    ) {
        policy.observe(feedback, scratch, state);
    }
}
