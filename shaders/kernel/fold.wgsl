// Adds up the sums of one step over many blocks, which rollout.wgsl leaves for each block: what `Statistics::add` in
// src/statistics/campaign.rs does with the curves of blocks, in integers.
//
// `fold`: workgroup (blocks, step), of which each invocation adds up to BLOCKS blocks.
//
// Bindings of group 1: 0 curve as in rollout.wgsl, with the spans of a block in a word, read; 1 sums, see tallied.wgsl, of
// which those of steps are added to.

#import slatesim::job::job
#import slatesim::blocks::num_blocks
#import slatesim::exact_sum::{add, decompose, is_finite, takes, window_below, DIGITS}
#import slatesim::workgroup_sums::{add_to_word, deposit_number, deposit_sum, word}
#import slatesim::tallied::{running_word, STEP_WORDS, SUM_WORDS}

// Rust: src/backend/gpu/work/rollout/tally.rs.
const BLOCKS: u32 = 4u;
const GROUP_BLOCKS: u32 = BLOCKS * #{WORKGROUP_SIZE}u;

@group(1) @binding(0) var<storage, read> curve: array<vec4<u32>>;
@group(1) @binding(1) var<storage, read_write> sums: array<atomic<u32>>;

// The blocks of an invocation: every WORKGROUP_SIZE-th one from the first on, before the end.
struct Share {
    first: u32,
    end: u32,
}

// The sum of rewards or of their squares over a block, added up over its spans in order.
fn sum_of_block(at: u32) -> f32 {
    let spans = bitcast<vec4<f32>>(curve[at]);
    return spans.x + spans.y + spans.z + spans.w;
}

// Adds a row of the curve, which begins at a word, to the sum at a word of the workgroup.
fn add_row(at: u32, row: u32, share: Share) {
    var largest = 0u;
    var num_infinite = 0u;
    for (var block = share.first; block < share.end; block += #{WORKGROUP_SIZE}u) {
        let term = sum_of_block(row + block);
        if is_finite(term) {
            largest = max(largest, decompose(term).position);
        } else {
            num_infinite += 1u;
        }
    }
    var window = window_below(largest);
    for (var block = share.first; block < share.end; block += #{WORKGROUP_SIZE}u) {
        let term = sum_of_block(row + block);
        if is_finite(term) {
            let parts = decompose(term);
            if takes(window, parts) {
                add(&window, parts);
            } else {
                deposit_number(at, parts);
            }
        }
    }
    deposit_sum(at, window);
    add_to_word(at + DIGITS, num_infinite);
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn fold(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let num_blocks = num_blocks();
    let num_groups = (num_blocks + GROUP_BLOCKS - 1u) / GROUP_BLOCKS;
    let num_steps = job.step_end - job.step_begin;
    let step = group.x / num_groups;
    let first = group.x % num_groups * GROUP_BLOCKS;
    let share = Share(first + index, min(first + GROUP_BLOCKS, num_blocks));
    add_row(0u, step * num_blocks, share);
    add_row(SUM_WORDS, (num_steps + step) * num_blocks, share);
    var num_clicks = 0u;
    for (var block = share.first; block < share.end; block += #{WORKGROUP_SIZE}u) {
        let spans = curve[(2u * num_steps + step) * num_blocks + block];
        num_clicks += spans.x + spans.y + spans.z + spans.w;
    }
    add_to_word(2u * SUM_WORDS, num_clicks);
    workgroupBarrier();
    let to_step = running_word() + 1u + step * STEP_WORDS;
    for (var at = index; at < STEP_WORDS; at += #{WORKGROUP_SIZE}u) {
        let number = word(at);
        if number != 0u {
            atomicAdd(&sums[to_step + at], number);
        }
    }
}
