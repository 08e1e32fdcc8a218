//! Work for the device: rollouts, single steps and probes.

pub(crate) mod engine;
mod inputs;
mod limits;
pub(crate) mod points;
pub(crate) mod probe;
mod program;
pub(crate) mod rollout;
pub(crate) mod stepper;
pub(crate) mod tracked;
