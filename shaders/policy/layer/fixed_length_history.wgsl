// The last few observations of the user and responses, for the policy to read.
// Twin: src/policy/layer/fixed_length_history.rs, with the layout of the state.
// Defs: HISTORY_NUMBERS, of the state; HISTORY_ENTRY, of an entry; HISTORY_USER and HISTORY_RESPONSE, its parts;
// REMEMBERS_USER.

#import environment
#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates
#import slatesim::drive::Stepped

fn prepare(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) {
#ifdef REMEMBERS_USER
    var observed = candidates::user_features(stream, user);
    for (var number = 0u; number < #{HISTORY_USER}u; number++) {
        (*state)[#{FIXED_LENGTH_HISTORY_STATE}u + number] = observed[number];
    }
#endif
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    for (var at = #{HISTORY_NUMBERS}u - 1u; at >= #{HISTORY_ENTRY}u; at--) {
        (*state)[#{FIXED_LENGTH_HISTORY_STATE}u + at] = (*state)[#{FIXED_LENGTH_HISTORY_STATE}u + at - #{HISTORY_ENTRY}u];
    }
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let is_clicked = (*stepped).clicked && (*stepped).chosen == position;
        var response = environment::observe_response(
            candidates::environment_parameters, (*stepped).documents[position], (*stepped).response, is_clicked);
        let begin = #{FIXED_LENGTH_HISTORY_STATE}u + #{HISTORY_USER}u + position * #{HISTORY_RESPONSE}u;
        for (var number = 0u; number < #{HISTORY_RESPONSE}u; number++) {
            (*state)[begin + number] = response[number];
        }
    }
}
