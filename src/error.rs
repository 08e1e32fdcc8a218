//! All errors of this crate, as one type.
//!
//! Each room has an error type of its own, which may wrap the error of a lower room. This type has one variant for each of
//! them: a device that fails is [`Error::Gpu`], whichever room was using it.

use crate::agent::AgentError;
use crate::backend::BackendError;
use crate::backend::gpu::GpuError;
use crate::config::ConfigError;
use crate::evaluation::EvaluationError;
use crate::evaluation::trace::TraceError;
use crate::exact::ExactError;
use crate::statistics::StatisticsError;
use crate::validation::ValidationError;
use crate::vec_env::VecEnvError;

/// Any failure of this crate.
///
/// A variant never wraps an error for which there is another variant: [`BackendError::Gpu`] becomes [`Error::Gpu`], and so on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device failed, or there is none.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Results cannot be combined.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
    /// A trace cannot be recorded, written, read or replayed.
    #[error(transparent)]
    Trace(TraceError),
    /// An agent cannot be made, cannot act there, or cannot be saved or loaded.
    #[error(transparent)]
    Agent(AgentError),
    /// A backend cannot be opened, or cannot compute what it was asked for.
    #[error(transparent)]
    Backend(BackendError),
    /// Episodes cannot be run as asked for, or their results cannot be combined.
    #[error(transparent)]
    Evaluation(EvaluationError),
    /// There is no exact value.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// Environments cannot be made, or do not take what they are given.
    #[error(transparent)]
    VecEnv(VecEnvError),
}

impl From<AgentError> for Error {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::VecEnv(error) => error.into(),
            error => Self::Agent(error),
        }
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Gpu(error) => Self::Gpu(error),
            error => Self::Backend(error),
        }
    }
}

impl From<EvaluationError> for Error {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Backend(error) => error.into(),
            EvaluationError::Exact(error) => Self::Exact(error),
            error => Self::Evaluation(error),
        }
    }
}

impl From<TraceError> for Error {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Backend(error) => error.into(),
            error => Self::Trace(error),
        }
    }
}

impl From<ValidationError> for Error {
    fn from(error: ValidationError) -> Self {
        match error {
            ValidationError::Backend(error) => error.into(),
            ValidationError::Statistics(error) => Self::Statistics(error),
        }
    }
}

impl From<VecEnvError> for Error {
    fn from(error: VecEnvError) -> Self {
        match error {
            VecEnvError::Backend(error) => error.into(),
            error => Self::VecEnv(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_device_is_one_of_the_device_whoever_asked_it() {
        let failure = || BackendError::Gpu(GpuError::NoAdapter);
        let told: [Error; 6] = [
            failure().into(),
            AgentError::VecEnv(VecEnvError::Backend(failure())).into(),
            EvaluationError::Backend(failure()).into(),
            TraceError::Backend(failure()).into(),
            ValidationError::Backend(failure()).into(),
            VecEnvError::Backend(failure()).into(),
        ];
        for error in told {
            assert!(
                matches!(error, Error::Gpu(GpuError::NoAdapter)),
                "{error:?}"
            );
        }
    }
}
