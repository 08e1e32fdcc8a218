//! Opens the device of the adapter that was asked for.

use super::adapter::{asked, instance, is_named, ranked_adapters, summary, wanted_name};
use super::context::Gpu;
use super::faults::{Faults, filed};
use crate::backend::gpu::adapter::{AdapterSelection, AdapterSummary};
use crate::backend::gpu::error::{Cause, GpuError};
use std::sync::Arc;
use tracing::{debug, warn};

impl Gpu {
    /// Lists the adapters of this machine, the one that [`Gpu::open`] would try first in front; empty without
    /// a driver.
    #[must_use]
    pub(crate) fn adapters() -> Vec<AdapterSummary> {
        ranked_adapters(&instance())
            .iter()
            .map(|adapter| summary(&adapter.get_info()))
            .collect()
    }

    /// Opens the chosen adapter, or the best one, discrete before integrated before virtual before software, with all its
    /// limits. `WGPU_ADAPTER_NAME` in the environment restricts the choice to adapters with this text in their names.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::NoSuchAdapter`], [`GpuError::NoHardwareAdapter`] or, if every suitable adapter
    /// refuses, [`GpuError::DeviceRefused`] or [`GpuError::OutOfMemoryAtStart`] of the first.
    pub(crate) fn open(selection: AdapterSelection) -> Result<Self, GpuError> {
        let instance = instance();
        let adapters = ranked_adapters(&instance);
        if adapters.is_empty() {
            return Err(GpuError::NoAdapter);
        }
        let name = wanted_name();
        let is_meant = |index: usize, info: &wgpu::AdapterInfo| match (selection, &name) {
            (AdapterSelection::Chosen(id), _) => is_named(id, index, info),
            (_, Some(name)) => info.name.to_lowercase().contains(&name.to_lowercase()),
            (_, None) => true,
        };
        let known: Vec<String> = (0..)
            .zip(&adapters)
            .map(|(index, adapter)| format!("{index} {}", adapter.get_info().name))
            .collect();
        let mut adapters = adapters;
        let mut index = 0..;
        adapters.retain(|adapter| is_meant(index.next().unwrap_or(0), &adapter.get_info()));
        if adapters.is_empty() {
            return Err(GpuError::NoSuchAdapter {
                asked: asked(selection, name.as_deref()),
                known,
            });
        }
        let names = adapters.iter().map(|adapter| adapter.get_info().name);
        let mut refused = GpuError::NoHardwareAdapter {
            software: names.collect(),
        };
        let mut tried = false;
        for adapter in adapters {
            if selection == AdapterSelection::Hardware
                && adapter.get_info().device_type == wgpu::DeviceType::Cpu
            {
                continue;
            }
            match Self::open_adapter(&instance, adapter) {
                Ok(gpu) => {
                    if tried {
                        warn!("{refused}");
                    }
                    return Ok(gpu);
                }
                Err(error) => {
                    // The error of the first adapter is returned, unless another adapter opens.
                    if tried {
                        warn!("{error}");
                    } else {
                        refused = error;
                    }
                    tried = true;
                }
            }
        }
        Err(refused)
    }

    fn open_adapter(instance: &wgpu::Instance, adapter: wgpu::Adapter) -> Result<Self, GpuError> {
        let summary = summary(&adapter.get_info());
        let wanted = wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("slatesim"),
            required_features: adapter.features() & wanted,
            // The default limits are those of a small phone: 128 MiB a binding, 8 storage buffers.
            required_limits: adapter.limits(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| {
                let told = error.to_string();
                let adapter = summary.name.clone();
                // wgpu does not tell the kind of this error, only its text.
                let is_out_of_memory = told.to_lowercase().contains("memory");
                let source = Cause::from(Box::<dyn std::error::Error + Send + Sync>::from(told));
                match is_out_of_memory {
                    true => GpuError::OutOfMemoryAtStart { adapter, source },
                    false => GpuError::DeviceRefused { adapter, source },
                }
            })?;
        let faults = Arc::new(Faults::default());
        let on_error = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error| {
            let fault = filed("a GPU command", None, error);
            Faults::record(&on_error.uncaptured, fault);
        }));
        let on_loss = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            let reason = match reason {
                wgpu::DeviceLostReason::Unknown => "unknown",
                wgpu::DeviceLostReason::Destroyed => "destroyed",
            };
            let reason = reason.to_owned();
            Faults::record(&on_loss.lost, GpuError::DeviceLost { reason, message });
        });
        debug!(
            adapter = summary.name,
            driver = summary.driver,
            "opened a GPU device"
        );
        Ok(Self {
            summary,
            limits: device.limits(),
            features: device.features(),
            faults,
            staging: Arc::default(),
            queue,
            device,
            _adapter: adapter,
            _instance: instance.clone(),
        })
    }
}
