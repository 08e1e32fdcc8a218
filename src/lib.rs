//! Simulates users who are shown slates of documents, hundreds of thousands at a time: `RecSim`'s environments on a GPU
//! or on all cores.
//!
//! An episode is a pure function of environment, policy, seed and episode index. Nothing else has an influence: not the batch
//! size, not the number of threads, not how the work was cut. Each model is written twice, in WGSL and in Rust generic over the
//! number type, so that the reference in `f64`, vectors of users in `f32`, and the GPU run the same episodes; [`validation`]
//! compares them with each other and with `RecSim`.
//!
//! ```
//! use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
//!
//! let simulation = Simulation::of("long_term_satisfaction").set("user.sensitivity", 0.058)?.policy("random").build()?;
//! let statistics = cpu(None)?.rollout(&simulation, 0..2_560, &Unobserved)?;
//! let returns = statistics.summary().returns;
//! println!("{:?} +- {:?}", returns.mean, returns.standard_error);
//! # assert!(returns.mean.is_some_and(|mean| (mean - 950.0).abs() < 20.0));
//! # Ok::<(), slatesim::Error>(())
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! | --- | --- |
//! | running many episodes | [`backend`], [`evaluation`] |
//! | comparing, and stopping at a precision | [`evaluation::compare()`], [`evaluation::evaluate_until`] |
//! | grids of parameters | [`evaluation::sweep()`] |
//! | single steps, written and replayed | [`evaluation::trace`] |
//! | stepping users with an agent of one's own | [`vec_env`] |
//! | agents that learn across episodes | [`agent`] |
//! | the models | [`environment`], [`choice`], [`policy`] with [layers](policy::layer) around it |
//! | a model of one's own | [`authoring`] |
//! | exact values where the state is finite | [`exact`] |
//! | random numbers, and why they are the same everywhere | [`rng`], [`distribution`] |
//! | precision | [`math`], [`validation`] |
//! | speed | [`mod@bench`] |
//! | figures and their uncertainty | [`statistics`] |
//!
//! # Features
//!
//! | feature | default | what |
//! | --- | --- | --- |
//! | `cli` | yes | the program `slatesim`, and its command line for programs of one's own (`slatesim::cli`) |
//! | `gpu` | yes | the backend [`gpu`](backend::gpu), through wgpu; without it [`GpuBackend::open`](backend::gpu::GpuBackend::open) says that it was left out |
//! | `parquet` | no | traces as Apache Parquet |
//!
//! # Current state
//!
//! - Policies inside the kernels learn within an episode only; [`agent`] has agents that learn across episodes. Nothing is
//!   trained by gradient.
//! - Returns are added up in compensated single precision on `cpu` and `gpu`: relative error at most 1e-7, whatever the number of
//!   steps.
//! - [`vec_env`] hands observations to the host: an agent on the same device gets a copy. A
//!   [`MultiUserEnv`](vec_env::MultiUserEnv) cannot be put into a state.
//! - The `gpu` backend has been run on software Vulkan and, in an earlier state of its kernels, on one NVIDIA H200
//!   (November 2026).
#![deny(unsafe_code)]
#![allow(
    clippy::needless_range_loop,
    reason = "twins are index loops, so that they can be laid beside the WGSL"
)]
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod agent;
pub mod authoring;
pub mod backend;
pub mod bandit;
pub mod bench;
mod builder;
pub mod choice;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod distribution;
pub mod environment;
mod error;
pub mod evaluation;
pub mod exact;
mod json;
pub mod math;
mod memory;
pub mod number;
pub mod policy;
pub mod registry;
pub mod regression;
pub mod rng;
pub mod shader;
pub mod specimen;
#[cfg_attr(
    not(feature = "gpu"),
    allow(
        dead_code,
        unused_imports,
        reason = "only a GPU leaves sums that are to be read"
    )
)]
pub mod statistics;
#[cfg(test)]
mod test_support;
mod text_file;
pub mod validation;
pub mod vec_env;

pub use builder::SimulationBuilder;
pub use error::Error;
