//! The backends that are measured, and how they are called.

use crate::backend::Backend;
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::gpu::{AdapterId, AdapterSelection, GpuBackend, GpuOptions};
use crate::cli::backends::refuse_adapter;
use crate::cli::output::say;
use clap::ValueEnum;
use serde::Serialize;

/// What `--backend` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// All cores, f64, one user at a time
    Reference,
    /// All cores, f32
    Cpu,
    /// wgpu; a software adapter where there is no other
    Gpu,
}

/// An open backend and how it is told.
#[derive(Debug)]
pub(super) struct Opened {
    runs: Runs,
    pub(super) row: BackendRow,
}

#[derive(Debug)]
enum Runs {
    Host(Arithmetic, CpuBackend),
    Gpu(GpuBackend),
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
    fn new(runs: Runs) -> Self {
        let info = runs.backend().info();
        let is_software = match &runs {
            Runs::Host(..) => false,
            Runs::Gpu(gpu) => gpu.adapter().is_software(),
        };
        Self {
            runs,
            row: BackendRow {
                name: info.name,
                device: info.device,
                driver: info.driver,
                is_software,
            },
        }
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        self.runs.backend()
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
        match &self.runs {
            Runs::Host(..) => None,
            Runs::Gpu(gpu) => Some(gpu),
        }
    }

    /// Tells whether this is the oracle, which nobody runs for its speed.
    pub(super) fn is_oracle(&self) -> bool {
        matches!(self.runs, Runs::Host(Arithmetic::Double, _))
    }

    /// Makes the same backend on so many threads; `None` where threads compute nothing.
    pub(super) fn with_threads(&self, threads: usize) -> anyhow::Result<Option<Box<dyn Backend>>> {
        Ok(match &self.runs {
            Runs::Host(arithmetic, _) => {
                Some(Box::new(CpuBackend::new(*arithmetic, Some(threads))?))
            }
            Runs::Gpu(_) => None,
        })
    }

    /// Makes the same backend with so many episodes in flight together.
    pub(super) fn with_lanes(&self, lanes: u32) -> anyhow::Result<Box<dyn Backend>> {
        Ok(match &self.runs {
            Runs::Host(arithmetic, _) => {
                Box::new(CpuBackend::new(*arithmetic, None)?.with_batch_size(lanes.into()))
            }
            Runs::Gpu(gpu) => Box::new(gpu.with_options(GpuOptions {
                batch_size: Some(lanes),
                ..gpu.options().clone()
            })),
        })
    }
}

impl Runs {
    fn backend(&self) -> &dyn Backend {
        match self {
            Self::Host(_, host) => host,
            Self::Gpu(gpu) => gpu,
        }
    }
}

/// Opens the backends that were asked for, or every one there is, and says where one is no GPU.
pub(super) fn open(asked: &[Choice], adapter: Option<AdapterId>) -> anyhow::Result<Vec<Opened>> {
    let is_wanted = |choice| asked.is_empty() || asked.contains(&choice);
    let mut opened = Vec::new();
    let hosts = [
        (Choice::Reference, Arithmetic::Double),
        (Choice::Cpu, Arithmetic::Single),
    ];
    for (_, arithmetic) in hosts.into_iter().filter(|(choice, _)| is_wanted(*choice)) {
        let host = CpuBackend::new(arithmetic, None)?;
        opened.push(Opened::new(Runs::Host(arithmetic, host)));
    }
    if !is_wanted(Choice::Gpu) {
        refuse_adapter(adapter, "cpu")?;
    } else {
        let selection = adapter.map_or(AdapterSelection::Any, AdapterSelection::Chosen);
        match GpuBackend::open(selection) {
            Ok(gpu) => {
                if gpu.adapter().is_software() {
                    say(&format!(
                        "{} is a software adapter, no GPU: it computes on the CPU, and its figures are marked",
                        gpu.adapter().name
                    ));
                }
                opened.push(Opened::new(Runs::Gpu(gpu)));
            }
            Err(error) if adapter.is_some() || asked.contains(&Choice::Gpu) => {
                return Err(error.into());
            }
            Err(error) => say(&format!("the backend gpu is left out: {error}")),
        }
    }
    Ok(opened)
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
        let opened = open(&[Choice::Cpu], None).unwrap();
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].row.name, "cpu");
        assert!(!opened[0].is_oracle());
        let one = opened[0].with_threads(1).unwrap().expect("a host");
        assert_eq!(one.info().device, "1 thread");
    }
}
