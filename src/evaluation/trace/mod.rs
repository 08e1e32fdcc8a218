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
//!
//! ```
//! use slatesim::backend::{Simulation, Unobserved, cpu::cpu};
//! use slatesim::evaluation::trace::{Format, Recording, TraceError, columns, record, replay_file, writer};
//! use std::fs::File;
//!
//! let simulation = Simulation::of("interest_exploration").set("max_steps", 5)?.build()?;
//! let backend = cpu(Some(1))?;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("steps.csv");
//! let mut file = writer(Format::of(&path), &columns(&simulation, false), File::create(&path)?)?;
//! record(&simulation, &backend, 0..3, &Recording::default(), &Unobserved, &mut |row| {
//!     file.row(row).map_err(|source| TraceError::Write { what: "the steps".to_owned(), source })
//! })?;
//! file.finish()?;
//! let (replay, _) = replay_file(&path, &simulation, &backend)?;
//! assert_eq!((replay.steps, replay.num_differences), (15, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
