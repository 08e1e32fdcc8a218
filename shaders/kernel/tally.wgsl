// Statistics of whole blocks on the device, so that only they are read back: what `Statistics::add` in
// src/statistics/campaign.rs makes of the blocks, but in integers that invocations add up together.
//
// `fold`: invocation (blocks, step) adds the sums that reduce.wgsl has left of a step over BLOCKS blocks.
// `tally`: invocation (quarter, block) adds the episodes of a quarter of a block that have ended in this dispatch.
//
// What several invocations write they add atomically, as integers, whose order is of no consequence; sums are brought to
// small digits before, so that 2^14 invocations can add. Steps count from step_begin.
//
// Bindings of group 1: 0 outcomes as in rollout.wgsl, 1 curve as in reduce.wgsl, both read;
// 2 folded [how many episodes run on; then of each step the sum of rewards, the sum of their squares, clicks];
// 3 episodes [returns, slopes: sum, sum of squares, keys of largest and smallest; then how many have each length];
// 4 buckets, how many returns have each value of their top 21 bits;
// 5 quarters [QUARTER_FIELDS][quarter][block].
// A sum has SUM_WORDS: its digits, and how many terms were not finite. A key orders as the numbers do, and is not 0.

#import slatesim::candidates::job
#import slatesim::blocks::{BLOCK_QUADS, QUAD, num_blocks, quad_of_block}
#import slatesim::exact_sum::{ExactSum, DIGITS, is_finite, add, add_square, carry}

// Rust: src/backend/gpu/rollout/tally.rs.
const SUM_WORDS: u32 = DIGITS + 1u;
const FOLDED_STEPS: u32 = 1u;
const STEP_WORDS: u32 = 2u * SUM_WORDS + 1u;
const SAMPLE_WORDS: u32 = 2u * SUM_WORDS + 2u;
const LENGTHS: u32 = 2u * SAMPLE_WORDS;
const BLOCKS: u32 = 16u;
const QUARTERS: u32 = 4u;
const QUARTER_EPISODES: u32 = #{BLOCK_EPISODES}u / QUARTERS;
const BUCKET_SHIFT: u32 = 11u;

// Rows of outcomes, as in rollout.wgsl.
const TOTAL: u32 = 0u;
const SLOPE: u32 = 1u;
const LENGTH: u32 = 2u;
const CLICKS: u32 = 3u;
const QUALITY: u32 = 4u;
const RUNNING: u32 = 5u;
const INVALID: u32 = 6u;

const QUARTER_FIELDS: u32 = 10u;

@group(1) @binding(0) var<storage, read> outcomes: array<u32>;
@group(1) @binding(1) var<storage, read> curve: array<u32>;
@group(1) @binding(2) var<storage, read_write> folded: array<atomic<u32>>;
@group(1) @binding(3) var<storage, read_write> episodes: array<atomic<u32>>;
@group(1) @binding(4) var<storage, read_write> buckets: array<atomic<u32>>;
@group(1) @binding(5) var<storage, read_write> quarters: array<u32>;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn fold(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = num_blocks();
    let num_groups = (num_blocks + BLOCKS - 1u) / BLOCKS;
    let num_steps = job.step_end - job.step_begin;
    let group = id.x % num_groups;
    let step = id.x / num_groups;
    if step >= num_steps {
        return;
    }
    let at = FOLDED_STEPS + step * STEP_WORDS;
    for (var plane = 0u; plane < 2u; plane++) {
        let first = (plane * num_steps + step) * num_blocks;
        var sum: ExactSum;
        var num_infinite = 0u;
        for (var block = group; block < num_blocks; block += num_groups) {
            let term = bitcast<f32>(curve[first + block]);
            if is_finite(term) {
                add(&sum, term);
            } else {
                num_infinite += 1u;
            }
        }
        carry(&sum);
        let to = at + plane * SUM_WORDS;
        for (var digit = 0u; digit < DIGITS; digit++) {
            if sum.digits[digit] != 0 {
                atomicAdd(&folded[to + digit], bitcast<u32>(sum.digits[digit]));
            }
        }
        if num_infinite > 0u {
            atomicAdd(&folded[to + DIGITS], num_infinite);
        }
    }
    var num_clicks = 0u;
    let first = (2u * num_steps + step) * num_blocks;
    for (var block = group; block < num_blocks; block += num_groups) {
        num_clicks += curve[first + block];
    }
    atomicAdd(&folded[at + 2u * SUM_WORDS], num_clicks);
}

// Orders as the numbers do; 0 stands for none.
fn key_of(number: f32) -> u32 {
    let bits = bitcast<u32>(number);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// What a sample has beside its sums.
struct Extremes {
    largest: u32,
    // Of the negated number, so that the smallest is the largest.
    smallest: u32,
    num_infinite: u32,
}

// Pointers to fields cannot be handed on, so a sample comes in three parts.
fn observe(sum: ptr<function, ExactSum>, sum_of_squares: ptr<function, ExactSum>, extremes: ptr<function, Extremes>, number: f32) {
    if !is_finite(number) {
        (*extremes).num_infinite += 1u;
        return;
    }
    add(sum, number);
    add_square(sum_of_squares, number);
    (*extremes).largest = max((*extremes).largest, key_of(number));
    (*extremes).smallest = max((*extremes).smallest, key_of(-number));
}

fn put_sample(at: u32, sum: ptr<function, ExactSum>, sum_of_squares: ptr<function, ExactSum>, extremes: Extremes) {
    carry(sum);
    carry(sum_of_squares);
    for (var digit = 0u; digit < DIGITS; digit++) {
        if (*sum).digits[digit] != 0 {
            atomicAdd(&episodes[at + digit], bitcast<u32>((*sum).digits[digit]));
        }
        if (*sum_of_squares).digits[digit] != 0 {
            atomicAdd(&episodes[at + SUM_WORDS + digit], bitcast<u32>((*sum_of_squares).digits[digit]));
        }
    }
    if extremes.num_infinite > 0u {
        atomicAdd(&episodes[at + DIGITS], extremes.num_infinite);
    }
    atomicMax(&episodes[at + 2u * SUM_WORDS], extremes.largest);
    atomicMax(&episodes[at + 2u * SUM_WORDS + 1u], extremes.smallest);
}

// The fields of a quarter of a block; sums of products have 64 bits, the lower half first.
struct Totals {
    user_steps: u32,
    clicks: u32,
    invalid: u32,
    quality: f32,
    clicks_by_clicks: vec2<u32>,
    clicks_by_length: vec2<u32>,
    length_by_length: vec2<u32>,
}

// Adds a product of two numbers below 2^16 to 64 bits.
fn add_product(sum: vec2<u32>, a: u32, b: u32) -> vec2<u32> {
    let low = sum.x + a * b;
    return vec2<u32>(low, sum.y + select(0u, 1u, low < sum.x));
}

fn outcome(field: u32, lane: u32) -> u32 {
    return outcomes[field * job.stride + lane];
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn tally(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = num_blocks();
    let block = id.x % num_blocks;
    let quarter = id.x / num_blocks;
    if quarter >= QUARTERS {
        return;
    }
    var returns: ExactSum;
    var squared_returns: ExactSum;
    var return_extremes: Extremes;
    var slopes: ExactSum;
    var squared_slopes: ExactSum;
    var slope_extremes: Extremes;
    var num_running = 0u;
    var num_ended = 0u;
    var totals: Totals;
    // Episodes of one length in a row are counted together: often all have the same.
    var counted_length = 0u;
    var count = 0u;
    let first = block * #{BLOCK_EPISODES}u + quarter * QUARTER_EPISODES;
    let num_episodes = min(QUARTER_EPISODES, job.num_lanes - min(first, job.num_lanes));
    for (var episode = 0u; episode < num_episodes; episode++) {
        let lane = QUAD * quad_of_block(block, quarter * (BLOCK_QUADS / QUARTERS) + episode / QUAD) + episode % QUAD;
        if outcome(RUNNING, lane) != 0u && job.step_end < job.max_steps {
            num_running += 1u;
            continue;
        }
        // Totals are those of all that have ended, in order, so that they do not depend on when.
        let length = outcome(LENGTH, lane);
        let num_clicks = outcome(CLICKS, lane);
        totals.user_steps += length;
        totals.clicks += num_clicks;
        totals.invalid += outcome(INVALID, lane);
        totals.quality += bitcast<f32>(outcome(QUALITY, lane));
        totals.clicks_by_clicks = add_product(totals.clicks_by_clicks, num_clicks, num_clicks);
        totals.clicks_by_length = add_product(totals.clicks_by_length, num_clicks, length);
        totals.length_by_length = add_product(totals.length_by_length, length, length);
        if length <= job.step_begin {
            continue;
        }
        num_ended += 1u;
        let total = bitcast<f32>(outcome(TOTAL, lane));
        observe(&returns, &squared_returns, &return_extremes, total);
        if is_finite(total) {
            atomicAdd(&buckets[bitcast<u32>(total) >> BUCKET_SHIFT], 1u);
        }
        if length >= 2u {
            observe(&slopes, &squared_slopes, &slope_extremes, bitcast<f32>(outcome(SLOPE, lane)));
        }
        if length != counted_length {
            if count > 0u {
                atomicAdd(&episodes[LENGTHS + counted_length], count);
            }
            counted_length = length;
            count = 0u;
        }
        count += 1u;
    }
    if num_running > 0u {
        atomicAdd(&folded[0], num_running);
    }
    if num_ended == 0u {
        return;
    }
    put_sample(0u, &returns, &squared_returns, return_extremes);
    put_sample(SAMPLE_WORDS, &slopes, &squared_slopes, slope_extremes);
    atomicAdd(&episodes[LENGTHS + counted_length], count);
    let rows = array<u32, QUARTER_FIELDS>(
        totals.user_steps,
        totals.clicks,
        totals.invalid,
        bitcast<u32>(totals.quality),
        totals.clicks_by_clicks.x,
        totals.clicks_by_clicks.y,
        totals.clicks_by_length.x,
        totals.clicks_by_length.y,
        totals.length_by_length.x,
        totals.length_by_length.y,
    );
    for (var row = 0u; row < QUARTER_FIELDS; row++) {
        quarters[(row * QUARTERS + quarter) * num_blocks + block] = rows[row];
    }
}
