// One step for agents outside, in three kernels: `start` begins episodes, `step` shows slates, `observe` looks; and in a
// fourth, where RECOMMENDS, `recommend` asks the policy.
// Twin: `LaneStepper` in src/backend/lanes/stepper.rs.
//
// Bindings of group 1: 0 users [USER_FIELDS, then POLICY_STATE if LEARNS][lane], 1 clocks [episode low, episode high, step][lane],
// 2 inputs (start: 1 where a lane begins, then episode low and high, each [lane]; step: slates [lane][NUM_SHOWN], then
// words [lane][4] where they are given),
// 3 outcomes [reward, chosen or NUM_CONSIDERED, terminated, truncated][lane]; by recommend slates [lane][NUM_SHOWN],
// 4 observations: responses [lane][NUM_SHOWN][RESPONSE_SIZE] by step; users [lane][USER_SIZE], then documents
// [environment or one][NUM_CANDIDATES][DOCUMENT_SIZE] by observe.

#import slatesim::rng::{Stream, words, STEP}
#import slatesim::job::job
#import slatesim::candidates::{environment_parameters, features}
#ifdef OBSERVES_USER
#import slatesim::candidates::user_features
#endif
#import slatesim::drive
#import slatesim::part::{first_candidate, end_of_candidates}
#ifdef IN_PARTS
#ifdef RECOMMENDS
#import slatesim::carried
#endif
#endif
#import environment
#ifdef LEARNS
#import layered
#else ifdef RECOMMENDS
#import layered
#endif

@group(1) @binding(0) var<storage, read_write> users: array<f32>;
@group(1) @binding(1) var<storage, read_write> clocks: array<u32>;
@group(1) @binding(2) var<storage, read> inputs: array<u32>;
@group(1) @binding(3) var<storage, read_write> outcomes: array<u32>;
@group(1) @binding(4) var<storage, read_write> observations: array<f32>;

// Rust: `IDLE` in src/backend/stepper.rs.
const IDLE: u32 = 0xfffffffeu;

fn load_stream(lane: u32) -> Stream {
    let episode = vec2<u32>(clocks[lane], clocks[job.num_lanes + lane]);
    return Stream(job.key, episode, clocks[2u * job.num_lanes + lane]);
}

// Names the draws of the documents: those of the first user of the environment. The step is read from the lane itself,
// because the first user may already have counted it.
fn load_document_stream(lane: u32) -> Stream {
    let first = lane - lane % job.users_per_env;
    let episode = vec2<u32>(clocks[first], clocks[job.num_lanes + first]);
    return Stream(job.key, episode, clocks[2u * job.num_lanes + lane]);
}

// Draws the words STEP of a lane, or takes those that are given after the slates.
fn load_step_words(lane: u32, stream: Stream) -> vec4<u32> {
    if job.words_are_given == 0u {
        return words(stream, STEP, 0u);
    }
    let first = job.num_lanes * #{NUM_SHOWN}u + 4u * lane;
    return vec4<u32>(inputs[first], inputs[first + 1u], inputs[first + 2u], inputs[first + 3u]);
}

fn load_user(lane: u32) -> environment::User {
    var fields: array<f32, #{USER_FIELDS}>;
    for (var field = 0u; field < #{USER_FIELDS}u; field++) {
        fields[field] = users[field * job.num_lanes + lane];
    }
    return environment::user_from_fields(fields);
}

fn store_user(lane: u32, user: environment::User) {
    var fields = environment::user_fields(user);
    for (var field = 0u; field < #{USER_FIELDS}u; field++) {
        users[field * job.num_lanes + lane] = fields[field];
    }
}

// What the policy remembers of the user of a lane.
fn load_policy_state(lane: u32) -> array<f32, #{POLICY_STATE}> {
    var policy_state: array<f32, #{POLICY_STATE}>;
#ifdef LEARNS
    for (var number = 0u; number < #{POLICY_STATE}u; number++) {
        policy_state[number] = users[(#{USER_FIELDS}u + number) * job.num_lanes + lane];
    }
#endif
    return policy_state;
}

fn store_policy_state(lane: u32, given: array<f32, #{POLICY_STATE}>) {
#ifdef LEARNS
    var policy_state = given;
    for (var number = 0u; number < #{POLICY_STATE}u; number++) {
        users[(#{USER_FIELDS}u + number) * job.num_lanes + lane] = policy_state[number];
    }
#endif
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn start(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes || inputs[lane] == 0u {
        return;
    }
    clocks[lane] = inputs[job.num_lanes + lane];
    clocks[job.num_lanes + lane] = inputs[2u * job.num_lanes + lane];
    clocks[2u * job.num_lanes + lane] = 0u;
    store_user(lane, drive::sample_user(load_stream(lane)));
    store_policy_state(lane, array<f32, #{POLICY_STATE}>());
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn step(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes {
        return;
    }
    let parameters = environment_parameters;
    let stream = load_stream(lane);
    let takes_part = inputs[lane * #{NUM_SHOWN}u] != IDLE;
    var slate: array<u32, #{NUM_SHOWN}>;
    var length = 0u;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let candidate = inputs[lane * #{NUM_SHOWN}u + position];
        let is_shown = takes_part && candidate < #{NUM_CANDIDATES}u;
        slate[position] = select(0u, candidate, is_shown);
        length = length + select(0u, 1u, is_shown);
    }
    let user = load_user(lane);
    let step_words = load_step_words(lane, stream);
    var stepped = drive::take_step(stream, load_document_stream(lane), step_words, slate, length, user);
    let steps = stream.step + 1u;
    clocks[2u * job.num_lanes + lane] = steps;
    if takes_part {
        store_user(lane, stepped.user);
    }
#ifdef LEARNS
    // Policies learn nothing from short slates.
    if length == #{NUM_SHOWN}u {
        var policy_state = load_policy_state(lane);
        layered::observe(&policy_state, &stepped);
        store_policy_state(lane, policy_state);
    }
#endif
    let is_terminal = environment::is_terminal(parameters, stepped.user);
    outcomes[lane] = select(0u, bitcast<u32>(stepped.reward), takes_part);
    outcomes[job.num_lanes + lane] = select(#{NUM_CONSIDERED}u, stepped.chosen, takes_part);
    outcomes[2u * job.num_lanes + lane] = select(0u, 1u, takes_part && is_terminal);
    outcomes[3u * job.num_lanes + lane] = select(0u, 1u, takes_part && steps >= job.max_steps);
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let is_chosen = stepped.clicked && stepped.chosen == position;
        var response = environment::observe_response(parameters, stepped.documents[position], stepped.response, is_chosen);
        for (var number = 0u; number < #{RESPONSE_SIZE}u; number++) {
            let at = (lane * #{NUM_SHOWN}u + position) * #{RESPONSE_SIZE}u + number;
            observations[at] = select(0.0, response[number], position < length);
        }
    }
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn observe(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes {
        return;
    }
    let first_user = job.num_lanes * #{NUM_SHOWN}u * #{RESPONSE_SIZE}u;
    var first_document = first_user;
#ifdef OBSERVES_USER
    var user = user_features(load_stream(lane), load_user(lane));
    for (var number = 0u; number < #{USER_SIZE}u; number++) {
        observations[first_user + lane * #{USER_SIZE}u + number] = user[number];
    }
    first_document = first_user + job.num_lanes * #{USER_SIZE}u;
#endif
    if job.candidate_end == 0u {
        // Nobody asks for documents.
        return;
    }
    // Users who look at the same documents: the first of them writes what is observed.
#ifdef HAS_CORPUS
    if lane > 0u {
        return;
    }
#else
    if lane % job.users_per_env != 0u {
        return;
    }
#endif
    let environment_index = lane / job.users_per_env;
    for (var candidate = first_candidate(); candidate < end_of_candidates(); candidate++) {
        var document = features(load_document_stream(lane), candidate);
        for (var number = 0u; number < #{DOCUMENT_SIZE}u; number++) {
            let at = (environment_index * #{NUM_CANDIDATES}u + candidate) * #{DOCUMENT_SIZE}u + number;
            observations[first_document + at] = document[number];
        }
    }
}

#ifdef RECOMMENDS
@compute @workgroup_size(#{WORKGROUP_SIZE})
fn recommend(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes {
        return;
    }
    let stream = load_stream(lane);
    var policy_state = load_policy_state(lane);
#ifdef IN_PARTS
    if job.candidate_begin > 0u {
        carried::load(lane, job.num_lanes);
    }
#endif
    var slate = layered::recommend(stream, words(stream, STEP, 0u).w, load_user(lane), &policy_state);
#ifdef IN_PARTS
    if job.candidate_end < #{NUM_CANDIDATES}u {
        carried::store(lane, job.num_lanes);
        return;
    }
#endif
    store_policy_state(lane, policy_state);
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        outcomes[lane * #{NUM_SHOWN}u + position] = slate[position];
    }
}
#endif
