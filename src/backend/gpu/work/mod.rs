//! Work for the device: rollouts, single steps and probes.

pub(crate) mod points;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod rollout;
pub(crate) mod stepper;
