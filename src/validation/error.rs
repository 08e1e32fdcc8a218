//! Errors of validation.

use crate::backend::BackendError;
use crate::config::ConfigError;
use crate::statistics::StatisticsError;

/// Why a validation could not be completed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// A configuration to validate is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The statistics of parts cannot be merged.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}
