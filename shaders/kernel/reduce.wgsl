// Sums of one step over one block of episodes: twin of `Rollout::curve` in src/backend/lanes.rs.
//
// Invocation (block, step) adds the lanes of its block four at a time, in order, so that the sum depends on the block
// alone.
//
// Bindings of group 1: 0 rewards [step][lane / 4], 1 clicks [step / 32][lane / 4], as the rollout has left them;
// 2 curve [rewards, squared rewards, clicks][step][block].

#import slatesim::candidates::job

const LANES: u32 = 4u;
const BLOCK_QUADS: u32 = #{BLOCK_EPISODES}u / LANES;

@group(1) @binding(0) var<storage, read> rewards: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read> clicks: array<vec4<u32>>;
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
    var click_sums = vec4<u32>();
    let first_reward = relative * num_quads + block * BLOCK_QUADS;
    let first_click = (relative / 32u) * num_quads + block * BLOCK_QUADS;
    let bit = vec4<u32>(relative % 32u);
    for (var quad = 0u; quad < BLOCK_QUADS; quad++) {
        let reward = rewards[first_reward + quad];
        reward_sums += reward;
        square_sums += reward * reward;
        click_sums += (clicks[first_click + quad] >> bit) & vec4<u32>(1u);
    }
    let at = relative * num_blocks + block;
    let plane = num_steps * num_blocks;
    curve[at] = bitcast<u32>(reward_sums.x + reward_sums.y + reward_sums.z + reward_sums.w);
    curve[plane + at] = bitcast<u32>(square_sums.x + square_sums.y + square_sums.z + square_sums.w);
    curve[2u * plane + at] = click_sums.x + click_sums.y + click_sums.z + click_sums.w;
}
