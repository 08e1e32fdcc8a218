// Upper confidence bounds of a linear regression. Twin: src/policy/linear_ucb.rs. Defs: those of ridge.wgsl.
//
// The tables are the ridge and alpha.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates
#import slatesim::drive::Stepped
#import slatesim::inputs
#import slatesim::ranking
#import slatesim::regression
#import slatesim::ridge
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    var factor: array<f32, #{DIM} * #{DIM}>;
    var theta: array<f32, #{DIM}>;
    var x: array<f32, #{DIM}>;
    ridge::fit(stream, user, state, &factor, &theta, &x);
    for (var candidate = 0u; candidate < #{NUM_CANDIDATES}u; candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        var solved = x;
        let variance = regression::quadratic_form(&factor, &solved);
        let score = regression::dot_product(&x, &theta) + tables::policy_table(1u) * sqrt(variance);
        ranking::insert(&ranked, score, candidate);
    }
    return ranked.slate;
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    ridge::learn(state, stepped);
}
