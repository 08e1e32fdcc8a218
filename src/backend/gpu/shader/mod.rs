//! The text of shaders: which modules a kernel is made of, what they are specialised by, and how many iterations the result
//! takes.

pub(crate) mod blocks;
pub(crate) mod compose;
mod conversions;
mod definitions;
mod interface;
pub(crate) mod iterations;
pub(crate) mod job;
pub(crate) mod kernel;
mod layered;
mod library;
mod parameters;
pub(crate) mod recipe;
mod sources;
