//! How rollouts and steppers ask the policy with its layers ([`LayeredTwin`]) for slates.

use super::candidates::{Candidates, StepOffer};
use crate::environment::Environment;
use crate::number::Number;
use crate::policy::random::Random;
use crate::policy::{Draws, LayeredTwin, Scratch};

/// Makes the slates of rollouts and steppers.
pub(super) trait Recommender {
    /// Whether the users click the first document of any slate, and slates are random: no choice model has to be asked then, and
    /// no policy remembers anything, which the compiler knows.
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
        let mut offer = StepOffer {
            candidates,
            stream: draws.stream,
            user,
        };
        policy.recommend(&mut offer, draws, state, scratch, slate);
    }
}

/// Random slates, with which most episodes are run. They look at no document, so that the compiler can inline the step and
/// need not keep it in memory for a policy to look at.
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
