//! The backends, and the settings that can be varied for each.

use slatesim::Error;
use slatesim::backend::Backend;
use slatesim::backend::cpu::{Arithmetic, CpuBackend};
use slatesim::backend::gpu::{AdapterSelection, GpuBackend, GpuError, GpuOptions};
use slatesim::bench::{BackendLabel, MeasuredBackend};

/// The names of the backends.
pub(crate) const NAMES: [&str; 3] = ["reference", "cpu", "gpu"];

/// An open backend.
#[derive(Debug)]
pub(crate) enum OpenBackend {
    Host(Arithmetic, CpuBackend),
    Gpu(GpuBackend),
}

impl OpenBackend {
    pub(crate) fn backend(&self) -> &dyn Backend {
        match self {
            Self::Host(_, host) => host,
            Self::Gpu(gpu) => gpu,
        }
    }

    pub(crate) fn measured(&self) -> MeasuredBackend<'_> {
        MeasuredBackend {
            backend: self.backend(),
            is_software: self.gpu().is_some_and(|gpu| gpu.adapter().is_software()),
        }
    }

    /// Returns the label of the backend for rows of figures.
    pub(crate) fn label(&self) -> BackendLabel {
        self.measured().label()
    }

    pub(crate) fn gpu(&self) -> Option<&GpuBackend> {
        match self {
            Self::Host(..) => None,
            Self::Gpu(gpu) => Some(gpu),
        }
    }

    /// Tells whether this is the reference, whose speed does not matter.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self, Self::Host(Arithmetic::Double, _))
    }

    /// Makes the same backend with this many threads; `None` if threads have no part in its work.
    pub(crate) fn with_threads(&self, threads: usize) -> Result<Option<Box<dyn Backend>>, Error> {
        Ok(match self {
            Self::Host(arithmetic, _) => {
                Some(Box::new(CpuBackend::new(*arithmetic, Some(threads))?))
            }
            Self::Gpu(_) => None,
        })
    }

    /// Makes the same backend with this many episodes that run together.
    pub(crate) fn with_lanes(&self, lanes: u32) -> Result<Box<dyn Backend>, Error> {
        Ok(match self {
            Self::Host(arithmetic, _) => {
                Box::new(CpuBackend::new(*arithmetic, None)?.with_batch_size(lanes.into()))
            }
            Self::Gpu(gpu) => Box::new(gpu.with_options(GpuOptions {
                batch_size: Some(lanes),
                ..gpu.options().clone()
            })),
        })
    }
}

/// Opens the backends that are wanted, the GPU only if there is one.
pub(crate) fn open(is_wanted: impl Fn(&str) -> bool) -> Result<Vec<OpenBackend>, Error> {
    let mut opened = Vec::new();
    for (name, arithmetic) in [
        ("reference", Arithmetic::Double),
        ("cpu", Arithmetic::Single),
    ] {
        if is_wanted(name) {
            opened.push(OpenBackend::Host(
                arithmetic,
                CpuBackend::new(arithmetic, None)?,
            ));
        }
    }
    if is_wanted("gpu") {
        match GpuBackend::open(AdapterSelection::Any) {
            Ok(gpu) => opened.push(OpenBackend::Gpu(gpu)),
            Err(error @ GpuError::NoAdapter) => eprintln!("the backend gpu is left out: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(opened)
}
