//! The text of shaders: which modules a kernel is made of, what they are specialised by, and what is told from the result.

pub(crate) mod compose;
pub(crate) mod conversions;
pub(crate) mod interface;
pub(crate) mod iterations;
