//! Errors of validation.

use crate::backend::BackendError;
use crate::statistics::StatisticsError;

/// Why a validation could not be completed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// A backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The statistics of parts cannot be merged.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}
