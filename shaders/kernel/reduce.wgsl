// Sums of one step over one block of episodes: twin of `Rollout::curve` in src/backend/lanes/rollout.rs.
//
// `reduce`: invocation (block, step) adds the rewards of its block four lanes at a time, in order, so that the sum depends
// on the block alone. `count_clicks`: invocation (block, 32 steps) counts the clicks of its block.
//
// Bindings of group 1: 0 rewards [step][lane / 4], 1 clicks [step / 32][lane / 4] with a bit a step, as the rollout has left
// them; 2 curve [rewards, squared rewards, clicks][step][block].

#import slatesim::candidates::job
#import slatesim::blocks::{BLOCK_QUADS, QUAD, num_blocks, quad_of_block}

// As many as the binary digits of BLOCK_EPISODES.
const PLANES: u32 = 9u;

@group(1) @binding(0) var<storage, read> rewards: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read> clicks: array<vec4<u32>>;
@group(1) @binding(2) var<storage, read_write> curve: array<u32>;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn reduce(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = num_blocks();
    let num_steps = job.step_end - job.step_begin;
    let block = id.x % num_blocks;
    let relative = id.x / num_blocks;
    if relative >= num_steps {
        return;
    }
    var reward_sums = vec4<f32>();
    var square_sums = vec4<f32>();
    let first = relative * (job.stride / QUAD);
    for (var quad = 0u; quad < BLOCK_QUADS; quad++) {
        let reward = rewards[first + quad_of_block(block, quad)];
        reward_sums += reward;
        square_sums += reward * reward;
    }
    let at = relative * num_blocks + block;
    curve[at] = bitcast<u32>(reward_sums.x + reward_sums.y + reward_sums.z + reward_sums.w);
    curve[num_steps * num_blocks + at] = bitcast<u32>(square_sums.x + square_sums.y + square_sums.z + square_sums.w);
}

// Adds a word to 32 counters side by side, bit b of plane p being digit p of the count of bit b: a chain of half adders.
fn count(planes: ptr<function, array<u32, PLANES>>, word: u32) {
    var carry = word;
    for (var plane = 0u; plane < PLANES; plane++) {
        let digit = (*planes)[plane];
        (*planes)[plane] = digit ^ carry;
        carry = digit & carry;
    }
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn count_clicks(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = num_blocks();
    let num_steps = job.step_end - job.step_begin;
    let block = id.x % num_blocks;
    let word = id.x / num_blocks;
    if word * 32u >= num_steps {
        return;
    }
    // Each word is read once for all its steps.
    var planes: array<u32, PLANES>;
    for (var quad = 0u; quad < BLOCK_QUADS; quad++) {
        let four = clicks[word * (job.stride / QUAD) + quad_of_block(block, quad)];
        count(&planes, four.x);
        count(&planes, four.y);
        count(&planes, four.z);
        count(&planes, four.w);
    }
    for (var bit = 0u; bit < min(32u, num_steps - word * 32u); bit++) {
        var count = 0u;
        for (var plane = 0u; plane < PLANES; plane++) {
            count = count | (((planes[plane] >> bit) & 1u) << plane);
        }
        curve[(2u * num_steps + word * 32u + bit) * num_blocks + block] = count;
    }
}
