//! Buffers of the device: made within its limits, filled from the host.

use super::context::Gpu;
use crate::backend::gpu::error::GpuError;

impl Gpu {
    /// Makes a buffer of `bytes` bytes, rounded up to a multiple of 4 and at least 4; its contents are zero.
    ///
    /// # Errors
    /// [`GpuError::LimitExceeded`] before the driver is asked, [`GpuError::OutOfMemory`] if it has no room,
    /// and what [`Gpu::checked`] reports.
    pub(crate) fn buffer(
        &self,
        what: &str,
        bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, GpuError> {
        let needed = bytes.max(4).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        let mut limits = vec![("max_buffer_size", self.limits().max_buffer_size)];
        if usage.contains(wgpu::BufferUsages::STORAGE) {
            let available = self.limits().max_storage_buffer_binding_size;
            limits.push(("max_storage_buffer_binding_size", available));
        }
        if usage.contains(wgpu::BufferUsages::UNIFORM) {
            let available = self.limits().max_uniform_buffer_binding_size;
            limits.push(("max_uniform_buffer_binding_size", available));
        }
        for (limit, available) in limits {
            if needed > available {
                return Err(GpuError::LimitExceeded {
                    what: what.to_owned(),
                    limit,
                    needed,
                    available,
                });
            }
        }
        self.checked_sized(what, Some(needed), || {
            self.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(what),
                size: needed,
                usage,
                mapped_at_creation: false,
            })
        })
    }

    /// Makes a buffer that holds `contents`; `COPY_DST` is added to `usage`.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub(crate) fn upload(
        &self,
        what: &str,
        usage: wgpu::BufferUsages,
        contents: &[u8],
    ) -> Result<wgpu::Buffer, GpuError> {
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        let buffer = self.buffer(what, contents.len() as u64, usage)?;
        self.write(what, &buffer, 0, contents)?;
        Ok(buffer)
    }

    /// Overwrites part of a buffer, from byte `offset` (a multiple of 4) on, before any work submitted later.
    ///
    /// A length that is no multiple of 4 is filled up with zeros.
    ///
    /// # Errors
    /// What [`Gpu::checked`] reports.
    pub(crate) fn write(
        &self,
        what: &str,
        buffer: &wgpu::Buffer,
        offset: u64,
        contents: &[u8],
    ) -> Result<(), GpuError> {
        let whole = contents.len() - contents.len() % 4;
        self.checked(what, || {
            if whole > 0 {
                self.queue()
                    .write_buffer(buffer, offset, &contents[..whole]);
            }
            if whole < contents.len() {
                let mut last = [0; 4];
                last[..contents.len() - whole].copy_from_slice(&contents[whole..]);
                self.queue()
                    .write_buffer(buffer, offset + whole as u64, &last);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::any_gpu;
    use super::*;

    const STORAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE;

    #[test]
    fn a_buffer_beyond_the_limits_is_refused_with_the_numbers() {
        let Some(gpu) = any_gpu() else { return };
        let available = gpu.limits().max_storage_buffer_binding_size;
        let available = available.min(gpu.limits().max_buffer_size);
        match gpu.buffer("user states", u64::MAX / 2, STORAGE) {
            Err(GpuError::LimitExceeded {
                needed,
                available: offered,
                ..
            }) => {
                assert!(offered >= available && needed > offered);
            }
            other => panic!("{other:?}"),
        }
        gpu.status()
            .expect("a refused buffer leaves the device alone");
    }

    #[test]
    fn sizes_are_rounded_up_to_whole_words() {
        let Some(gpu) = any_gpu() else { return };
        for (bytes, size) in [(0, 4), (1, 4), (4, 4), (5, 8)] {
            let buffer = gpu.buffer("a buffer", bytes, STORAGE).expect("fits");
            assert_eq!(buffer.size(), size);
        }
    }

    #[test]
    fn writing_beyond_the_end_is_an_error() {
        let Some(gpu) = any_gpu() else { return };
        let buffer = gpu.upload("a buffer", STORAGE, &[0; 8]).expect("fits");
        gpu.write("a buffer", &buffer, 4, &[1; 4]).expect("inside");
        assert!(gpu.write("a buffer", &buffer, 4, &[1; 5]).is_err());
        assert!(
            gpu.write("a buffer", &buffer, 2, &[1; 4]).is_err(),
            "misaligned"
        );
        gpu.status().expect("errors that were caught do not stick");
    }
}
