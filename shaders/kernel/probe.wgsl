// Draws and elementary functions one by one, for validation against the host.
//
// Invocation i takes block i of purpose DOCUMENT of the job's first episode at step 0.
// `encrypt`, for known answers, takes counter and key instead.
// Bindings of group 1: 0 inputs (probe: the bits of an argument [i]; encrypt: counter and key [i][6]),
// 1 outputs [row][i]; rows as src/validation/host.rs names them.

#import slatesim::rng::{Stream, words, philox, multiply_high, DOCUMENT}
#import slatesim::math
#import slatesim::distribution
#import slatesim::bandit
#import slatesim::job::job
#import slatesim::candidates::stream_of_lane

@group(1) @binding(0) var<storage, read> inputs: array<u32>;
@group(1) @binding(1) var<storage, read_write> outputs: array<u32>;

fn put(row: u32, index: u32, value: u32) {
    outputs[row * job.num_lanes + index] = value;
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn probe(@builtin(global_invocation_id) id: vec3<u32>) {
    let index = id.x;
    if index >= job.num_lanes {
        return;
    }
    let block = words(stream_of_lane(0u, 0u), DOCUMENT, index);
    put(0u, index, block.x);
    put(1u, index, block.y);
    put(2u, index, block.z);
    put(3u, index, block.w);
    put(4u, index, multiply_high(block.x, block.y));
    put(5u, index, distribution::bounded_integer(block.z, 1u + index % 1000u));
    put(6u, index, bitcast<u32>(distribution::uniform(block.x)));
    put(7u, index, bitcast<u32>(distribution::fine_uniform(block.y)));
    let pair = distribution::normal_pair(block.x, block.y);
    put(8u, index, bitcast<u32>(pair.x));
    put(9u, index, bitcast<u32>(pair.y));
    put(10u, index, bitcast<u32>(distribution::truncated_normal(distribution::uniform(block.z), 0.025, 0.975)));
    let x = bitcast<f32>(inputs[index]);
    put(11u, index, bitcast<u32>(math::exp(x)));
    put(12u, index, bitcast<u32>(math::ln(distribution::fine_uniform(block.w))));
    put(13u, index, bitcast<u32>(math::sigmoid(x)));
    put(14u, index, bitcast<u32>(sqrt(abs(x))));
    let counted_total = 1u + distribution::bounded_integer(block.x, 90u);
    let counted_pulls = 1u + distribution::bounded_integer(block.y, counted_total);
    let total = f32(counted_total);
    let pulls = f32(counted_pulls);
    let reward = f32(distribution::bounded_integer(block.z, counted_pulls + 1u));
    put(15u, index, bitcast<u32>(bandit::ucb(pulls, reward, total, 1.0)));
    put(16u, index, bitcast<u32>(bandit::kl_ucb(pulls, reward, total, 1.0)));
    put(17u, index, bitcast<u32>(bandit::kl_ucb_aliased(pulls, reward, total, 1.0)));
    let draw = distribution::uniform(block.w);
    put(18u, index, bitcast<u32>(bandit::beta_quantile(draw, 1.0 + reward / 0.75, 1.0 + (pulls - reward) / 0.75)));
    put(19u, index, bitcast<u32>(math::quotient(abs(x), distribution::fine_uniform(block.w))));
    put(20u, index, bitcast<u32>(math::tanh(x)));
    put(21u, index, bitcast<u32>(math::gelu(x)));
    put(22u, index, bitcast<u32>(math::silu(x)));
    put(23u, index, bitcast<u32>(math::gelu_tanh(x)));
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn encrypt(@builtin(global_invocation_id) id: vec3<u32>) {
    let index = id.x;
    if index >= job.num_lanes {
        return;
    }
    let at = 6u * index;
    let counter = vec4<u32>(inputs[at], inputs[at + 1u], inputs[at + 2u], inputs[at + 3u]);
    let block = philox(counter, vec2<u32>(inputs[at + 4u], inputs[at + 5u]));
    put(0u, index, block.x);
    put(1u, index, block.y);
    put(2u, index, block.z);
    put(3u, index, block.w);
}
