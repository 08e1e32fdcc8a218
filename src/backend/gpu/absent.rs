//! Stands in for the GPU backend where the feature `gpu` is left out: it never opens, so that code which can run on a GPU is
//! written once.

use super::adapter::{AdapterSelection, AdapterSummary};
use super::error::GpuError;
use super::options::GpuOptions;
use crate::backend::{Backend, BackendError, BackendInfo, Observer, Simulation, Stepper};
use crate::statistics::{EpisodeBlock, Statistics};
use std::ops::Range;

/// A type without values, so that no [`GpuBackend`] can exist.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// Runs episodes on a GPU; in this build, which has no GPU support, it never opens.
#[derive(Debug)]
pub struct GpuBackend(Never);

impl GpuBackend {
    /// Opens an adapter.
    ///
    /// # Errors
    /// [`GpuError::NotBuilt`].
    pub fn open(_selection: AdapterSelection) -> Result<Self, GpuError> {
        Err(GpuError::NotBuilt)
    }

    /// Returns the same device with other options.
    #[must_use]
    pub fn with_options(&self, _options: GpuOptions) -> Self {
        match self.0 {}
    }

    /// Returns the options in force.
    pub fn options(&self) -> &GpuOptions {
        match self.0 {}
    }

    /// Lists the adapters of this machine: none that this build could open.
    pub fn adapters() -> Vec<AdapterSummary> {
        Vec::new()
    }

    /// Describes the adapter.
    pub fn adapter(&self) -> &AdapterSummary {
        match self.0 {}
    }

    /// Prepares to run single draws and functions.
    pub(crate) fn probe(&self, _simulation: &Simulation) -> Result<Probe, GpuError> {
        match self.0 {}
    }
}

impl Backend for GpuBackend {
    fn info(&self) -> BackendInfo {
        match self.0 {}
    }

    fn rollout(
        &self,
        _simulation: &Simulation,
        _episodes: Range<u64>,
        _observer: &dyn Observer,
    ) -> Result<Statistics, BackendError> {
        match self.0 {}
    }

    fn episodes(
        &self,
        _simulation: &Simulation,
        _episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, BackendError> {
        match self.0 {}
    }

    fn shared_stepper(
        &self,
        _simulation: &Simulation,
        _num_lanes: usize,
        _users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        match self.0 {}
    }
}

/// Runs single draws and functions on a GPU.
pub(crate) struct Probe(Never);

impl Probe {
    pub(crate) fn run(&self, _: u64, _: u64, _: &[f32]) -> Result<Vec<u32>, GpuError> {
        match self.0 {}
    }

    pub(crate) fn encrypt(&self, _: &[[u32; 6]]) -> Result<Vec<u32>, GpuError> {
        match self.0 {}
    }
}
