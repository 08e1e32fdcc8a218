// Thompson sampling of a linear regression. Twin: src/policy/linear_thompson.rs. Defs: those of ridge.wgsl.
//
// The tables are the ridge and the exploration scale.

#import environment::User
#import slatesim::rng::{Stream, policy_word}
#import slatesim::candidates
#import slatesim::distribution
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
    var z: array<f32, #{DIM}>;
    for (var number = 0u; number < #{DIM}u; number += 2u) {
        let pair = distribution::normal_pair(policy_word(stream, first_word, number), policy_word(stream, first_word, number + 1u));
        z[number] = pair.x;
        if number + 1u < #{DIM}u {
            z[number + 1u] = pair.y;
        }
    }
    regression::solve_upper(&factor, &z);
    for (var number = 0u; number < #{DIM}u; number++) {
        theta[number] = theta[number] + tables::policy_table(1u) * z[number];
    }
    for (var candidate = 0u; candidate < #{NUM_CANDIDATES}u; candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        ranking::insert(&ranked, regression::dot_product(&x, &theta), candidate);
    }
    return ranked.slate;
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    ridge::learn(state, stepped);
}
