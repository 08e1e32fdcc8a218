//! How errors are told, and which exit code they have.

use super::output::say;
use super::usage::Usage;
use crate::Error;
use crate::backend::gpu::GpuError;
use crate::config::ConfigError;
use crate::evaluation::trace::TraceError;
use std::process::ExitCode;

/// Exit code where something broke that is nobody's mistake.
const BROKEN: u8 = 1;
const USAGE: u8 = 2;
/// Characters of an error at most: what is wrong stands at its beginning, and the rest is what was given.
const LONGEST: usize = 8000;
const NO_DEVICE: u8 = 3;

/// Tells an error on stderr, once, with its causes, and returns its exit code.
///
/// A closed pipe on stdout is no error: whoever was reading has seen enough.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut io = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    if io.any(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    say(&sentence(error));
    ExitCode::from(code(error))
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

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() || error.is::<ConfigError>() {
        return USAGE;
    }
    let gpu = match error.downcast_ref::<Error>() {
        Some(Error::Gpu(gpu)) => Some(gpu),
        Some(Error::Threads(_) | Error::Trace(TraceError::Write { .. })) => return BROKEN,
        Some(_) => return USAGE,
        None => error.downcast_ref::<GpuError>(),
    };
    match gpu {
        Some(gpu) if gpu.is_no_device() || gpu.is_device_lost() => NO_DEVICE,
        // What was asked for does not fit, whether by a flag or by the configuration.
        Some(
            GpuError::LimitExceeded { .. }
            | GpuError::OutOfMemory { .. }
            | GpuError::NoSuchAdapter { .. },
        ) => USAGE,
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
            (
                anyhow::Error::new(Error::Shard { index: 2, count: 2 }),
                USAGE,
            ),
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
    }

    #[test]
    fn a_cause_with_the_same_words_is_told_once() {
        let error = anyhow::anyhow!("no room\n")
            .context("no room")
            .context("saving");
        assert_eq!(sentence(&error), "saving: no room");
    }
}
