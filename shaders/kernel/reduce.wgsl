// Sums of one step over one block of episodes: twin of `Rollout::curve` in src/backend/lanes/rollout.rs.
//
// `reduce`: invocation (block, step) adds the rewards of its block four lanes at a time, in order, so that the sum depends
// on the block alone. `count_clicks`: invocation (block, 32 steps) counts the clicks of its block.
//
// Bindings of group 1: 0 rewards [step][lane / 4], 1 clicks [step / 32][lane] with a bit a step, as the rollout has left
// them; 2 curve [rewards, squared rewards, clicks][step][block].

#import slatesim::candidates::job

const LANES: u32 = 4u;
const BLOCK_QUADS: u32 = #{BLOCK_EPISODES}u / LANES;
// As many as the binary digits of BLOCK_EPISODES.
const PLANES: u32 = 9u;

@group(1) @binding(0) var<storage, read> rewards: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read> clicks: array<u32>;
@group(1) @binding(2) var<storage, read_write> curve: array<u32>;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn reduce(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_quads = job.stride / LANES;
    let num_blocks = num_quads / BLOCK_QUADS;
    let num_steps = job.step_end - job.step_begin;
    let block = id.x % num_blocks;
    let relative = id.x / num_blocks;
    if relative >= num_steps {
        return;
    }
    var reward_sums = vec4<f32>();
    var square_sums = vec4<f32>();
    let first = relative * num_quads + block * BLOCK_QUADS;
    for (var quad = 0u; quad < BLOCK_QUADS; quad++) {
        let reward = rewards[first + quad];
        reward_sums += reward;
        square_sums += reward * reward;
    }
    let at = relative * num_blocks + block;
    curve[at] = bitcast<u32>(reward_sums.x + reward_sums.y + reward_sums.z + reward_sums.w);
    curve[num_steps * num_blocks + at] = bitcast<u32>(square_sums.x + square_sums.y + square_sums.z + square_sums.w);
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn count_clicks(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = job.stride / #{BLOCK_EPISODES}u;
    let num_steps = job.step_end - job.step_begin;
    let block = id.x % num_blocks;
    let word = id.x / num_blocks;
    if word * 32u >= num_steps {
        return;
    }
    // 32 counters side by side, bit b of plane p being digit p of the count of step b: adding a word is a chain of
    // half adders, and each word is read once for all its steps.
    var planes: array<u32, PLANES>;
    let first = word * job.stride + block * #{BLOCK_EPISODES}u;
    for (var lane = 0u; lane < #{BLOCK_EPISODES}u; lane++) {
        var carry = clicks[first + lane];
        for (var plane = 0u; plane < PLANES; plane++) {
            let digit = planes[plane];
            planes[plane] = digit ^ carry;
            carry = digit & carry;
        }
    }
    for (var bit = 0u; bit < min(32u, num_steps - word * 32u); bit++) {
        var count = 0u;
        for (var plane = 0u; plane < PLANES; plane++) {
            count = count | (((planes[plane] >> bit) & 1u) << plane);
        }
        curve[(2u * num_steps + word * 32u + bit) * num_blocks + block] = count;
    }
}
