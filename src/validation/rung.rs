//! The subject of a validation, its effort, and the result of a comparison.

use crate::backend::Backend;
use crate::backend::cpu::CpuBackend;
use crate::backend::gpu::GpuBackend;
use serde::Serialize;

/// How much is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Some seconds: enough to find a planted fault.
    Quick,
    /// What `slatesim validate` does: for a GPU it compares millions of user-steps of every case with the CPU.
    Full,
}

/// The backend to validate.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Lanes on the cores of this machine.
    Cpu(&'a CpuBackend),
    /// A GPU, or a software adapter.
    Gpu(&'a GpuBackend),
}

impl Subject<'_> {
    pub(super) fn backend(&self) -> &dyn Backend {
        match self {
            Self::Cpu(backend) => *backend,
            Self::Gpu(backend) => *backend,
        }
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// What was compared.
    pub name: &'static str,
    /// On which case: a simulation, or a set of draws.
    pub case: String,
    /// Whether it was within its bound.
    pub passed: bool,
    /// What was measured, and the bound.
    pub measured: String,
}
