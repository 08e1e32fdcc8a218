//! Opening a backend by its name.

use super::cpu::{Arithmetic, CpuBackend};
use super::gpu::{AdapterId, AdapterSelection, GpuBackend, GpuOptions};
use super::{Backend, BackendError};
use std::str::FromStr;

/// Names a backend, or leaves the choice to the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum BackendChoice {
    /// A GPU if there is one, else cpu
    #[default]
    Auto,
    /// wgpu; a software adapter where there is no other
    Gpu,
    /// All cores, f32
    Cpu,
    /// All cores, f64, one user at a time
    Reference,
}

impl BackendChoice {
    const ALL: [Self; 4] = [Self::Auto, Self::Gpu, Self::Cpu, Self::Reference];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Reference => "reference",
        }
    }
}

impl FromStr for BackendChoice {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| BackendError::Unknown {
            given: name.to_owned(),
        })
    }
}

/// Settings of a backend; those that are not given suit the machine. None has an influence on results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendSettings {
    /// Worker threads of `cpu` and `reference`.
    pub threads: Option<usize>,
    /// Episodes that run together.
    pub batch_size: Option<u32>,
    /// The GPU to use. With [`BackendChoice::Auto`] the backend is then `gpu`, even if the adapter is a software one.
    pub adapter: Option<AdapterId>,
}

/// An open backend, of either kind.
#[derive(Debug)]
pub enum OpenBackend {
    /// `cpu` or `reference`.
    Host(CpuBackend),
    /// `gpu`.
    Gpu(GpuBackend),
}

impl OpenBackend {
    /// Returns the backend itself.
    pub fn backend(&self) -> &dyn Backend {
        match self {
            Self::Host(host) => host,
            Self::Gpu(gpu) => gpu,
        }
    }

    /// Returns the name of the adapter if it is a software one, whose figures say nothing about GPUs.
    pub fn software_adapter(&self) -> Option<&str> {
        match self {
            Self::Host(_) => None,
            Self::Gpu(gpu) => {
                let adapter = gpu.adapter();
                adapter.is_software().then_some(adapter.name.as_str())
            }
        }
    }
}

/// A backend that was opened, and why it is not another one.
#[derive(Debug)]
pub struct Opened {
    /// The backend.
    pub backend: OpenBackend,
    /// Why there is no GPU, where [`BackendChoice::Auto`] has found none.
    pub no_gpu: Option<BackendError>,
}

/// Opens a backend.
///
/// ```
/// use slatesim::backend::{Backend, BackendChoice, BackendSettings, Simulation, Unobserved, open};
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let opened = open(BackendChoice::Auto, BackendSettings::default())?;
/// let statistics = opened.backend.backend().rollout(&simulation, 0..512, &Unobserved)?;
/// assert_eq!(statistics.episodes(), 512);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BackendError::Gpu`] if there is no such device, [`BackendError::Threads`] if threads cannot be started, and
/// [`BackendError::Adapter`] if an adapter is chosen for a backend that uses no GPU.
pub fn open(choice: BackendChoice, settings: BackendSettings) -> Result<Opened, BackendError> {
    let host = |arithmetic| host(arithmetic, settings).map(OpenBackend::Host);
    let backend = match (choice, settings.adapter) {
        (BackendChoice::Cpu, None) => host(Arithmetic::Single)?,
        (BackendChoice::Reference, None) => host(Arithmetic::Double)?,
        (BackendChoice::Cpu | BackendChoice::Reference, Some(adapter)) => {
            return Err(BackendError::Adapter {
                adapter: adapter.to_string(),
                backend: choice.name(),
            });
        }
        (BackendChoice::Auto, None) => match gpu(AdapterSelection::Hardware, settings) {
            Ok(gpu) => OpenBackend::Gpu(gpu),
            Err(error) => {
                return Ok(Opened {
                    backend: host(Arithmetic::Single)?,
                    no_gpu: Some(error),
                });
            }
        },
        (BackendChoice::Gpu, None) => OpenBackend::Gpu(gpu(AdapterSelection::Any, settings)?),
        (BackendChoice::Gpu | BackendChoice::Auto, Some(adapter)) => {
            OpenBackend::Gpu(gpu(AdapterSelection::Chosen(adapter), settings)?)
        }
    };
    Ok(Opened {
        backend,
        no_gpu: None,
    })
}

fn host(arithmetic: Arithmetic, settings: BackendSettings) -> Result<CpuBackend, BackendError> {
    let backend = CpuBackend::new(arithmetic, settings.threads)?;
    Ok(match settings.batch_size {
        Some(batch_size) => backend.with_batch_size(batch_size.into()),
        None => backend,
    })
}

fn gpu(selection: AdapterSelection, settings: BackendSettings) -> Result<GpuBackend, BackendError> {
    let options = GpuOptions {
        batch_size: settings.batch_size,
        ..GpuOptions::default()
    };
    Ok(GpuBackend::open(selection)?.with_options(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_opened_by_its_name() {
        let info = |name: &str| {
            let settings = BackendSettings {
                threads: Some(1),
                ..BackendSettings::default()
            };
            let opened = open(name.parse().unwrap(), settings).unwrap();
            opened.backend.backend().info().name
        };
        assert_eq!(info("cpu"), "cpu");
        assert_eq!(info("reference"), "reference");
        let error = "cuda".parse::<BackendChoice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the backend \"cuda\" is unknown; allowed is auto, gpu, cpu or reference"
        );
    }

    #[test]
    fn an_adapter_is_for_the_gpu() {
        let settings = BackendSettings {
            adapter: Some(AdapterId::Index(0)),
            ..BackendSettings::default()
        };
        let error = open(BackendChoice::Reference, settings).unwrap_err();
        let expected = "the adapter 0 is a GPU, and the backend reference computes on none";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
