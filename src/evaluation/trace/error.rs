//! Errors of traces.

use crate::backend::BackendError;
use std::path::PathBuf;

/// Why a trace cannot be recorded, written, read or replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The backend that takes the steps failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The file system failed, or the pipe is closed.
    #[error("cannot write {what}")]
    Write {
        /// What was to be written.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a trace of this simulation.
    #[error("{}, line {line}{}: {problem}", path.display(), column.as_ref().map_or_else(String::new, |column| format!(", column {column}")))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The name of the column, if the problem is in one, or where in the line the text goes wrong.
        column: Option<String>,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// This build cannot write the format.
    #[error(
        "the format parquet is not in this build; build slatesim with `--features parquet`, or use jsonl or csv"
    )]
    NoParquet,
}
