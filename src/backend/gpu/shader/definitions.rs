//! The definitions by which the shader of a kernel is specialised.

use super::blocks::BLOCK_LANES;
use super::compose::NATIVE_U64;
use super::kernel::Kernel;
use crate::backend::Simulation;
use crate::backend::gpu::options::GpuOptions;
use crate::shader::{ShaderDef, ShaderDefs};

/// The most positions whose clicks a lane counts in registers; more counters would not fit into them.
const MAX_POSITIONS_IN_REGISTERS: u32 = 16;
/// The most counts of a block that fit into the memory of a workgroup beside the sums of its steps: 2 of the 16 KiB that
/// every device has.
const MAX_COUNTS_IN_WORKGROUP: u32 = 512;

/// Returns the definitions for a kernel and a simulation.
pub(super) fn definitions(
    simulation: &Simulation,
    kernel: Kernel,
    options: &GpuOptions,
    native_u64: bool,
) -> ShaderDefs {
    let named = |(name, value): (&str, u32)| (name.to_owned(), ShaderDef::UInt(value));
    let shape = [
        ("WORKGROUP_SIZE", kernel.workgroup_size(options)),
        ("BLOCK_EPISODES", BLOCK_LANES),
    ];
    if kernel.only_adds() {
        return shape.map(named).into();
    }
    let plan = &simulation.plan;
    let outline = &plan.outline;
    let (user_fields, document_fields) = simulation.model.num_fields();
    let num_shown = if kernel.is_stepped() {
        plan.slate_size
    } else {
        plan.num_examined()
    };
    let count = |number: usize| u32::try_from(number).expect("fewer than 2^32 of anything");
    // WGSL has no arrays of no elements.
    let size = |length: usize| count(length.max(1));
    let num_considered = plan.choice.num_considered(plan.slate_size);
    let numbers = [
        ("NUM_CANDIDATES", plan.num_candidates),
        ("NUM_SHOWN", num_shown),
        ("NUM_CONSIDERED", num_considered),
        ("NUM_TOPICS", outline.num_topics),
        ("DOCUMENT_BLOCKS", outline.document_blocks),
        ("USER_FIELDS", size(user_fields)),
        ("DOCUMENT_FIELDS", size(document_fields)),
        ("USER_SIZE", size(outline.user_size())),
        ("DOCUMENT_SIZE", size(outline.document_size())),
        ("RESPONSE_SIZE", size(outline.response_size())),
        ("NUM_DISCOUNTS", count(plan.discounts.len())),
    ];
    let flags = [
        (NATIVE_U64, native_u64 && !options.avoids_native_u64),
        ("HAS_CORPUS", plan.corpus.is_some()),
        ("HAS_TOPICS", outline.num_topics > 0),
        (
            "POSITIONS_IN_REGISTERS",
            num_considered <= MAX_POSITIONS_IN_REGISTERS,
        ),
        (
            "COUNTS_IN_WORKGROUP",
            outline.num_topics <= MAX_COUNTS_IN_WORKGROUP / 2
                && 2 * outline.num_topics + num_considered <= MAX_COUNTS_IN_WORKGROUP,
        ),
        ("HAS_QUALITY", outline.has_quality),
        ("NEEDS_SCORES", plan.choice.needs_scores()),
        ("OBSERVES_USER", outline.user_size() > 0),
        ("CAN_BE_SHORT", kernel.is_stepped()),
        ("RECOMMENDS", kernel == Kernel::Recommend),
        ("MANY_POINTS", kernel == Kernel::Sweep),
        ("HAS_DISCOUNTS", !plan.discounts.is_empty()),
        ("IN_PARTS", options.part_size.is_some()),
    ];
    let mut defs = simulation.model.shader_defs();
    defs.extend(plan.choice.shader_defs());
    defs.extend(plan.policy.shader_defs());
    defs.extend(shape.map(named));
    defs.extend(numbers.map(named));
    defs.extend(flags.map(|(name, value)| (name.to_owned(), ShaderDef::Bool(value))));
    defs
}
