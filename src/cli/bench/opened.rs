//! The backends that are measured, and how they are called.

use crate::backend::Backend;
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::gpu::{AdapterId, GpuBackend, GpuOptions};
use crate::cli::backend_choice::BackendChoice;
use crate::cli::backends::{OpenBackend, open_for_bench};
use serde::Serialize;

/// An open backend and how it is told.
#[derive(Debug)]
pub(super) struct Opened {
    opened: OpenBackend,
    pub(super) row: BackendRow,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct BackendRow {
    pub(super) name: String,
    pub(super) device: String,
    pub(super) driver: String,
    /// Whether a GPU backend computes on the CPU, so that its figures say nothing about GPUs.
    pub(super) is_software: bool,
}

/// Which backend a row of figures is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Of {
    backend: String,
    is_software: bool,
}

impl Of {
    /// Calls the backend by its name, and a software adapter what it is.
    pub(super) fn label(&self) -> String {
        let software = if self.is_software { " (software)" } else { "" };
        format!("{}{software}", self.backend)
    }
}

impl BackendRow {
    /// Says whose figures a row has.
    pub(super) fn of(&self) -> Of {
        Of {
            backend: self.name.clone(),
            is_software: self.is_software,
        }
    }
}

impl Opened {
    fn new(opened: OpenBackend) -> Self {
        let info = opened.backend().info();
        Self {
            row: BackendRow {
                name: info.name,
                device: info.device,
                driver: info.driver,
                is_software: opened.software_adapter().is_some(),
            },
            opened,
        }
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        self.opened.backend()
    }

    /// Says whose figures a row has.
    pub(super) fn of(&self) -> Of {
        self.row.of()
    }

    /// Returns the adapter, unless it computes on the CPU.
    pub(super) fn real_gpu(&self) -> Option<&GpuBackend> {
        self.gpu().filter(|gpu| !gpu.adapter().is_software())
    }

    pub(super) fn gpu(&self) -> Option<&GpuBackend> {
        match &self.opened {
            OpenBackend::Host(_) => None,
            OpenBackend::Gpu(gpu) => Some(gpu),
        }
    }

    /// Tells whether this is the oracle, which nobody runs for its speed.
    pub(super) fn is_oracle(&self) -> bool {
        self.row.name == "reference"
    }

    fn host(&self, threads: Option<usize>) -> anyhow::Result<CpuBackend> {
        let arithmetic = match self.is_oracle() {
            true => Arithmetic::Double,
            false => Arithmetic::Single,
        };
        Ok(CpuBackend::new(arithmetic, threads)?)
    }

    /// Makes the same backend on so many threads; `None` where threads compute nothing.
    pub(super) fn with_threads(&self, threads: usize) -> anyhow::Result<Option<Box<dyn Backend>>> {
        Ok(match &self.opened {
            OpenBackend::Host(_) => Some(Box::new(self.host(Some(threads))?)),
            OpenBackend::Gpu(_) => None,
        })
    }

    /// Makes the same backend with so many episodes in flight together.
    pub(super) fn with_lanes(&self, lanes: u32) -> anyhow::Result<Box<dyn Backend>> {
        Ok(match &self.opened {
            OpenBackend::Host(_) => Box::new(self.host(None)?.with_batch_size(lanes.into())),
            OpenBackend::Gpu(gpu) => Box::new(gpu.with_options(GpuOptions {
                batch_size: Some(lanes),
                ..gpu.options().clone()
            })),
        })
    }
}

/// Opens the backends that were asked for, or every one there is.
pub(super) fn open(
    asked: &[BackendChoice],
    adapter: Option<AdapterId>,
) -> anyhow::Result<Vec<Opened>> {
    let opened = open_for_bench(asked, adapter)?.into_iter();
    Ok(opened.map(Opened::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_software_adapter_is_not_called_a_gpu() {
        let label = |is_software| {
            let backend = "gpu".to_owned();
            Of {
                backend,
                is_software,
            }
            .label()
        };
        assert_eq!(label(true), "gpu (software)");
        assert_eq!(label(false), "gpu");
    }

    #[test]
    fn backends_are_those_asked_for() {
        let opened = open(&[BackendChoice::Cpu], None).unwrap();
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].row.name, "cpu");
        assert!(!opened[0].is_oracle());
        let one = opened[0].with_threads(1).unwrap().expect("a host");
        assert_eq!(one.info().device, "1 thread");
    }
}
