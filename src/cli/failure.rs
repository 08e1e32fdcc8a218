//! Prints errors, and chooses the exit code.

use super::exit_code::{BROKEN, DONE, NO_DEVICE, USAGE};
use super::output::say;
use super::usage::Usage;
use crate::Error;
use crate::backend::BackendError;
use crate::backend::gpu::GpuError;
use crate::config::ConfigError;
use crate::evaluation::EvaluationError;
use crate::evaluation::trace::TraceError;
use crate::validation::ValidationError;
use crate::vec_env::VecEnvError;

/// The most characters of an error: the reason stands at its beginning, and the rest quotes the input.
const LONGEST: usize = 8000;

/// Prints an error with its causes to stderr, once, and returns its exit code.
///
/// A closed pipe on stdout is no error: the reader has seen enough.
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    let mut io = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if io.any(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
        return DONE;
    }
    say(&sentence(error));
    code(error)
}

/// Joins an error and its causes: `what: cause: cause`.
fn sentence(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let text = text.trim_end();
        if told.last().is_none_or(|last| last != text) {
            told.push(text.to_owned());
        }
    }
    let told = told.join(": ");
    match told.char_indices().nth(LONGEST) {
        None => told,
        Some((end, _)) => format!("{}...", &told[..end]),
    }
}

/// Finds the error of a backend, whatever wraps it.
fn backend(error: &anyhow::Error) -> Option<&BackendError> {
    if let Some(EvaluationError::Backend(found)) = error.downcast_ref() {
        Some(found)
    } else if let Some(TraceError::Backend(found)) = error.downcast_ref() {
        Some(found)
    } else if let Some(ValidationError::Backend(found)) = error.downcast_ref() {
        Some(found)
    } else if let Some(VecEnvError::Backend(found)) = error.downcast_ref() {
        Some(found)
    } else if let Some(Error::Backend(found)) = error.downcast_ref() {
        Some(found)
    } else {
        error.downcast_ref()
    }
}

/// Finds the error of a device, whatever wraps it.
pub(crate) fn device(error: &anyhow::Error) -> Option<&GpuError> {
    if let Some(BackendError::Gpu(found)) = backend(error) {
        Some(found)
    } else if let Some(Error::Gpu(found)) = error.downcast_ref() {
        Some(found)
    } else {
        error.downcast_ref()
    }
}

/// Finds the error of a trace.
fn trace(error: &anyhow::Error) -> Option<&TraceError> {
    match error.downcast_ref() {
        Some(Error::Trace(found)) => Some(found),
        _ => error.downcast_ref(),
    }
}

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() || error.is::<ConfigError>() {
        return USAGE;
    }
    if let Some(failed) = device(error) {
        return code_of_device(failed);
    }
    let is_broken = matches!(backend(error), Some(BackendError::Threads(_)))
        || matches!(trace(error), Some(TraceError::Write { .. }));
    // All other errors of the library are mistakes in its input.
    let is_refused = error.is::<BackendError>()
        || error.is::<EvaluationError>()
        || error.is::<TraceError>()
        || error.is::<ValidationError>()
        || error.is::<VecEnvError>()
        || error.is::<Error>();
    match is_refused && !is_broken {
        true => USAGE,
        false => BROKEN,
    }
}

fn code_of_device(error: &GpuError) -> u8 {
    if error.is_no_device() || error.is_device_lost() {
        return NO_DEVICE;
    }
    match error {
        // The input does not fit the device, whether it comes from a flag or from the configuration.
        GpuError::LimitExceeded { .. }
        | GpuError::OutOfMemory { .. }
        | GpuError::NoSuchAdapter { .. } => USAGE,
        _ => BROKEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Override;
    use anyhow::Context;

    #[test]
    fn codes_follow_the_kind_of_the_error_through_any_context() {
        let config = || Override::set("nonsense").unwrap_err();
        let shard = || EvaluationError::Shard { index: 2, count: 2 };
        let no_adapter = || BackendError::Gpu(GpuError::NoAdapter);
        let full = || TraceError::Write {
            what: "a file".to_owned(),
            source: std::io::Error::other("disk full"),
        };
        let cases = [
            (anyhow::Error::new(config()), USAGE),
            (anyhow::Error::new(Error::Config(config())), USAGE),
            (anyhow::Error::new(GpuError::NoAdapter), NO_DEVICE),
            (anyhow::Error::new(GpuError::NotBuilt), NO_DEVICE),
            (
                anyhow::Error::new(Error::Gpu(GpuError::NoAdapter)),
                NO_DEVICE,
            ),
            (anyhow::anyhow!("disk full"), BROKEN),
            (anyhow::Error::new(shard()), USAGE),
            (anyhow::Error::new(Error::Evaluation(shard())), USAGE),
            (
                anyhow::Error::new(EvaluationError::Backend(no_adapter())),
                NO_DEVICE,
            ),
            (anyhow::Error::new(no_adapter()), NO_DEVICE),
            (anyhow::Error::new(TraceError::NoParquet), USAGE),
            (anyhow::Error::new(full()), BROKEN),
            (anyhow::Error::new(Error::Trace(full())), BROKEN),
            (
                anyhow::Error::new(ValidationError::Backend(no_adapter())),
                NO_DEVICE,
            ),
            (anyhow::Error::new(VecEnvError::NotReset), USAGE),
        ];
        for (error, expected) in cases {
            assert_eq!(code(&error), expected, "{error}");
            let wrapped = Err::<(), _>(error).context("on the way").unwrap_err();
            assert_eq!(code(&wrapped), expected, "{wrapped:#}");
        }
        let usage = Err::<(), _>(anyhow::anyhow!("why")).context(Usage("what".to_owned()));
        let usage = usage.unwrap_err();
        assert_eq!(code(&usage), USAGE);
        assert_eq!(sentence(&usage), "what: why");
        let blamed = Err::<(), _>(EvaluationError::Backend(no_adapter()));
        let blamed = blamed.context(Usage("a flag".to_owned())).unwrap_err();
        assert_eq!(code(&blamed), USAGE);
    }

    #[test]
    fn a_cause_with_the_same_words_is_told_once() {
        let error = anyhow::anyhow!("no room\n")
            .context("no room")
            .context("saving");
        assert_eq!(sentence(&error), "saving: no room");
    }
}
