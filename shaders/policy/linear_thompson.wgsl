// Thompson sampling of a linear regression. Twin: src/policy/linear_thompson.rs. Defs: those of ridge.wgsl.
//
// The tables are the ridge and the exploration scale.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::drive::Stepped
#import slatesim::ridge
#import slatesim::posterior
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var factor: array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>;
    var theta: array<vec4<f32>, #{DIM_QUADS}>;
    var x: array<f32, #{DIM}>;
    ridge::fit(stream, user, state, &factor, &theta, &x);
    return posterior::rank_by_draw(stream, first_word, &factor, &theta, &x, tables::policy_table(1u));
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    ridge::learn(state, stepped);
}
