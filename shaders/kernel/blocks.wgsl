// How the lanes of a dispatch are cut: a block of lanes runs a block of episodes, and has four spans.
//
// A workgroup adds up whole spans: one, two or all four of a block.

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
