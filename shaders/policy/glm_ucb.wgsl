// Upper confidence bounds of a logistic regression. Twin: src/policy/glm_ucb.rs. Defs: those of logistic.wgsl.
//
// The tables are the ridge and the width of the bounds.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::drive::Stepped
#import slatesim::logistic
#import slatesim::posterior
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var factor: array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>;
    var theta: array<vec4<f32>, #{DIM_QUADS}>;
    var x: array<f32, #{DIM}>;
    logistic::fit(stream, user, state, &factor, &theta, &x);
    return posterior::rank_by_bounds(stream, &factor, &theta, &x, tables::policy_table(1u));
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    logistic::learn(state, stepped);
}
