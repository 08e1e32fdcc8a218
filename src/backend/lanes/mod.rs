//! Rollouts and steppers of `reference` and `cpu`: one source, generic over the number type, twin of the kernels in
//! `shaders/kernel/`.

mod candidates;
mod driver;
mod recommender;
mod rollout;
mod stepper;
mod widest;

pub(super) use rollout::Rollout;
pub(super) use stepper::LaneStepper;
pub use widest::{InstructionSet, Work};
