// How the lanes of a dispatch are cut: a block of episodes has as many lanes in a row, in four spans.
//
// Spans are what a workgroup adds up by itself, so that workgroups have one, two or all of a block's.

#define_import_path slatesim::blocks

#import slatesim::job::job

const QUAD: u32 = 4u;
const BLOCK_QUADS: u32 = #{BLOCK_EPISODES}u / QUAD;
// Rust: src/backend/gpu/shader/blocks.rs.
const BLOCK_SPANS: u32 = 4u;
const SPAN: u32 = #{BLOCK_EPISODES}u / BLOCK_SPANS;

fn num_blocks() -> u32 {
    return job.stride / #{BLOCK_EPISODES}u;
}
