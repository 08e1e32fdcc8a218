//! The text of shaders: which modules a kernel is made of, what they are specialised by, and what is told from the result.

mod agent;
pub(crate) mod blocks;
pub(crate) mod compose;
mod conversions;
mod declares;
mod definitions;
mod interface;
pub(crate) mod iterations;
pub(crate) mod job;
pub(crate) mod kernel;
mod library;
mod parameters;
pub(crate) mod recipe;
mod sources;
