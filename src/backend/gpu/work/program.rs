//! A kernel on the device: its pipelines, and how they are bound and dispatched.

use super::inputs::Inputs;
use super::limits::allowed_iterations;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::pipeline::{
    RuntimeChecks, bind_group, bind_group_layouts, create_module, create_pipeline,
};
use crate::backend::gpu::device::stopwatch::Laps;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::iterations;
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::shader::recipe::{Composed, Recipe};
use std::collections::BTreeSet;
use wgpu::{BufferUsages, naga};

/// The pipelines of a kernel, one for each of its entry points.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    pipelines: Vec<(&'static str, wgpu::ComputePipeline)>,
    layouts: Vec<wgpu::BindGroupLayout>,
    /// Group and binding of what the shader declares; the composer drops what nothing uses.
    bindings: BTreeSet<(u32, u32)>,
    workgroup_size: u32,
    /// The shader, where the iterations of its loops are to be counted.
    module: Option<naga::Module>,
}

impl Program {
    /// Composes the shader and makes a pipeline of each of the entry points that are named.
    pub(super) fn new(
        gpu: &Gpu,
        recipe: &Recipe,
        options: &GpuOptions,
        kernel: Kernel,
        entry_points: &[&'static str],
    ) -> Result<Self, GpuError> {
        let Composed {
            module: composed,
            is_trusted,
        } = recipe.compose()?;
        let name = entry_points[0];
        let layouts = bind_group_layouts(gpu, name, &composed)?;
        let globals = composed.global_variables.iter();
        let bindings = globals
            .filter_map(|(_, global)| global.binding.map(|at| (at.group, at.binding)))
            .collect();
        let checks = if options.is_checked || cfg!(debug_assertions) || !is_trusted {
            RuntimeChecks::On
        } else {
            RuntimeChecks::Off
        };
        let counted = allowed_iterations(gpu, options).map(|_| composed.clone());
        let module = create_module(gpu, name, composed, checks)?;
        let pipeline = |&entry_point| {
            Ok((
                entry_point,
                create_pipeline(gpu, entry_point, &module, entry_point, &[], &layouts)?,
            ))
        };
        let pipelines = entry_points
            .iter()
            .map(pipeline)
            .collect::<Result<_, GpuError>>()?;
        Ok(Self {
            name,
            pipelines,
            layouts,
            bindings,
            workgroup_size: kernel.workgroup_size(options),
            module: counted,
        })
    }

    /// Returns how many iterations an invocation of an entry point takes at most, with members of the job given; 0 where the
    /// driver has no limit.
    pub(crate) fn iterations(
        &self,
        gpu: &Gpu,
        entry_point: &str,
        job: &[(&'static str, u32)],
    ) -> Result<u64, GpuError> {
        let Some(module) = &self.module else {
            return Ok(0);
        };
        iterations::most_iterations(module, entry_point, job).map_err(|unbounded| {
            GpuError::UnboundedLoop {
                kernel: entry_point.to_owned(),
                function: unbounded.function,
                adapter: gpu.info().name.clone(),
            }
        })
    }

    /// Refuses a dispatch whose loops the driver would cut.
    pub(crate) fn check_iterations(
        &self,
        gpu: &Gpu,
        options: &GpuOptions,
        entry_point: &str,
        job: &[(&'static str, u32)],
    ) -> Result<(), GpuError> {
        let available = allowed_iterations(gpu, options).unwrap_or(u64::MAX);
        let needed = self.iterations(gpu, entry_point, job)?;
        if needed > available {
            return Err(GpuError::LoopLimit {
                what: format!("one invocation of the kernel {entry_point}"),
                adapter: gpu.info().name.clone(),
                needed,
                available,
            });
        }
        Ok(())
    }

    /// Returns how many invocations a workgroup has.
    pub(crate) fn workgroup_size(&self) -> u32 {
        self.workgroup_size
    }

    /// Binds a job and the inputs as group 0, and buffers in order as group 1.
    pub(crate) fn bind(
        &self,
        gpu: &Gpu,
        inputs: &Inputs,
        job: &Job,
        buffers: &[&wgpu::Buffer],
    ) -> Result<[wgpu::BindGroup; 2], GpuError> {
        let job = gpu.upload("job", BufferUsages::UNIFORM, bytemuck::bytes_of(job))?;
        let [environment, choice, corpus, tables, policy_tables] = &inputs.buffers;
        let bind = |group: u32, buffers: &[&wgpu::Buffer]| {
            let numbered = (0..).zip(buffers.iter().copied());
            let declared: Vec<_> = numbered
                .filter(|&(binding, _)| self.bindings.contains(&(group, binding)))
                .collect();
            bind_group(gpu, self.name, &self.layouts[group as usize], &declared)
        };
        Ok([
            bind(
                0,
                &[&job, environment, choice, corpus, tables, policy_tables],
            )?,
            bind(1, buffers)?,
        ])
    }

    /// Records `invocations` invocations of an entry point, timed if there is a timing under way.
    pub(crate) fn dispatch(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        laps: Option<&mut Laps<'_>>,
        entry_point: &'static str,
        groups: &[wgpu::BindGroup; 2],
        invocations: u32,
    ) {
        let pipeline = self.pipelines.iter().find(|(name, _)| *name == entry_point);
        let (_, pipeline) =
            pipeline.expect("the entry points were named when the program was made");
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some(entry_point),
            timestamp_writes: laps.map(|laps| laps.next(entry_point)),
        });
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &groups[0], &[]);
        pass.set_bind_group(1, &groups[1], &[]);
        pass.dispatch_workgroups(invocations.div_ceil(self.workgroup_size), 1, 1);
    }
}
