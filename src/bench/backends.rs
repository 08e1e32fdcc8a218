//! The backends that are measured, and how they are called.

use crate::backend::Backend;
use serde::Serialize;
use std::fmt;

/// A backend that is measured.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredBackend<'a> {
    /// What runs the episodes.
    pub backend: &'a dyn Backend,
    /// Whether a GPU backend computes on the CPU, so that its figures say nothing about GPUs.
    pub is_software: bool,
}

/// Describes a backend that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct BackendRow {
    /// `reference`, `cpu` or `gpu`.
    pub name: String,
    /// The processor or the adapter.
    pub device: String,
    /// The adapter's driver; the vector width of `cpu`.
    pub driver: String,
    /// Whether a GPU backend computes on the CPU, so that its figures say nothing about GPUs.
    pub is_software: bool,
}

/// Tells which backend a row of figures is of; shown, a software adapter is called what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackendLabel {
    /// `reference`, `cpu` or `gpu`.
    pub backend: String,
    /// Whether it is `gpu` on a software adapter.
    pub is_software: bool,
}

impl MeasuredBackend<'_> {
    /// Describes the backend.
    pub fn row(&self) -> BackendRow {
        let info = self.backend.info();
        BackendRow {
            name: info.name,
            device: info.device,
            driver: info.driver,
            is_software: self.is_software,
        }
    }

    /// Names the backend in rows of figures.
    pub fn label(&self) -> BackendLabel {
        self.row().label()
    }
}

impl BackendRow {
    /// Names the backend in rows of figures.
    pub fn label(&self) -> BackendLabel {
        BackendLabel {
            backend: self.name.clone(),
            is_software: self.is_software,
        }
    }
}

impl fmt::Display for BackendLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let software = if self.is_software { " (software)" } else { "" };
        write!(f, "{}{software}", self.backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_software_adapter_is_not_called_a_gpu() {
        let label = |is_software| {
            let backend = "gpu".to_owned();
            BackendLabel {
                backend,
                is_software,
            }
            .to_string()
        };
        assert_eq!(label(true), "gpu (software)");
        assert_eq!(label(false), "gpu");
    }
}
