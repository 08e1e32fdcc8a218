// Makes a slate from what a regression has learnt: by upper confidence bounds, or by a draw.
// Twin: src/policy/posterior.rs, with formulas. Defs: those of ridge.wgsl.

#define_import_path slatesim::posterior

#import slatesim::rng::{Stream, policy_word, policy_words}
#import slatesim::candidates
#import slatesim::distribution
#import slatesim::inputs
#import slatesim::part
#import slatesim::ranking
#import slatesim::regression

// Upper bounds nearer than this share of their size are ties.
const SAME_SCORE: f32 = 0.000244140625;
// The same for the scores of a draw.
const SAME_DRAWN_SCORE: f32 = 3.814697e-6;

// Numbers as regression.wgsl takes them.
fn quads(x: ptr<function, array<f32, #{DIM}>>) -> array<vec4<f32>, #{DIM_QUADS}> {
    var quads: array<vec4<f32>, #{DIM_QUADS}>;
    for (var number = 0u; number < #{DIM}u; number++) {
        quads[number / 4u][number % 4u] = (*x)[number];
    }
    return quads;
}

// Removes from scores what all candidates share: its rounding would hide the differences between candidates.
fn leave_out_shared(theta: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>) {
    for (var number = #{DOCUMENT_INPUTS}u; number < #{DIM}u; number++) {
        (*theta)[number / 4u][number % 4u] = 0.0;
    }
}

// By upper confidence bounds; `x` holds what all candidates share.
fn rank_by_bounds(
    stream: Stream,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    theta: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    x: ptr<function, array<f32, #{DIM}>>,
    width: f32,
) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    leave_out_shared(theta);
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(x, candidates::document(stream, candidate));
        var solved = quads(x);
        let mean = regression::dot_product(&solved, theta);
        let variance = regression::quadratic_form(factor, &solved);
        let bound = width * sqrt(variance);
        let margin = SAME_SCORE * (abs(mean) + bound);
        ranking::insert_above(&ranked, mean + bound, margin, candidate);
    }
    return ranking::end(&ranked);
}

// By one draw of the weights; `x` holds what all candidates share.
fn rank_by_draw(
    stream: Stream,
    first_word: u32,
    factor: ptr<function, array<vec4<f32>, 4 * #{DIM_QUADS} * #{DIM_QUADS}>>,
    theta: ptr<function, array<vec4<f32>, #{DIM_QUADS}>>,
    x: ptr<function, array<f32, #{DIM}>>,
    scale: f32,
) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    var z: array<vec4<f32>, #{DIM_QUADS}>;
    var policy = policy_words(stream, first_word);
    for (var number = 0u; number < #{DIM}u; number += 2u) {
        let first = policy_word(&policy, number);
        let pair = distribution::normal_pair(first, policy_word(&policy, number + 1u));
        z[number / 4u][number % 4u] = pair.x;
        if number + 1u < #{DIM}u {
            z[number / 4u][number % 4u + 1u] = pair.y;
        }
    }
    regression::solve_upper(factor, &z);
    for (var quad = 0u; quad < #{DIM_QUADS}u; quad++) {
        (*theta)[quad] = (*theta)[quad] + scale * z[quad];
    }
    leave_out_shared(theta);
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(x, candidates::document(stream, candidate));
        var numbers = quads(x);
        let score = regression::dot_product(&numbers, theta);
        ranking::insert_above(&ranked, score, SAME_DRAWN_SCORE * abs(score), candidate);
    }
    return ranking::end(&ranked);
}
