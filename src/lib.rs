//! slatesim: `RecSim`'s simulator of users who are shown slates of documents, stepped by the hundred thousand.
#![deny(unsafe_code)]
#![allow(
    clippy::needless_range_loop,
    reason = "twins are index loops, so that they can be laid beside the WGSL"
)]
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod backend;
pub mod choice;
pub mod config;
pub mod distribution;
pub mod environment;
mod error;
pub mod evaluation;
pub mod math;
pub mod number;
pub mod policy;
pub mod registry;
pub mod rng;
pub mod shader;
pub mod statistics;
pub mod validation;
pub mod vec_env;

pub use error::Error;
