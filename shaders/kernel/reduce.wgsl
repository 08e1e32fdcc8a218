// Sums of one step over one block of episodes: twin of `Rollout::curve` in src/backend/lanes.rs.
//
// Invocation (block, step) adds the lanes of its block in order, so that the sum depends on the block alone.
//
// Bindings of group 1: 0 outcomes [OUTCOME_FIELDS][lane], 1 rewards [step][lane], 2 clicks [step / 32][lane],
// 3 curve [rewards, squared rewards, clicks][step][block].

#import slatesim::candidates::job

const BLOCK_EPISODES: u32 = #{BLOCK_EPISODES}u;
const LENGTH: u32 = 2u;

@group(1) @binding(0) var<storage, read> outcomes: array<u32>;
@group(1) @binding(1) var<storage, read> rewards: array<f32>;
@group(1) @binding(2) var<storage, read> clicks: array<u32>;
@group(1) @binding(3) var<storage, read_write> curve: array<u32>;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn reduce(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = (job.num_lanes + BLOCK_EPISODES - 1u) / BLOCK_EPISODES;
    let num_steps = job.step_end - job.step_begin;
    let block = id.x % num_blocks;
    let relative = id.x / num_blocks;
    if relative >= num_steps {
        return;
    }
    var reward_sum = 0.0;
    var square_sum = 0.0;
    var click_sum = 0u;
    let first = block * BLOCK_EPISODES;
    let last = min(first + BLOCK_EPISODES, job.num_lanes);
    for (var lane = first; lane < last; lane++) {
        // Past the end of an episode stands what an earlier batch has left.
        let is_running = job.step_begin + relative < outcomes[LENGTH * job.num_lanes + lane];
        let reward = select(0.0, rewards[relative * job.num_lanes + lane], is_running);
        let click = (clicks[(relative / 32u) * job.num_lanes + lane] >> (relative % 32u)) & 1u;
        reward_sum = reward_sum + reward;
        square_sum = square_sum + reward * reward;
        click_sum = click_sum + select(0u, click, is_running);
    }
    let at = relative * num_blocks + block;
    let plane = num_steps * num_blocks;
    curve[at] = bitcast<u32>(reward_sum);
    curve[plane + at] = bitcast<u32>(square_sum);
    curve[2u * plane + at] = click_sum;
}
