//! Opening the backend that was asked for.

use super::backend_choice::BackendChoice;
use super::output::{say, warn};
use super::usage::Usage;
use crate::backend::cpu::{Arithmetic, CpuBackend, cpu};
use crate::backend::gpu::{AdapterId, AdapterSelection, GpuBackend, GpuError, GpuOptions};
use crate::backend::{BLOCK_EPISODES, Backend, BackendError};
use crate::evaluation::EvaluationError;
use crate::validation::Subject;
use anyhow::Context;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};

/// An open backend.
#[derive(Debug)]
pub(crate) enum OpenBackend {
    Host(CpuBackend),
    Gpu(GpuBackend),
}

impl OpenBackend {
    /// Returns the backend itself.
    pub(crate) fn backend(&self) -> &dyn Backend {
        match self {
            Self::Host(host) => host,
            Self::Gpu(gpu) => gpu,
        }
    }

    /// Returns the backend as the subject of a validation.
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Self::Host(host) => Subject::Cpu(host),
            Self::Gpu(gpu) => Subject::Gpu(gpu),
        }
    }

    /// Returns the name of the adapter if it is a software one, whose figures say nothing about GPUs.
    pub(crate) fn software_adapter(&self) -> Option<&str> {
        match self {
            Self::Host(_) => None,
            Self::Gpu(gpu) => {
                let adapter = gpu.adapter();
                adapter.is_software().then_some(adapter.name.as_str())
            }
        }
    }
}

/// Settings of a backend; those that are not given suit the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tuning {
    /// Worker threads.
    pub(crate) threads: Option<u32>,
    /// Episodes that run together.
    pub(crate) batch_size: Option<u32>,
    /// The GPU to use.
    pub(crate) adapter: Option<AdapterId>,
}

impl Tuning {
    /// Selects the adapter that was named; any, if none was.
    fn selection(self) -> AdapterSelection {
        self.adapter
            .map_or(AdapterSelection::Any, AdapterSelection::Chosen)
    }
}

/// Refuses `--adapter` for a backend that uses no GPU.
fn refuse_adapter(adapter: Option<AdapterId>, backend: &str) -> Result<(), Usage> {
    match adapter {
        None => Ok(()),
        Some(adapter) => Err(Usage(format!(
            "`--adapter {adapter}` chooses a GPU, and `--backend {backend}` computes on none; allowed with it is --backend gpu"
        ))),
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
fn bounded(tuning: Tuning, is_quiet: bool) -> Tuning {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let most = u32::try_from(cores * MOST_THREADS_PER_CORE).unwrap_or(u32::MAX);
    match tuning.threads {
        Some(threads) if threads > most => {
            if !is_quiet {
                say(&format!(
                    "`--threads` = {threads}: {most} compute, {MOST_THREADS_PER_CORE} for each of the {cores} cores"
                ));
            }
            Tuning {
                threads: Some(most),
                ..tuning
            }
        }
        _ => tuning,
    }
}

/// Opens a backend; with `auto`, prints which one it is, unless asked to be quiet.
pub(crate) fn open(
    choice: BackendChoice,
    tuning: Tuning,
    is_quiet: bool,
) -> anyhow::Result<Box<dyn Backend>> {
    let tuning = bounded(tuning, is_quiet);
    // An adapter that is named means the GPU backend, even if the adapter is a software one.
    let choice = match (choice, tuning.adapter) {
        (BackendChoice::Auto, Some(_)) => BackendChoice::Gpu,
        (choice, _) => choice,
    };
    match choice {
        BackendChoice::Cpu => {
            refuse_adapter(tuning.adapter, "cpu")?;
            host(Arithmetic::Single, tuning)
        }
        BackendChoice::Reference => {
            refuse_adapter(tuning.adapter, "reference")?;
            host(Arithmetic::Double, tuning)
        }
        BackendChoice::Gpu => {
            let gpu = gpu(tuning.selection(), tuning)?;
            if gpu.adapter().is_software() {
                COMPUTES_BY_SOFTWARE.store(true, Ordering::Relaxed);
                warn(&format!(
                    "{} is a software adapter: it computes on the CPU",
                    gpu.adapter().name
                ));
            }
            Ok(Box::new(gpu))
        }
        BackendChoice::Auto => {
            let (backend, why): (Box<dyn Backend>, _) =
                match gpu(AdapterSelection::Hardware, tuning) {
                    Ok(gpu) => (Box::new(gpu), String::new()),
                    Err(error) => (host(Arithmetic::Single, tuning)?, reason(&error)),
                };
            if !is_quiet {
                let info = backend.info();
                say(&format!("running on {} ({}){why}", info.name, info.device));
            }
            Ok(backend)
        }
    }
}

/// Opens the backend to validate: the given one, else a GPU, else the CPU; prints which one it is.
pub(crate) fn open_for_validation(
    asked: Option<BackendChoice>,
    adapter: Option<AdapterId>,
) -> anyhow::Result<OpenBackend> {
    let tuning = Tuning {
        adapter,
        ..Tuning::default()
    };
    match (asked, adapter) {
        (Some(BackendChoice::Cpu), _) => {
            refuse_adapter(adapter, "cpu")?;
            Ok(OpenBackend::Host(cpu(None)?))
        }
        (None, None) => match gpu(tuning.selection(), tuning) {
            Ok(gpu) => Ok(OpenBackend::Gpu(gpu)),
            Err(error) => {
                say(&format!("validating cpu: {error:#}"));
                Ok(OpenBackend::Host(cpu(None)?))
            }
        },
        _ => Ok(OpenBackend::Gpu(gpu(tuning.selection(), tuning)?)),
    }
}

/// Opens the backends to measure: the given ones, or all that there are. Says if an adapter is a software one.
pub(crate) fn open_for_bench(
    asked: &[BackendChoice],
    adapter: Option<AdapterId>,
) -> anyhow::Result<Vec<OpenBackend>> {
    let is_wanted = |choice| asked.is_empty() || asked.contains(&choice);
    let mut opened = Vec::new();
    for (choice, arithmetic) in [
        (BackendChoice::Reference, Arithmetic::Double),
        (BackendChoice::Cpu, Arithmetic::Single),
    ] {
        if is_wanted(choice) {
            opened.push(OpenBackend::Host(CpuBackend::new(arithmetic, None)?));
        }
    }
    if !is_wanted(BackendChoice::Gpu) {
        refuse_adapter(adapter, "cpu")?;
        return Ok(opened);
    }
    let tuning = Tuning {
        adapter,
        ..Tuning::default()
    };
    match gpu(tuning.selection(), tuning).map(OpenBackend::Gpu) {
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
fn reason(error: &anyhow::Error) -> String {
    match error.downcast_ref::<GpuError>() {
        Some(GpuError::NoAdapter | GpuError::NoHardwareAdapter { .. }) => {
            ": no hardware GPU found".to_owned()
        }
        Some(GpuError::NotBuilt) => ": this build has no GPU support".to_owned(),
        _ => format!(": {error:#}"),
    }
}

fn host(arithmetic: Arithmetic, tuning: Tuning) -> anyhow::Result<Box<dyn Backend>> {
    let threads = tuning.threads.map(|threads| threads as usize);
    let mut backend = CpuBackend::new(arithmetic, threads).map_err(|e| thread_error(e, tuning))?;
    share(tuning)?;
    if let Some(batch_size) = tuning.batch_size {
        backend = backend.with_batch_size(batch_size.into());
    }
    Ok(Box::new(backend))
}

/// Limits the threads of the pool that rayon shares, on which outcomes are collected.
fn share(tuning: Tuning) -> anyhow::Result<()> {
    let Some(threads) = tuning.threads else {
        return Ok(());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads as usize);
    pool.build_global()
        .map_err(|error| thread_error(BackendError::Threads(error), tuning))
}

/// Opens an adapter.
fn gpu(selection: AdapterSelection, tuning: Tuning) -> anyhow::Result<GpuBackend> {
    let gpu = GpuBackend::open(selection)?;
    share(tuning)?;
    let options = GpuOptions {
        batch_size: tuning.batch_size,
        ..GpuOptions::default()
    };
    Ok(gpu.with_options(options))
}

/// Adds `--threads` to the error if it was given.
fn thread_error(error: BackendError, tuning: Tuning) -> anyhow::Error {
    let error = Err::<(), _>(error);
    match tuning.threads {
        Some(threads) => error.with_context(|| {
            Usage(format!(
                "`--threads` = {threads} is more than this machine can start"
            ))
        }),
        None => error.context("cannot start the backend"),
    }
    .expect_err("made of an error")
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
