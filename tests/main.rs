//! The promises of slatesim, one in each file, in a single program: separate programs would each take time to link, and the
//! long tests of one would not run beside those of another.

mod common;

mod bench;
mod cli;
mod cli_texts;
mod compare;
mod custom_models;
mod custom_policies;
mod equivalence;
#[cfg(feature = "gpu")]
mod gpu_errors;
mod hostile;
mod lab;
mod limits;
mod linear_bandit;
mod performance_plots;
#[cfg(feature = "gpu")]
mod planted_faults;
mod recsim_golden;
mod results;
mod rooms;
mod same_lives;
#[cfg(feature = "gpu")]
mod shader_layout;
mod sweep;
mod tabular_q;
mod trace;
mod validation;
mod vec_env;
