// Sums of each step over spans of lanes, formed in the memory of the workgroup while the steps run: a rollout leaves three
// words a span of each step, and no reward leaves the workgroup.
//
// A tile is TILE_STEPS steps. Every lane puts its rewards and clicks of the tile; after a barrier each invocation adds one
// step of one slice of its span, and after another the first SUMS of a span have the sums of the slices. Which invocation adds
// what in which order depends on the span alone, not on how many of them the workgroup has. Two barriers a tile are enough:
// rewards are read between the two and written outside of them, and sums of slices are read after the second and written
// before it.
//
// Host: `read_curve` in src/backend/gpu/work/rollout/episodes.rs, which adds them up to sums of blocks.

#define_import_path slatesim::step_sums

#import slatesim::blocks::SPAN

const TILE_STEPS: u32 = 8u;
// Of rewards, of their squares and of clicks, of each step of a tile.
const SUMS: u32 = 3u * TILE_STEPS;
const SLICES: u32 = SPAN / TILE_STEPS;
const SLICE_LANES: u32 = SPAN / SLICES;
// The clicks of a lane have so many bits a step: those of a slice can be added side by side.
const CLICK_BITS: u32 = 4u;
const CLICK_MASK: u32 = (1u << CLICK_BITS) - 1u;
// The length of a row of rewards, such that invocations side by side read from different banks of the memory.
const ROW: u32 = #{WORKGROUP_SIZE}u + 4u;

// Shape [step][lane], [lane], and [rewards, squares, clicks][span][slice][step].
var<workgroup> rewards: array<f32, TILE_STEPS * ROW>;
var<workgroup> clicks: array<u32, #{WORKGROUP_SIZE}>;
var<workgroup> slices: array<f32, 3u * #{WORKGROUP_SIZE}>;

// Takes the reward of a lane of the workgroup at a step of the tile: 0 where it has none.
fn put_reward(lane: u32, step: u32, reward: f32) {
    rewards[step * ROW + lane] = reward;
}

// Where the click of a step of the tile is in the word of a lane.
fn click_at(step: u32, click: u32) -> u32 {
    return click << (CLICK_BITS * step);
}

fn put_clicks(lane: u32, word: u32) {
    clicks[lane] = word;
}

// Adds one step of one slice of the invocation's span: after a barrier.
fn add_slice(index: u32) {
    let step = index % TILE_STEPS;
    let first = index / SPAN * SPAN + index % SPAN / TILE_STEPS;
    var reward_sum = 0.0;
    var square_sum = 0.0;
    var click_words = 0u;
    for (var turn = 0u; turn < SLICE_LANES; turn++) {
        let lane = first + turn * SLICES;
        let reward = rewards[step * ROW + lane];
        reward_sum += reward;
        square_sum += reward * reward;
        click_words += clicks[lane];
    }
    slices[index] = reward_sum;
    slices[#{WORKGROUP_SIZE}u + index] = square_sum;
    slices[2u * #{WORKGROUP_SIZE}u + index] = f32((click_words >> (CLICK_BITS * step)) & CLICK_MASK);
}

// A sum over the span of the invocation, one of SUMS: after another barrier. Counts of clicks are small, so that they are
// exact as floating point numbers.
fn sum_of_slices(index: u32) -> u32 {
    let plane = index % SPAN / TILE_STEPS;
    let first = plane * #{WORKGROUP_SIZE}u + index / SPAN * SPAN + index % TILE_STEPS;
    var sum = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) {
        sum += slices[first + slice * TILE_STEPS];
    }
    return select(bitcast<u32>(sum), u32(sum), plane == 2u);
}
