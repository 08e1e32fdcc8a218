// Statistics of whole blocks on the device, so that only they are read back: what `Statistics::add` in
// src/statistics/campaign.rs does with the episodes of blocks, in integers.
//
// `tally`: invocation (slice, block) adds the episodes of a slice of a block that have ended in this dispatch; workgroups have
// all slices of GROUP_BLOCKS blocks. What many would write to few words they first add up in the workgroup: sums, and counts
// of returns and lengths in a table of TABLE_ENTRIES.
//
// Bindings of group 1: 0 outcomes as in rollout.wgsl, four lanes a word, read; 1 sums, see tallied.wgsl; 2 buckets, how many
// returns have each value of their top 21 bits; 3 totals [user-steps,
// clicks, invalid choices, truncated episodes, faults, quality clicked][block].

#import slatesim::job::job
#import slatesim::blocks::{BLOCK_QUADS, QUAD, num_blocks}
#import slatesim::exact_sum::{Window, add, add_square, decompose, is_finite, takes, window_below, DIGITS}
#import slatesim::workgroup_sums::{add_to_word, deposit, deposit_number, deposit_square, deposit_sum, deposit_squares}
#import slatesim::workgroup_sums::{raise_word, word}
#import slatesim::tallied::{running_word, RETURNS, SLOPES, PRODUCTS, PRODUCT_DIGITS, EXTREMES, LENGTHS, SUM_WORDS}

// Rust: `QUALITY_SLICES` in src/backend/gpu/work/rollout/tally.rs.
const SLICES: u32 = 16u;
const SLICE_QUADS: u32 = BLOCK_QUADS / SLICES;
const GROUP_BLOCKS: u32 = #{WORKGROUP_SIZE}u / SLICES;
const BUCKET_SHIFT: u32 = 11u;
const NUM_BUCKETS: u32 = 1u << (32u - BUCKET_SHIFT);
// The key of length 0 in the table, behind those of buckets.
const LENGTH_KEY: u32 = NUM_BUCKETS;
const TABLE_ENTRIES: u32 = 1024u;

// Rows of outcomes, as in rollout.wgsl.
const TOTAL: u32 = 0u;
const SLOPE: u32 = 1u;
const LENGTH: u32 = 2u;
const CLICKS: u32 = 3u;
const QUALITY: u32 = 4u;
const RUNNING: u32 = 5u;
const INVALID: u32 = 6u;

// Rows of totals.
const USER_STEPS: u32 = 0u;
const BLOCK_CLICKS: u32 = 1u;
const BLOCK_INVALID: u32 = 2u;
const BLOCK_TRUNCATED: u32 = 3u;
// Lanes that contradict themselves: they run on and have not come to the end of the dispatch, or click without a step.
const BLOCK_FAULTS: u32 = 4u;
const BLOCK_QUALITY: u32 = 5u;

@group(1) @binding(0) var<storage, read> outcomes: array<vec4<u32>>;
@group(1) @binding(1) var<storage, read_write> sums: array<atomic<u32>>;
@group(1) @binding(2) var<storage, read_write> buckets: array<atomic<u32>>;
@group(1) @binding(3) var<storage, read_write> totals: array<u32>;

// An entry of the table counts one key; it holds the key plus one, 0 while it is free.
var<workgroup> entry_keys: array<atomic<u32>, TABLE_ENTRIES>;
var<workgroup> entry_counts: array<atomic<u32>, TABLE_ENTRIES>;
// Of the blocks of the workgroup: [USER_STEPS to BLOCK_FAULTS][block], and quality [block][slice].
var<workgroup> block_counts: array<atomic<u32>, BLOCK_QUALITY * GROUP_BLOCKS>;
var<workgroup> slice_qualities: array<f32, #{WORKGROUP_SIZE}>;

// Adds to the count of a bucket or a length.
fn add_to_count(key: u32, number: u32) {
    if key < NUM_BUCKETS {
        atomicAdd(&buckets[key], number);
    } else {
        atomicAdd(&sums[LENGTHS + key - LENGTH_KEY], number);
    }
}

// Counts a bucket or a length in its entry of the table, or at once where another key has the entry.
fn count(key: u32, number: u32) {
    // Multiplied by 2^32 over the golden ratio, neighbouring keys and those of round numbers lie far apart.
    let entry = (key * 2654435769u) / (0xffffffffu / TABLE_ENTRIES + 1u);
    var held = atomicLoad(&entry_keys[entry]);
    if held == 0u {
        let claimed = atomicCompareExchangeWeak(&entry_keys[entry], 0u, key + 1u);
        held = select(claimed.old_value, key + 1u, claimed.exchanged);
    }
    if held == key + 1u {
        atomicAdd(&entry_counts[entry], number);
    } else {
        add_to_count(key, number);
    }
}

// The largest and smallest numbers of a sample, which are found before it is added up.
struct Extent {
    // Keys; the second is of the negated number, so that the smallest is the largest.
    largest: u32,
    smallest: u32,
    // The position of the number of the largest magnitude; see exact_sum.wgsl.
    position: u32,
    num_infinite: u32,
}

// Returns a key that orders as the numbers do; 0 stands for no number.
fn key_of(number: f32) -> u32 {
    let bits = bitcast<u32>(number);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn widen(extent: ptr<function, Extent>, number: f32) {
    if is_finite(number) {
        (*extent).largest = max((*extent).largest, key_of(number));
        (*extent).smallest = max((*extent).smallest, key_of(-number));
        (*extent).position = max((*extent).position, decompose(number).position);
    } else {
        (*extent).num_infinite += 1u;
    }
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

fn put_sample(at: u32, extremes: u32, window: Window, extent: Extent) {
    deposit_sum(at, window);
    deposit_squares(at + SUM_WORDS, window);
    add_to_word(at + DIGITS, extent.num_infinite);
    raise_word(extremes, extent.largest);
    raise_word(extremes + 1u, extent.smallest);
}

fn sum_of(four: vec4<u32>) -> u32 {
    return four.x + four.y + four.z + four.w;
}

// Adds products of numbers below 2^16 to the digits of a sum of products.
fn put_products(product: u32, low: vec4<u32>, high: vec4<u32>) {
    let at = PRODUCTS + product * PRODUCT_DIGITS;
    deposit(at, 0u, sum_of(low), 1);
    deposit(at, 16u, sum_of(high), 1);
}

// A quad of a slice of a block. Slices take turns, so that invocations side by side read side by side.
fn quad_of_slice(block: u32, slice: u32, turn: u32) -> u32 {
    return block * BLOCK_QUADS + turn * SLICES + slice;
}

// A field of the outcomes of four lanes.
fn outcome(field: u32, quad: u32) -> vec4<u32> {
    return outcomes[field * (job.stride / QUAD) + quad];
}

// Which of four lanes run on.
fn running(quad: u32) -> vec4<u32> {
    return select(vec4<u32>(), outcome(RUNNING, quad), job.step_end < job.max_steps);
}

// Which of four lanes contradict themselves, as BLOCK_FAULTS counts.
fn faults(quad: u32) -> vec4<u32> {
    let lengths = outcome(LENGTH, quad);
    let runs = outcome(RUNNING, quad) != vec4<u32>();
    let is_short = runs & (lengths != vec4<u32>(job.step_end));
    let is_wrong = is_short | (lengths > vec4<u32>(job.step_end)) | (outcome(CLICKS, quad) > lengths);
    return select(vec4<u32>(), vec4<u32>(1u), is_wrong);
}

// Which of four lanes have ended their episode in this dispatch: not before, and not lanes without an episode.
fn have_ended(quad: u32) -> vec4<bool> {
    return (running(quad) == vec4<u32>()) & (outcome(LENGTH, quad) > vec4<u32>(job.step_begin));
}

// Adds a slice of a block to the sums of the block, which is number `place` of the workgroup.
fn add_slice(block: u32, slice: u32, place: u32) {
    var returns: Extent;
    var slopes: Extent;
    var num_running = 0u;
    var num_ended = 0u;
    var user_steps = vec4<u32>();
    var clicks = vec4<u32>();
    var invalid = vec4<u32>();
    var num_truncated = 0u;
    var num_faults = 0u;
    var quality = vec4<f32>();
    // Halves of the sums of clicks · clicks, clicks · length and length · length.
    var low: array<vec4<u32>, 3>;
    var high: array<vec4<u32>, 3>;
    // Episodes of one length in a row are counted together: often all have the same.
    var counted_length = 0u;
    var num_counted = 0u;
    for (var turn = 0u; turn < SLICE_QUADS; turn++) {
        let quad = quad_of_slice(block, slice, turn);
        let ended = have_ended(quad);
        let lengths = outcome(LENGTH, quad);
        let num_clicks = outcome(CLICKS, quad);
        // Totals are read when no episode runs on any more: those of earlier dispatches do not matter.
        user_steps += lengths;
        clicks += num_clicks;
        invalid += outcome(INVALID, quad);
        quality += bitcast<vec4<f32>>(outcome(QUALITY, quad));
        num_running += sum_of(running(quad));
        num_truncated += sum_of(outcome(RUNNING, quad));
        num_faults += sum_of(faults(quad));
        let by_clicks = select(vec4<u32>(), num_clicks, ended);
        let by_length = select(vec4<u32>(), lengths, ended);
        low[0] += (by_clicks * by_clicks) & vec4<u32>(0xffffu);
        high[0] += (by_clicks * by_clicks) >> vec4<u32>(16u);
        low[1] += (by_clicks * by_length) & vec4<u32>(0xffffu);
        high[1] += (by_clicks * by_length) >> vec4<u32>(16u);
        low[2] += (by_length * by_length) & vec4<u32>(0xffffu);
        high[2] += (by_length * by_length) >> vec4<u32>(16u);
        let total = outcome(TOTAL, quad);
        let slope = outcome(SLOPE, quad);
        for (var lane = 0u; lane < QUAD; lane++) {
            if !ended[lane] {
                continue;
            }
            num_ended += 1u;
            widen(&returns, bitcast<f32>(total[lane]));
            if is_finite(bitcast<f32>(total[lane])) {
                count(total[lane] >> BUCKET_SHIFT, 1u);
            }
            if lengths[lane] >= 2u {
                widen(&slopes, bitcast<f32>(slope[lane]));
            }
            if lengths[lane] != counted_length && num_counted > 0u {
                count(LENGTH_KEY + counted_length, num_counted);
                num_counted = 0u;
            }
            counted_length = lengths[lane];
            num_counted += 1u;
        }
    }
    atomicAdd(&block_counts[USER_STEPS * GROUP_BLOCKS + place], sum_of(user_steps));
    atomicAdd(&block_counts[BLOCK_CLICKS * GROUP_BLOCKS + place], sum_of(clicks));
    atomicAdd(&block_counts[BLOCK_INVALID * GROUP_BLOCKS + place], sum_of(invalid));
    atomicAdd(&block_counts[BLOCK_TRUNCATED * GROUP_BLOCKS + place], num_truncated);
    atomicAdd(&block_counts[BLOCK_FAULTS * GROUP_BLOCKS + place], num_faults);
    slice_qualities[place * SLICES + slice] = quality.x + quality.y + quality.z + quality.w;
    // The workgroup counts episodes that run on in word LENGTHS, the device in running_word().
    add_to_word(LENGTHS, num_running);
    if num_ended == 0u {
        return;
    }
    count(LENGTH_KEY + counted_length, num_counted);
    put_products(0u, low[0], high[0]);
    put_products(1u, low[1], high[1]);
    put_products(2u, low[2], high[2]);
    var return_window = window_below(returns.position);
    var slope_window = window_below(slopes.position);
    for (var turn = 0u; turn < SLICE_QUADS; turn++) {
        let quad = quad_of_slice(block, slice, turn);
        let ended = have_ended(quad);
        let lengths = outcome(LENGTH, quad);
        let total = outcome(TOTAL, quad);
        let slope = outcome(SLOPE, quad);
        for (var lane = 0u; lane < QUAD; lane++) {
            if ended[lane] {
                observe(RETURNS, &return_window, bitcast<f32>(total[lane]));
            }
            if ended[lane] && lengths[lane] >= 2u {
                observe(SLOPES, &slope_window, bitcast<f32>(slope[lane]));
            }
        }
    }
    put_sample(RETURNS, EXTREMES, return_window, returns);
    put_sample(SLOPES, EXTREMES + 2u, slope_window, slopes);
}

// Adds the sums of the workgroup to those of the device.
fn hand_over(index: u32) {
    for (var at = index; at <= LENGTHS; at += #{WORKGROUP_SIZE}u) {
        let number = word(at);
        if number == 0u {
            continue;
        }
        if at < EXTREMES {
            atomicAdd(&sums[at], number);
        } else if at < LENGTHS {
            atomicMax(&sums[at], number);
        } else {
            atomicAdd(&sums[running_word()], number);
        }
    }
    for (var entry = index; entry < TABLE_ENTRIES; entry += #{WORKGROUP_SIZE}u) {
        let held = atomicLoad(&entry_keys[entry]);
        if held != 0u {
            add_to_count(held - 1u, atomicLoad(&entry_counts[entry]));
        }
    }
}

// Writes the totals of a block of the workgroup.
fn put_totals(block: u32, place: u32) {
    let num_blocks = num_blocks();
    for (var row = 0u; row < BLOCK_QUALITY; row++) {
        totals[row * num_blocks + block] = atomicLoad(&block_counts[row * GROUP_BLOCKS + place]);
    }
    var quality = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) {
        quality += slice_qualities[place * SLICES + slice];
    }
    totals[BLOCK_QUALITY * num_blocks + block] = bitcast<u32>(quality);
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn tally(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = group.x * GROUP_BLOCKS;
    let place = index / SLICES;
    if first + place < num_blocks() {
        add_slice(first + place, index % SLICES, place);
    }
    workgroupBarrier();
    hand_over(index);
    if index < GROUP_BLOCKS && first + index < num_blocks() {
        put_totals(first + index, index);
    }
}
