//! The policy with its layers, asked and taught by rollouts and steppers alike: twin of the module `layered` that
//! the GPU backend writes (`src/backend/gpu/shader/layered.rs`).

use super::candidates::{Candidates, StepOffer};
use crate::environment::Environment;
use crate::number::Number;
use crate::policy::random::Random;
use crate::policy::{Draws, LayeredTwin, Scratch};

/// Who makes the slates of a rollout.
pub(super) trait Recommender {
    /// Whether the users click the first document of any slate: what a choice model would be asked is then known when the rollout
    /// is compiled.
    const TAKES_FIRST: bool;

    /// Recommends to the users of a vector.
    fn recommend<N: Number, E: Environment<N>>(
        &self,
        policy: &LayeredTwin<N>,
        candidates: &mut Candidates<N, E>,
        user: &E::User,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    );
}

/// Any policy with its layers: it sees the step through a table of functions.
pub(super) struct AnyPolicy;

impl Recommender for AnyPolicy {
    const TAKES_FIRST: bool = false;

    #[inline(always)]
    fn recommend<N: Number, E: Environment<N>>(
        &self,
        policy: &LayeredTwin<N>,
        candidates: &mut Candidates<N, E>,
        user: &E::User,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let mut seen = StepOffer {
            candidates,
            stream: draws.stream,
            user,
        };
        policy.recommend(&mut seen, draws, state, scratch, slate);
    }
}

/// Random slates, which most episodes are run with: they look at nothing, so that the compiler may see through them and
/// need not keep a step in memory for somebody to look at.
pub(super) struct RandomPolicy<const TAKES_FIRST: bool>(pub(super) Random);

impl<const TAKES_FIRST: bool> Recommender for RandomPolicy<TAKES_FIRST> {
    const TAKES_FIRST: bool = TAKES_FIRST;

    #[inline(always)]
    fn recommend<N: Number, E: Environment<N>>(
        &self,
        _policy: &LayeredTwin<N>,
        candidates: &mut Candidates<N, E>,
        _user: &E::User,
        draws: &Draws<N::Word>,
        _state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        self.0
            .slate(candidates.num_candidates, draws, &mut scratch.words, slate);
    }
}
