//! The adapters of this machine, as the graphics library reports them.

use crate::backend::gpu::adapter::{AdapterId, AdapterSelection, AdapterSummary};

/// Restricts the choice to adapters with this text in their names, as it does in other programs on wgpu.
const NAME_VARIABLE: &str = "WGPU_ADAPTER_NAME";

/// The graphics interfaces we use; OpenGL would list the same devices again, with fewer features.
const BACKENDS: wgpu::Backends = wgpu::Backends::VULKAN
    .union(wgpu::Backends::METAL)
    .union(wgpu::Backends::DX12);

pub(super) fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: BACKENDS,
        flags: wgpu::InstanceFlags::from_build_config().with_env(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

/// Lists adapters, the preferred first; equals keep the driver's order.
pub(super) fn ranked_adapters(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    let mut adapters = pollster::block_on(instance.enumerate_adapters(BACKENDS));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

/// Describes an adapter to people.
pub(super) fn summary(info: &wgpu::AdapterInfo) -> AdapterSummary {
    let device_type = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Other => "other",
        wgpu::DeviceType::Cpu => "software",
    };
    AdapterSummary {
        name: info.name.clone(),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
        device_type,
        backend: info.backend.to_str(),
        pci_bus_id: info.device_pci_bus_id.clone(),
        pci_id: AdapterId::Model {
            vendor: info.vendor,
            device: info.device,
        }
        .to_string(),
    }
}

/// Tells whether an adapter is the one that is named.
pub(super) fn is_named(id: AdapterId, index: usize, info: &wgpu::AdapterInfo) -> bool {
    match id {
        AdapterId::Index(wanted) => wanted == index,
        AdapterId::Bus(_) => info.device_pci_bus_id.parse() == Ok(id),
        AdapterId::Model { vendor, device } => (vendor, device) == (info.vendor, info.device),
    }
}

/// Returns the text that adapters' names must have, if the environment variable is set.
pub(super) fn wanted_name() -> Option<String> {
    std::env::var(NAME_VARIABLE)
        .ok()
        .filter(|name| !name.trim().is_empty())
}

/// Says how the adapter was asked for.
pub(super) fn asked(selection: AdapterSelection, name: Option<&str>) -> String {
    match (selection, name) {
        (AdapterSelection::Chosen(id), _) => format!("number {id}"),
        (_, Some(name)) => format!("name that has {name:?} in it, as {NAME_VARIABLE} wants"),
        (_, None) => "name".to_owned(),
    }
}
