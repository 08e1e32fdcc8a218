//! Writes a kernel of a simulation as SPIR-V, for compilers that show the instructions of a GPU without having one.
//!
//! ```sh
//! cargo run --release --example kernel_spirv -- rollout main.spv environment.name=long_term_satisfaction
//! ```
//!
//! Kernels: `rollout`, `fold`, `tally`, `step`. Settings are those of `--set`. The module is that of the release build on an
//! adapter with 64-bit integers: without guards of arrays and loops. Radeon GPU Analyzer accepts it, and so does Mesa's RADV,
//! which can run without hardware (`RADV_FORCE_FAMILY`); `docs/performance.md` has results of the latter.

use anyhow::{Context, bail};
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use slatesim::backend::gpu::{GpuOptions, Kernel, compose_program};
use slatesim::registry::Registry;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .context("usage: kernel_spirv KERNEL FILE [KEY=VALUE ...]")
    };
    let (kernel, file) = (next()?, next()?);
    let kernel = match kernel.as_str() {
        "rollout" => Kernel::Rollout,
        "fold" => Kernel::Fold,
        "tally" => Kernel::Tally,
        "step" => Kernel::Step,
        other => bail!("{other:?} is no kernel; there are rollout, fold, tally and step"),
    };
    let settings: Vec<String> = arguments.collect();
    let simulation = Registry::built_in().resolve(&settings)?;
    let module = compose_program(&simulation, kernel, &GpuOptions::default(), true)?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module)?;
    let unchecked = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        force_loop_bounding: false,
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::Native,
        ..spv::Options::default()
    };
    let words = spv::write_vec(&module, &info, &options, None)?;
    std::fs::write(&file, bytemuck::cast_slice(&words)).context(file)?;
    Ok(())
}
