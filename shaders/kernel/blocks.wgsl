// How the episodes of a dispatch are dealt out to lanes, and lanes to blocks.
//
// Four consecutive episodes of a block have four neighbouring lanes; after them come four of the next block, and so on.
// So what a kernel writes lane by lane lies side by side, and so does what invocations read that each add up one block.

#define_import_path slatesim::blocks

#import slatesim::candidates::job

const QUAD: u32 = 4u;
const BLOCK_QUADS: u32 = #{BLOCK_EPISODES}u / QUAD;

fn num_blocks() -> u32 {
    return job.stride / #{BLOCK_EPISODES}u;
}

// Which episode of the dispatch, counted from 0, a lane has. Host: `lane_of_episode` in src/backend/gpu/rollout.rs.
fn episode_of_lane(lane: u32) -> u32 {
    let quad = lane / QUAD;
    let blocks = num_blocks();
    return (quad % blocks) * #{BLOCK_EPISODES}u + (quad / blocks) * QUAD + lane % QUAD;
}

// The lanes of a block, four by four: those of index `quad` are `quad_of_block` · 4 and the three after it.
fn quad_of_block(block: u32, quad: u32) -> u32 {
    return quad * num_blocks() + block;
}
