//! The backends that are measured, and their names in the results.

use crate::backend::Backend;
use serde::Serialize;
use std::fmt;

/// A backend that is measured.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredBackend<'a> {
    /// The backend itself.
    pub backend: &'a dyn Backend,
    /// Whether it is a GPU backend on a software adapter, so that its figures say nothing about GPUs.
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
    /// Whether it is a GPU backend on a software adapter, so that its figures say nothing about GPUs.
    pub is_software: bool,
}

/// Names the backend of a row of figures; as text, it says when the adapter is a software one.
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
