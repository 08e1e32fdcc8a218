//! Which adapter is meant: the best one, or one that the user names; and how one is described.

use std::fmt;
use std::str::FromStr;

/// Says which adapters [`GpuBackend::open`](super::GpuBackend::open) may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterSelection {
    /// A real GPU only.
    Hardware,
    /// A real GPU if there is one, else a software adapter.
    Any,
    /// This one.
    Chosen(AdapterId),
}

/// Names one adapter of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterId {
    /// Its place in the list of [`GpuBackend::adapters`](super::GpuBackend::adapters), from 0.
    Index(usize),
    /// Where it is plugged in: domain, bus, device and function.
    Bus([u32; 4]),
    /// Its maker and its model.
    Model {
        /// The maker's number.
        vendor: u32,
        /// The model's number.
        device: u32,
    },
}

impl fmt::Display for AdapterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Bus([domain, bus, device, function]) => {
                write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function:x}")
            }
            Self::Model { vendor, device } => write!(f, "{vendor:04x}:{device:04x}"),
        }
    }
}

impl FromStr for AdapterId {
    type Err = String;

    /// Reads an index, a PCI bus number with or without its domain, or a PCI number of a model; PCI numbers are hexadecimal.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = || {
            "allowed is an index of `slatesim list`, or a PCI number as it has them: bus (0000:01:00.0) or maker and model (10de:2330)"
                .to_owned()
        };
        let hexadecimal = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok();
            number.filter(|_| is_number).ok_or_else(allowed)
        };
        if !text.contains(':') {
            let index = text.parse().ok();
            return index.map(Self::Index).ok_or_else(allowed);
        }
        if let Some((rest, function)) = text.rsplit_once('.') {
            let parts: Vec<&str> = rest.split(':').collect();
            let (domain, bus, device) = match parts[..] {
                [bus, device] => ("0", bus, device),
                [domain, bus, device] => (domain, bus, device),
                _ => return Err(allowed()),
            };
            return Ok(Self::Bus([
                hexadecimal(domain)?,
                hexadecimal(bus)?,
                hexadecimal(device)?,
                hexadecimal(function)?,
            ]));
        }
        let (vendor, device) = text.split_once(':').ok_or_else(allowed)?;
        Ok(Self::Model {
            vendor: hexadecimal(vendor)?,
            device: hexadecimal(device)?,
        })
    }
}

/// Describes an adapter to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name of the device.
    pub name: String,
    /// Name of the driver and its version, as far as the driver tells.
    pub driver: String,
    /// `discrete`, `integrated`, `virtual`, `other` or `software`.
    pub device_type: &'static str,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: &'static str,
    /// Where it is plugged in, such as `0000:01:00.0`; empty where the driver does not tell.
    pub pci_bus_id: String,
    /// Its maker and model, such as `10de:2330`.
    pub pci_id: String,
}

impl AdapterSummary {
    /// Tells whether the adapter computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.device_type == "software"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_named_by_index_place_or_model() {
        let read = |text: &str| text.parse::<AdapterId>();
        assert_eq!(read("1"), Ok(AdapterId::Index(1)));
        assert_eq!(read("0000:01:00.0"), Ok(AdapterId::Bus([0, 1, 0, 0])));
        assert_eq!(read("C1:00.1"), Ok(AdapterId::Bus([0, 0xc1, 0, 1])));
        let model = AdapterId::Model {
            vendor: 0x10de,
            device: 0x2330,
        };
        assert_eq!(read("10DE:2330"), Ok(model));
        for id in [AdapterId::Index(3), AdapterId::Bus([1, 0xc1, 2, 3]), model] {
            assert_eq!(read(&id.to_string()), Ok(id));
        }
        for text in [
            "",
            "-1",
            "1.0",
            "a",
            "x:y",
            "1:2:3:4.0",
            "10de:",
            ":",
            "1:+2",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
