// Statistics of whole blocks on the device, so that only they are read back: what `Statistics::add` in
// src/statistics/campaign.rs makes of the blocks, but in integers that invocations add up together.
//
// `fold`: invocation (blocks, step) adds the sums that reduce.wgsl has left of a step over BLOCKS blocks.
// `tally`: invocation (quarter, block) adds the episodes of a quarter of a block that have ended in this dispatch.
//
// What several invocations write they add atomically, as integers, whose order is of no consequence. A digit of a sum gets
// less than 2^8 from each of three deposits of an episode, so that 2^20 episodes fit.
//
// Bindings of group 1: 0 outcomes as in rollout.wgsl, 1 curve as in reduce.wgsl, both read;
// 2 sums [returns and slopes: sum, sum of squares, keys of largest and smallest; how many episodes have each length up to
// max_steps; how many run on; then of each step from step_begin on the sum of rewards, the sum of their squares, clicks];
// 3 buckets, how many returns have each value of their top 21 bits;
// 4 quarters [QUARTER_FIELDS][quarter][block].
// A sum has SUM_WORDS: its digits, and how many terms were not finite. A key orders as the numbers do, and is not 0.

#import slatesim::candidates::job
#import slatesim::blocks::{BLOCK_QUADS, QUAD, num_blocks, quad_of_block}
#import slatesim::exact_sum::{Decomposed, Window, DIGITS, DIGIT_BITS, LOWEST_OF_NUMBERS}
#import slatesim::exact_sum::{add, add_square, carried_squares, carried_sum, decompose, is_finite, takes, window_below}

// Rust: src/backend/gpu/rollout/tally.rs.
const SUM_WORDS: u32 = DIGITS + 1u;
const SAMPLE_WORDS: u32 = 2u * SUM_WORDS + 2u;
const LENGTHS: u32 = 2u * SAMPLE_WORDS;
const STEP_WORDS: u32 = 2u * SUM_WORDS + 1u;
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
@group(1) @binding(2) var<storage, read_write> sums: array<atomic<u32>>;
@group(1) @binding(3) var<storage, read_write> buckets: array<atomic<u32>>;
@group(1) @binding(4) var<storage, read_write> quarters: array<u32>;

// Where the count of those that run on is; the steps are behind it.
fn running_word() -> u32 {
    return LENGTHS + job.max_steps + 1u;
}

// Adds sign · number · 2^(position - 298) to the sum at a word; the number has up to 24 bits.
fn deposit(at: u32, position: u32, number: u32, sign: i32) {
    var left = number << (position % DIGIT_BITS);
    for (var digit = at + position / DIGIT_BITS; left != 0u; digit++) {
        atomicAdd(&sums[digit], bitcast<u32>(sign * i32(left & 0xffu)));
        left = left >> DIGIT_BITS;
    }
}

fn deposit_number(at: u32, number: Decomposed) {
    deposit(at, number.position + LOWEST_OF_NUMBERS, number.mantissa, number.sign);
}

// Three products of the mantissa's halves.
fn deposit_square(at: u32, number: Decomposed) {
    let low = number.mantissa & 0xfffu;
    let high = number.mantissa >> 12u;
    let position = 2u * number.position;
    deposit(at, position, low * low, 1);
    deposit(at, position + 13u, low * high, 1);
    deposit(at, position + 24u, high * high, 1);
}

fn deposit_sum(at: u32, window: Window) {
    let words = carried_sum(window);
    let position = window.base + LOWEST_OF_NUMBERS;
    deposit(at, position, u32(words.x), 1);
    deposit(at, position + 16u, u32(abs(words.y)), select(1, -1, words.y < 0));
}

fn deposit_squares(at: u32, window: Window) {
    let words = carried_squares(window);
    let position = 2u * window.base;
    deposit(at, position, words.x, 1);
    deposit(at, position + 16u, words.y, 1);
    deposit(at, position + 32u, words.z, 1);
    deposit(at, position + 48u, words.w, 1);
}

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
    let to_step = running_word() + 1u + step * STEP_WORDS;
    for (var plane = 0u; plane < 2u; plane++) {
        let first = (plane * num_steps + step) * num_blocks;
        let at = to_step + plane * SUM_WORDS;
        var largest = 0u;
        var num_infinite = 0u;
        for (var block = group; block < num_blocks; block += num_groups) {
            let term = bitcast<f32>(curve[first + block]);
            if is_finite(term) {
                largest = max(largest, decompose(term).position);
            } else {
                num_infinite += 1u;
            }
        }
        var window = window_below(largest);
        for (var block = group; block < num_blocks; block += num_groups) {
            let term = bitcast<f32>(curve[first + block]);
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
        if num_infinite > 0u {
            atomicAdd(&sums[at + DIGITS], num_infinite);
        }
    }
    var num_clicks = 0u;
    let first = (2u * num_steps + step) * num_blocks;
    for (var block = group; block < num_blocks; block += num_groups) {
        num_clicks += curve[first + block];
    }
    atomicAdd(&sums[to_step + 2u * SUM_WORDS], num_clicks);
}

// What is seen of a sample before it is added up.
struct Extent {
    // Keys; the second is of the negated number, so that the smallest is the largest.
    largest: u32,
    smallest: u32,
    // Of the number of the largest magnitude.
    position: u32,
    num_infinite: u32,
}

// Orders as the numbers do; 0 stands for none.
fn key_of(number: f32) -> u32 {
    let bits = bitcast<u32>(number);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn widened(extent: Extent, number: f32) -> Extent {
    var wider = extent;
    if is_finite(number) {
        wider.largest = max(extent.largest, key_of(number));
        wider.smallest = max(extent.smallest, key_of(-number));
        wider.position = max(extent.position, decompose(number).position);
    } else {
        wider.num_infinite += 1u;
    }
    return wider;
}

// Adds a number to the window of a sample, or to its sums at a word.
fn observe(at: u32, window: ptr<function, Window>, number: f32) {
    if !is_finite(number) {
        return;
    }
    let parts = decompose(number);
    if takes(*window, parts) {
        add(window, parts);
        add_square(window, parts);
    } else {
        deposit_number(at, parts);
        deposit_square(at + SUM_WORDS, parts);
    }
}

fn put_sample(at: u32, window: Window, extent: Extent) {
    deposit_sum(at, window);
    deposit_squares(at + SUM_WORDS, window);
    if extent.num_infinite > 0u {
        atomicAdd(&sums[at + DIGITS], extent.num_infinite);
    }
    atomicMax(&sums[at + 2u * SUM_WORDS], extent.largest);
    atomicMax(&sums[at + 2u * SUM_WORDS + 1u], extent.smallest);
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

// The lane of an episode of a quarter of a block.
fn lane_of(block: u32, quarter: u32, episode: u32) -> u32 {
    let quad = quarter * (BLOCK_QUADS / QUARTERS) + episode / QUAD;
    return QUAD * quad_of_block(block, quad) + episode % QUAD;
}

fn is_running(lane: u32) -> bool {
    return outcome(RUNNING, lane) != 0u && job.step_end < job.max_steps;
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn tally(@builtin(global_invocation_id) id: vec3<u32>) {
    let num_blocks = num_blocks();
    let block = id.x % num_blocks;
    let quarter = id.x / num_blocks;
    if quarter >= QUARTERS {
        return;
    }
    var returns: Extent;
    var slopes: Extent;
    var num_running = 0u;
    var num_ended = 0u;
    var totals: Totals;
    // Episodes of one length in a row are counted together: often all have the same.
    var counted_length = 0u;
    var count = 0u;
    let first = block * #{BLOCK_EPISODES}u + quarter * QUARTER_EPISODES;
    let num_episodes = min(QUARTER_EPISODES, job.num_lanes - min(first, job.num_lanes));
    for (var episode = 0u; episode < num_episodes; episode++) {
        let lane = lane_of(block, quarter, episode);
        if is_running(lane) {
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
        let total = outcome(TOTAL, lane);
        returns = widened(returns, bitcast<f32>(total));
        if is_finite(bitcast<f32>(total)) {
            atomicAdd(&buckets[total >> BUCKET_SHIFT], 1u);
        }
        if length >= 2u {
            slopes = widened(slopes, bitcast<f32>(outcome(SLOPE, lane)));
        }
        if length != counted_length {
            if count > 0u {
                atomicAdd(&sums[LENGTHS + counted_length], count);
            }
            counted_length = length;
            count = 0u;
        }
        count += 1u;
    }
    if num_running > 0u {
        atomicAdd(&sums[running_word()], num_running);
    }
    if num_ended == 0u {
        return;
    }
    atomicAdd(&sums[LENGTHS + counted_length], count);
    var return_window = window_below(returns.position);
    var slope_window = window_below(slopes.position);
    for (var episode = 0u; episode < num_episodes; episode++) {
        let lane = lane_of(block, quarter, episode);
        let length = outcome(LENGTH, lane);
        if is_running(lane) || length <= job.step_begin {
            continue;
        }
        observe(0u, &return_window, bitcast<f32>(outcome(TOTAL, lane)));
        if length >= 2u {
            observe(SAMPLE_WORDS, &slope_window, bitcast<f32>(outcome(SLOPE, lane)));
        }
    }
    put_sample(0u, return_window, returns);
    put_sample(SAMPLE_WORDS, slope_window, slopes);
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
