// Whole episodes in registers, or as many steps of them as one dispatch may take: twin of `Rollout` in
// src/backend/lanes/rollout.rs.
//
// Lane i writes its own column of users and outcomes. Its workgroup, which has whole spans of one block, writes the sums of
// steps over these spans. Counts of a block are integers that are added atomically, so that the order does not matter. Any
// workgroup size gives the same bits. Rows are job.stride long; entries that no episode reaches are zero.
//
// Bindings of group 1: 0 users [USER_FIELDS, then POLICY_STATE if LEARNS][lane]; 1 outcomes [OUTCOME_FIELDS][lane]; 2 curve
// [rewards, squared rewards, clicks][step][span], with steps counted from step_begin; 3 counts [block][impressions of each
// topic, clicks of each topic, clicks at each position]; 4 weights [discount][step], the powers of the discounts, with
// HAS_DISCOUNTS.
// Defs: POSITIONS_IN_REGISTERS where positions are few enough to be counted by each lane; COUNTS_IN_WORKGROUP where counts
// are few enough for the memory of a workgroup; IN_PARTS where a dispatch has a part of the candidates of one step, see
// carried.wgsl.

#import slatesim::rng::{Stream, words, STEP}
#import slatesim::job::job
#import slatesim::candidates::{environment_parameters, stream_of_lane}
#ifdef MANY_POINTS
#import slatesim::candidates::{enter_point, episode_of_point}
#endif
#import slatesim::blocks::SPAN
#import slatesim::drive
#import slatesim::compensated::{Sum, add, value}
#import slatesim::slope::least_squares_slope
#import slatesim::step_sums::{add_slice, click_at, put_clicks, put_reward, sum_of_slices, SUMS, TILE_STEPS}
#ifdef IN_PARTS
#import slatesim::carried
#endif
#import environment
#import layered

// Rust: src/backend/gpu/work/rollout/buffers.rs.
const TOTAL: u32 = 0u;
const SLOPE: u32 = 1u;
const LENGTH: u32 = 2u;
const CLICKS: u32 = 3u;
const QUALITY: u32 = 4u;
const RUNNING: u32 = 5u;
const INVALID: u32 = 6u;
// For the next dispatch alone: the host does not read them. Sums and what their roundings have lost.
const SUM: u32 = 7u;
const SUM_REST: u32 = 8u;
const STEP_WEIGHTED: u32 = 9u;
const STEP_WEIGHTED_REST: u32 = 10u;
// One row for each discount, which the host reads, and then two for each as above.
const DISCOUNTED: u32 = 11u;
const DISCOUNTED_SUM: u32 = DISCOUNTED + #{NUM_DISCOUNTS}u;

@group(1) @binding(0) var<storage, read_write> users: array<f32>;
@group(1) @binding(1) var<storage, read_write> outcomes: array<u32>;
@group(1) @binding(2) var<storage, read_write> curve: array<u32>;
@group(1) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

// Counts of a block.
const COUNTS: u32 = 2u * #{NUM_TOPICS}u + #{NUM_CONSIDERED}u;
const FIRST_TOPIC_CLICK: u32 = #{NUM_TOPICS}u;
const FIRST_POSITION_CLICK: u32 = 2u * #{NUM_TOPICS}u;

#ifdef HAS_DISCOUNTS
@group(1) @binding(4) var<storage, read> weights: array<f32>;
#endif

// Reads a sum of the lane, which has two rows.
fn load_sum(row: u32, lane: u32) -> Sum {
    let rounded = bitcast<f32>(outcomes[row * job.stride + lane]);
    return Sum(rounded, bitcast<f32>(outcomes[(row + 1u) * job.stride + lane]));
}

fn store_sum(row: u32, lane: u32, sum: Sum) {
    outcomes[row * job.stride + lane] = bitcast<u32>(sum.rounded);
    outcomes[(row + 1u) * job.stride + lane] = bitcast<u32>(sum.rest);
}

#ifdef COUNTS_IN_WORKGROUP
// What the workgroup adds to the counts of its block.
var<workgroup> own_counts: array<atomic<u32>, COUNTS>;
#endif

// Adds to a count of the block of the workgroup.
fn add_to_count(block: u32, count: u32, number: u32) {
#ifdef COUNTS_IN_WORKGROUP
    atomicAdd(&own_counts[count], number);
#else
    atomicAdd(&counts[block * COUNTS + count], number);
#endif
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn rollout(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let lane = group.x * #{WORKGROUP_SIZE}u + index;
    let block = lane / #{BLOCK_EPISODES}u;
#ifdef MANY_POINTS
    enter_point(lane);
    let episode = episode_of_point(lane);
#else
    let episode = lane;
#endif
    let parameters = environment_parameters;
    var stream = stream_of_lane(episode, 0u);
    var user: environment::User;
    var total = Sum(0.0, 0.0);
    var step_weighted = Sum(0.0, 0.0);
#ifdef HAS_DISCOUNTS
    var discounted: array<Sum, #{NUM_DISCOUNTS}>;
#endif
    var length = 0u;
    var num_clicks = 0u;
    var quality = 0.0;
    var num_invalid = 0u;
    var running = episode < job.num_lanes;
    // What the policy remembers of the user: nothing at first.
    var policy_state: array<f32, #{POLICY_STATE}>;
    if job.step_begin == 0u {
        user = drive::sample_user(stream);
    } else {
        var fields: array<f32, #{USER_FIELDS}>;
        for (var field = 0u; field < #{USER_FIELDS}u; field++) {
            fields[field] = users[field * job.stride + lane];
        }
        user = environment::user_from_fields(fields);
#ifdef LEARNS
        for (var number = 0u; number < #{POLICY_STATE}u; number++) {
            policy_state[number] = users[(#{USER_FIELDS}u + number) * job.stride + lane];
        }
#endif
        total = load_sum(SUM, lane);
        step_weighted = load_sum(STEP_WEIGHTED, lane);
#ifdef HAS_DISCOUNTS
        for (var discount = 0u; discount < #{NUM_DISCOUNTS}u; discount++) {
            discounted[discount] = load_sum(DISCOUNTED_SUM + 2u * discount, lane);
        }
#endif
        length = outcomes[LENGTH * job.stride + lane];
        num_clicks = outcomes[CLICKS * job.stride + lane];
        quality = bitcast<f32>(outcomes[QUALITY * job.stride + lane]);
        num_invalid = outcomes[INVALID * job.stride + lane];
        running = outcomes[RUNNING * job.stride + lane] != 0u;
    }
#ifdef POSITIONS_IN_REGISTERS
    var position_clicks: array<u32, #{NUM_CONSIDERED}>;
#endif

#ifdef IN_PARTS
    if running && job.candidate_begin > 0u {
        carried::load(lane, job.stride);
    }
    if job.candidate_end < #{NUM_CANDIDATES}u {
        if running {
            stream.step = job.step_begin;
            layered::recommend(stream, words(stream, STEP, 0u).w, user, &policy_state);
            carried::store(lane, job.stride);
        }
        return;
    }
#endif
    let num_steps = job.step_end - job.step_begin;
    for (var first = 0u; first < num_steps; first += TILE_STEPS) {
        let end = min(TILE_STEPS, num_steps - first);
        var click_word = 0u;
        for (var step_of_tile = 0u; step_of_tile < end; step_of_tile++) {
            if !running {
                put_reward(index, step_of_tile, 0.0);
                continue;
            }
            let step = job.step_begin + first + step_of_tile;
            stream.step = step;
            let step_words = words(stream, STEP, 0u);
            let slate = layered::recommend(stream, step_words.w, user, &policy_state);
            var stepped = drive::take_step(stream, stream, step_words, slate, #{NUM_SHOWN}u, user);
            user = stepped.user;

            let click = select(0u, 1u, stepped.clicked);
            total = add(total, stepped.reward);
            step_weighted = add(step_weighted, f32(step) * stepped.reward);
#ifdef HAS_DISCOUNTS
            for (var discount = 0u; discount < #{NUM_DISCOUNTS}u; discount++) {
                let weight = weights[discount * num_steps + first + step_of_tile];
                discounted[discount] = add(discounted[discount], weight * stepped.reward);
            }
#endif
            length = length + 1u;
            num_clicks = num_clicks + click;
            num_invalid = num_invalid + select(1u, 0u, stepped.is_valid);
            put_reward(index, step_of_tile, stepped.reward);
            click_word = click_word | click_at(step_of_tile, click);
            let clicked_document = stepped.documents[select(0u, stepped.chosen, stepped.clicked)];
#ifdef HAS_QUALITY
            quality = quality + select(0.0, environment::quality(parameters, clicked_document), stepped.clicked);
#endif
#ifdef POSITIONS_IN_REGISTERS
            position_clicks[min(stepped.chosen, #{NUM_CONSIDERED}u - 1u)] += click;
#else
            if stepped.clicked {
                add_to_count(block, FIRST_POSITION_CLICK + stepped.chosen, 1u);
            }
#endif
#ifdef HAS_TOPICS
            if stepped.clicked {
                add_to_count(block, FIRST_TOPIC_CLICK + environment::topic(parameters, clicked_document), 1u);
            }
            for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
                add_to_count(block, environment::topic(parameters, stepped.documents[position]), 1u);
            }
#endif
#ifdef LEARNS
            layered::observe(&policy_state, &stepped);
#endif
            running = !environment::is_terminal(parameters, user);
        }
        put_clicks(index, click_word);
        workgroupBarrier();
        add_slice(index);
        workgroupBarrier();
        let sum = index % SPAN;
        let step_of_sum = first + sum % TILE_STEPS;
        if sum < SUMS && step_of_sum < num_steps {
            let row = sum / TILE_STEPS * num_steps + step_of_sum;
            curve[row * (job.stride / SPAN) + lane / SPAN] = sum_of_slices(index);
        }
    }

    outcomes[TOTAL * job.stride + lane] = bitcast<u32>(value(total));
    store_sum(SUM, lane, total);
    store_sum(STEP_WEIGHTED, lane, step_weighted);
#ifdef HAS_DISCOUNTS
    for (var discount = 0u; discount < #{NUM_DISCOUNTS}u; discount++) {
        outcomes[(DISCOUNTED + discount) * job.stride + lane] = bitcast<u32>(value(discounted[discount]));
        store_sum(DISCOUNTED_SUM + 2u * discount, lane, discounted[discount]);
    }
#endif
    outcomes[SLOPE * job.stride + lane] = bitcast<u32>(least_squares_slope(total, step_weighted, length));
    outcomes[LENGTH * job.stride + lane] = length;
    outcomes[CLICKS * job.stride + lane] = num_clicks;
    outcomes[QUALITY * job.stride + lane] = bitcast<u32>(quality);
    outcomes[INVALID * job.stride + lane] = num_invalid;
    outcomes[RUNNING * job.stride + lane] = select(0u, 1u, running);
    // The users of the last dispatch are not read again.
    if job.step_end < job.max_steps {
        var fields = environment::user_fields(user);
        for (var field = 0u; field < #{USER_FIELDS}u; field++) {
            users[field * job.stride + lane] = fields[field];
        }
#ifdef LEARNS
        for (var number = 0u; number < #{POLICY_STATE}u; number++) {
            users[(#{USER_FIELDS}u + number) * job.stride + lane] = policy_state[number];
        }
#endif
    }
#ifdef POSITIONS_IN_REGISTERS
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        add_to_count(block, FIRST_POSITION_CLICK + position, position_clicks[position]);
    }
#endif
#ifdef COUNTS_IN_WORKGROUP
    workgroupBarrier();
    for (var count = index; count < COUNTS; count += #{WORKGROUP_SIZE}u) {
        let number = atomicLoad(&own_counts[count]);
        if number > 0u {
            atomicAdd(&counts[block * COUNTS + count], number);
        }
    }
#endif
}
