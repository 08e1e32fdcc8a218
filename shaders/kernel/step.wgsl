// One step for agents outside, in three kernels: `start` begins episodes, `step` shows slates, `observe` looks.
// Twin: `LaneStepper` in src/backend/lanes/stepper.rs.
//
// Bindings of group 1: 0 users [USER_FIELDS][lane], 1 clocks [episode low, episode high, step][lane],
// 2 inputs (start: 1 where a lane begins, then episode low and high, each [lane]; step: slates [lane][SLATE_SIZE]),
// 3 outcomes [reward, chosen or NUM_CONSIDERED, terminated, truncated][lane],
// 4 observations (step: responses [lane][SLATE_SIZE][RESPONSE_SIZE]; observe: users [lane][USER_SIZE], then documents
// [lane or one][NUM_CANDIDATES][DOCUMENT_SIZE]).

#import slatesim::rng::{Stream, words, STEP}
#import slatesim::candidates::{job, environment_parameters, features}
#ifdef OBSERVES_USER
#import slatesim::candidates::user_features
#endif
#import slatesim::drive
#import environment

@group(1) @binding(0) var<storage, read_write> users: array<f32>;
@group(1) @binding(1) var<storage, read_write> clocks: array<u32>;
@group(1) @binding(2) var<storage, read> inputs: array<u32>;
@group(1) @binding(3) var<storage, read_write> outcomes: array<u32>;
@group(1) @binding(4) var<storage, read_write> observations: array<f32>;

fn load_stream(lane: u32) -> Stream {
    let episode = vec2<u32>(clocks[lane], clocks[job.num_lanes + lane]);
    return Stream(job.key, episode, clocks[2u * job.num_lanes + lane]);
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
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn step(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes {
        return;
    }
    let parameters = environment_parameters;
    let stream = load_stream(lane);
    var slate: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        slate[position] = inputs[lane * #{NUM_SHOWN}u + position];
    }
    var stepped = drive::take_step(stream, words(stream, STEP, 0u), slate, load_user(lane));
    store_user(lane, stepped.user);
    let steps = stream.step + 1u;
    clocks[2u * job.num_lanes + lane] = steps;
    outcomes[lane] = bitcast<u32>(stepped.reward);
    outcomes[job.num_lanes + lane] = stepped.chosen;
    outcomes[2u * job.num_lanes + lane] = select(0u, 1u, environment::is_terminal(parameters, stepped.user));
    outcomes[3u * job.num_lanes + lane] = select(0u, 1u, steps >= job.max_steps);
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let is_chosen = stepped.clicked && stepped.chosen == position;
        var response = environment::observe_response(parameters, stepped.documents[position], stepped.response, is_chosen);
        for (var number = 0u; number < #{RESPONSE_SIZE}u; number++) {
            observations[(lane * #{NUM_SHOWN}u + position) * #{RESPONSE_SIZE}u + number] = response[number];
        }
    }
}

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn observe(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= job.num_lanes {
        return;
    }
    let parameters = environment_parameters;
    let stream = load_stream(lane);
    var first_document = 0u;
#ifdef OBSERVES_USER
    var user = user_features(stream, load_user(lane));
    for (var number = 0u; number < #{USER_SIZE}u; number++) {
        observations[lane * #{USER_SIZE}u + number] = user[number];
    }
    first_document = job.num_lanes * #{USER_SIZE}u;
#endif
#ifdef HAS_CORPUS
    // All users look at the same documents: once is enough.
    if lane > 0u {
        return;
    }
#endif
    for (var candidate = 0u; candidate < #{NUM_CANDIDATES}u; candidate++) {
        var document = features(stream, candidate);
        for (var number = 0u; number < #{DOCUMENT_SIZE}u; number++) {
            let at = (lane * #{NUM_CANDIDATES}u + candidate) * #{DOCUMENT_SIZE}u + number;
            observations[first_document + at] = document[number];
        }
    }
}
