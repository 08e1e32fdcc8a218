//! Trajectories: every step of some episodes, written to a file, read back and replayed.
//!
//! ```text
//! Simulation + Backend --record--> rows of cells --Writer--> file --Trace::read--> Trace --replay--> Replay
//! ```
//!
//! The backend decides everything discrete: which slates are shown, which document is clicked, when an episode ends. All other
//! numbers are a function of these, of the seed and of the episode: a [`Follower`] computes them in double precision, whatever
//! the backend, and rounds them to single precision. So the bytes of a trace are the same on every backend, unless a choice
//! falls the other way (a *flip*, see [`validation`](crate::validation)).

mod column;
mod error;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod record;
mod replay;
mod write;

pub use column::{Cell, Column, Kind, RowWriter, Segment, columns};
pub use error::TraceError;
pub use read::{Episode, Trace};
pub use record::{Recording, record};
pub use replay::{Difference, Replay, replay, replay_file};
pub use write::{Format, writer};

#[cfg(doc)]
use crate::backend::Follower;
