//! Opening the backend that was asked for.

use super::output::{say, warn};
use super::usage::Usage;
use crate::backend::gpu::{AdapterId, GpuError};
use crate::backend::{
    self, BLOCK_EPISODES, BackendChoice, BackendError, BackendSettings, OpenBackend,
};
use crate::evaluation::EvaluationError;
use crate::validation::Subject;
use std::fmt::Display;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns an open backend as the subject of a validation.
pub(crate) fn subject(open: &OpenBackend) -> Subject<'_> {
    match open {
        OpenBackend::Host(host) => Subject::Cpu(host),
        OpenBackend::Gpu(gpu) => Subject::Gpu(gpu),
    }
}

/// Whether the adapter that was opened is a software one.
static COMPUTES_BY_SOFTWARE: AtomicBool = AtomicBool::new(false);

/// Tells whether shaders are compiled for the CPU, which can take minutes.
pub(crate) fn compiles_slowly() -> bool {
    COMPUTES_BY_SOFTWARE.load(Ordering::Relaxed)
}

/// The most threads for each core: more than one are of no use, and thousands spend their time waiting for each other.
const MOST_THREADS_PER_CORE: usize = 4;

/// Limits the threads to what the machine can use, and says so.
fn bounded(settings: BackendSettings, is_quiet: bool) -> BackendSettings {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let most = cores * MOST_THREADS_PER_CORE;
    match settings.threads {
        Some(threads) if threads > most => {
            if !is_quiet {
                say(&format!(
                    "`--threads` = {threads}: {most} compute, {MOST_THREADS_PER_CORE} for each of the {cores} cores"
                ));
            }
            BackendSettings {
                threads: Some(most),
                ..settings
            }
        }
        _ => settings,
    }
}

/// Opens a backend; with `auto`, prints which one it is, unless asked to be quiet.
pub(crate) fn open(
    choice: BackendChoice,
    settings: BackendSettings,
    is_quiet: bool,
) -> anyhow::Result<OpenBackend> {
    let settings = bounded(settings, is_quiet);
    let opened = backend::open(choice, settings).map_err(|error| blame(error, settings))?;
    share(settings)?;
    if let Some(name) = opened.backend.software_adapter() {
        COMPUTES_BY_SOFTWARE.store(true, Ordering::Relaxed);
        warn(&format!(
            "{name} is a software adapter: it computes on the CPU"
        ));
    }
    if choice == BackendChoice::Auto && settings.adapter.is_none() && !is_quiet {
        let info = opened.backend.backend().info();
        let why = opened.no_gpu.map_or(String::new(), |error| reason(&error));
        say(&format!("running on {} ({}){why}", info.name, info.device));
    }
    Ok(opened.backend)
}

/// Opens the backend to validate: the given one, else a GPU, else the CPU; prints which one it is.
pub(crate) fn open_for_validation(
    asked: Option<BackendChoice>,
    adapter: Option<AdapterId>,
) -> anyhow::Result<OpenBackend> {
    match open_one(asked.unwrap_or(BackendChoice::Gpu), adapter) {
        Err(error) if asked.is_none() && adapter.is_none() => {
            say(&format!("validating cpu: {error:#}"));
            open_one(BackendChoice::Cpu, None)
        }
        opened => opened,
    }
}

/// Opens a backend with settings that suit the machine.
fn open_one(choice: BackendChoice, adapter: Option<AdapterId>) -> anyhow::Result<OpenBackend> {
    let settings = BackendSettings {
        adapter,
        ..BackendSettings::default()
    };
    let opened = backend::open(choice, settings).map_err(|error| blame(error, settings))?;
    Ok(opened.backend)
}

/// Opens the backends to measure: the given ones, or all that there are. Says if an adapter is a software one.
pub(crate) fn open_for_bench(
    asked: &[BackendChoice],
    adapter: Option<AdapterId>,
) -> anyhow::Result<Vec<OpenBackend>> {
    let is_wanted = |choice| asked.is_empty() || asked.contains(&choice);
    let mut opened = Vec::new();
    for choice in [BackendChoice::Reference, BackendChoice::Cpu] {
        if is_wanted(choice) {
            opened.push(open_one(choice, None)?);
        }
    }
    if !is_wanted(BackendChoice::Gpu) {
        return match adapter {
            Some(adapter) => Err(no_adapter(adapter, "cpu").into()),
            None => Ok(opened),
        };
    }
    match open_one(BackendChoice::Gpu, adapter) {
        Ok(gpu) => {
            if let Some(name) = gpu.software_adapter() {
                say(&format!(
                    "{name} is a software adapter, no GPU: it computes on the CPU, and its figures are marked"
                ));
            }
            opened.push(gpu);
        }
        Err(error) if adapter.is_some() || asked.contains(&BackendChoice::Gpu) => {
            return Err(error);
        }
        Err(error) => say(&format!("the backend gpu is left out: {error}")),
    }
    Ok(opened)
}

/// Returns the reason why there is no GPU.
fn reason(error: &BackendError) -> String {
    match error {
        BackendError::Gpu(GpuError::NoAdapter | GpuError::NoHardwareAdapter { .. }) => {
            ": no hardware GPU found".to_owned()
        }
        BackendError::Gpu(GpuError::NotBuilt) => ": this build has no GPU support".to_owned(),
        error => format!(": {error:#}"),
    }
}

/// Limits the threads of the pool that rayon shares, on which outcomes are collected.
fn share(settings: BackendSettings) -> anyhow::Result<()> {
    let Some(threads) = settings.threads else {
        return Ok(());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| blame(BackendError::Threads(error), settings))
}

/// Refuses `--adapter` for a backend that uses no GPU.
fn no_adapter(adapter: impl Display, backend: &str) -> Usage {
    Usage(format!(
        "`--adapter {adapter}` chooses a GPU, and `--backend {backend}` computes on none; allowed with it is --backend gpu"
    ))
}

/// Names the flag that an error comes from.
fn blame(error: BackendError, settings: BackendSettings) -> anyhow::Error {
    match (error, settings.threads) {
        (BackendError::Adapter { adapter, backend }, _) => no_adapter(adapter, backend).into(),
        (error @ BackendError::Threads(_), Some(threads)) => {
            let usage = Usage(format!(
                "`--threads` = {threads} is more than this machine can start"
            ));
            anyhow::Error::new(error).context(usage)
        }
        (error @ BackendError::Threads(_), None) => {
            anyhow::Error::new(error).context("cannot start the backend")
        }
        (error, _) => error.into(),
    }
}

/// Adds `--batch-size` to the error if it was given and the device cannot hold that much.
pub(crate) fn blame_batch_size(error: EvaluationError, batch_size: Option<u32>) -> anyhow::Error {
    let Some(batch_size) = batch_size else {
        return error.into();
    };
    let allowed = match &error {
        EvaluationError::Backend(BackendError::Gpu(GpuError::LimitExceeded {
            needed,
            available,
            ..
        })) => {
            let fits =
                u128::from(batch_size) * u128::from(*available) / u128::from((*needed).max(1));
            let blocks = fits / u128::from(BLOCK_EPISODES);
            match blocks * u128::from(BLOCK_EPISODES) {
                0 => "nothing on this device: its limits are below a single block of episodes"
                    .to_owned(),
                most => format!("at most {most} on this device"),
            }
        }
        EvaluationError::Backend(BackendError::Gpu(GpuError::OutOfMemory { .. })) => {
            "what the memory of the device holds".to_owned()
        }
        _ => return error.into(),
    };
    anyhow::Error::new(error).context(Usage(format!(
        "`--batch-size` = {batch_size} is not allowed; allowed is {allowed}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_too_large_is_told_how_large_it_may_be() {
        let limit = |needed, available| {
            EvaluationError::Backend(BackendError::Gpu(GpuError::LimitExceeded {
                what: "a batch".to_owned(),
                limit: "some_limit",
                needed,
                available,
            }))
        };
        let message = |error| format!("{:#}", blame_batch_size(error, Some(5_000_000)));
        assert!(
            message(limit(5_000_000, 4_194_240)).starts_with(
                "`--batch-size` = 5000000 is not allowed; allowed is at most 4194048 on this device: a batch needs"
            ),
            "{}",
            message(limit(5_000_000, 4_194_240))
        );
        assert!(message(limit(u64::MAX, 1)).contains("allowed is nothing on this device"));
        // Without the flag, or with another error, nothing is added.
        let plain = blame_batch_size(limit(2, 1), None);
        assert!(!plain.is::<Usage>());
        assert!(!blame_batch_size(EvaluationError::Unaligned { start: 1 }, Some(1)).is::<Usage>());
    }
}
