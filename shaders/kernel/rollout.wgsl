// Whole episodes in registers, or as many steps of them as one dispatch may take: twin of `Rollout` in
// src/backend/lanes/rollout.rs.
//
// Who writes what: lane i its own column of every buffer, and the counts of its block by atomic addition of integers,
// whose order is of no consequence. No barriers, no workgroup memory: any workgroup size gives the same bits.
// Rows are job.stride long, see blocks.wgsl for which episode has which lane; what no episode reaches is zero.
//
// Bindings of group 1: 0 users [USER_FIELDS, then POLICY_STATE if LEARNS][lane], 1 outcomes [OUTCOME_FIELDS][lane], 2 rewards [step][lane],
// 3 clicks [step / 32][lane] with a bit a step, 4 counts [block][impressions of each topic, clicks of each topic, clicks at
// each position]. Steps count from step_begin. Defs: TOPICS_IN_REGISTERS and SLOTS_IN_REGISTERS where topics and positions
// are few enough to be counted before they are added.

#import slatesim::rng::{Stream, words, STEP}
#import slatesim::candidates::{job, environment_parameters, stream_of_lane}
#ifdef MANY_POINTS
#import slatesim::candidates::{enter_point, episode_of_point}
#endif
#import slatesim::blocks::episode_of_lane
#import slatesim::drive
#import slatesim::slope::least_squares_slope
#import environment
#import agent

// Rust: src/backend/gpu/rollout.rs.
const TOTAL: u32 = 0u;
const SLOPE: u32 = 1u;
const LENGTH: u32 = 2u;
const CLICKS: u32 = 3u;
const QUALITY: u32 = 4u;
const RUNNING: u32 = 5u;
const INVALID: u32 = 6u;
// For the next dispatch alone: the host does not read it.
const STEP_WEIGHTED: u32 = 7u;

@group(1) @binding(0) var<storage, read_write> users: array<f32>;
@group(1) @binding(1) var<storage, read_write> outcomes: array<u32>;
@group(1) @binding(2) var<storage, read_write> rewards: array<f32>;
@group(1) @binding(3) var<storage, read_write> clicks: array<u32>;
@group(1) @binding(4) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn rollout(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.stride {
        return;
    }
    let place = episode_of_lane(lane);
#ifdef MANY_POINTS
    enter_point(place);
    let episode = episode_of_point(place);
#else
    let episode = place;
#endif
    let parameters = environment_parameters;
    var stream = stream_of_lane(episode, 0u);
    var user: environment::User;
    var total = 0.0;
    var step_weighted = 0.0;
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
        total = bitcast<f32>(outcomes[TOTAL * job.stride + lane]);
        step_weighted = bitcast<f32>(outcomes[STEP_WEIGHTED * job.stride + lane]);
        length = outcomes[LENGTH * job.stride + lane];
        num_clicks = outcomes[CLICKS * job.stride + lane];
        quality = bitcast<f32>(outcomes[QUALITY * job.stride + lane]);
        num_invalid = outcomes[INVALID * job.stride + lane];
        running = outcomes[RUNNING * job.stride + lane] != 0u;
    }
    let counts_of_block = place / #{BLOCK_EPISODES}u * (2u * #{NUM_TOPICS}u + #{NUM_CONSIDERED}u);
    let slots_of_block = counts_of_block + 2u * #{NUM_TOPICS}u;
#ifdef SLOTS_IN_REGISTERS
    var slot_clicks: array<u32, #{NUM_CONSIDERED}>;
#endif
#ifdef TOPICS_IN_REGISTERS
    var topic_impressions: array<u32, #{NUM_TOPICS}>;
    var topic_clicks: array<u32, #{NUM_TOPICS}>;
#endif

    var click_bits = 0u;
    var step = job.step_begin;
    for (; step < job.step_end && running; step++) {
        stream.step = step;
        let step_words = words(stream, STEP, 0u);
        let slate = agent::recommend(stream, step_words.w, user, &policy_state);
        var stepped = drive::take_step(stream, stream, step_words, slate, #{NUM_SHOWN}u, user);
        user = stepped.user;

        let relative = step - job.step_begin;
        let click = select(0u, 1u, stepped.clicked);
        total = total + stepped.reward;
        step_weighted = step_weighted + f32(step) * stepped.reward;
        length = length + 1u;
        num_clicks = num_clicks + click;
        num_invalid = num_invalid + select(1u, 0u, stepped.is_valid);
        rewards[relative * job.stride + lane] = stepped.reward;
        click_bits = click_bits | (click << (relative % 32u));
#ifdef HAS_QUALITY
        let clicked_document = stepped.documents[select(0u, stepped.chosen, stepped.clicked)];
        quality = quality + select(0.0, environment::quality(parameters, clicked_document), stepped.clicked);
#endif
#ifdef SLOTS_IN_REGISTERS
        slot_clicks[min(stepped.chosen, #{NUM_CONSIDERED}u - 1u)] += click;
#else
        if stepped.clicked {
            atomicAdd(&counts[slots_of_block + stepped.chosen], 1u);
        }
#endif
#ifdef HAS_TOPICS
        for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
            let topic = environment::topic(parameters, stepped.documents[position]);
            let topic_click = select(0u, 1u, stepped.clicked && stepped.chosen == position);
#ifdef TOPICS_IN_REGISTERS
            topic_impressions[topic] += 1u;
            topic_clicks[topic] += topic_click;
#else
            atomicAdd(&counts[counts_of_block + topic], 1u);
            atomicAdd(&counts[counts_of_block + #{NUM_TOPICS}u + topic], topic_click);
#endif
        }
#endif
#ifdef LEARNS
        agent::observe(&policy_state, &stepped);
#endif
        running = !environment::is_terminal(parameters, user);
        if relative % 32u == 31u {
            clicks[(relative / 32u) * job.stride + lane] = click_bits;
            click_bits = 0u;
        }
    }
    for (; step < job.step_end; step++) {
        let relative = step - job.step_begin;
        rewards[relative * job.stride + lane] = 0.0;
        if relative % 32u == 31u {
            clicks[(relative / 32u) * job.stride + lane] = click_bits;
            click_bits = 0u;
        }
    }
    clicks[((step - job.step_begin) / 32u) * job.stride + lane] = click_bits;

    outcomes[TOTAL * job.stride + lane] = bitcast<u32>(total);
    outcomes[STEP_WEIGHTED * job.stride + lane] = bitcast<u32>(step_weighted);
    outcomes[SLOPE * job.stride + lane] = bitcast<u32>(least_squares_slope(total, step_weighted, length));
    outcomes[LENGTH * job.stride + lane] = length;
    outcomes[CLICKS * job.stride + lane] = num_clicks;
    outcomes[QUALITY * job.stride + lane] = bitcast<u32>(quality);
    outcomes[INVALID * job.stride + lane] = num_invalid;
    outcomes[RUNNING * job.stride + lane] = select(0u, 1u, running);
    // Nobody reads the users of the last dispatch.
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
#ifdef SLOTS_IN_REGISTERS
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        atomicAdd(&counts[slots_of_block + position], slot_clicks[position]);
    }
#endif
#ifdef TOPICS_IN_REGISTERS
    for (var topic = 0u; topic < #{NUM_TOPICS}u; topic++) {
        atomicAdd(&counts[counts_of_block + topic], topic_impressions[topic]);
        atomicAdd(&counts[counts_of_block + #{NUM_TOPICS}u + topic], topic_clicks[topic]);
    }
#endif
}
