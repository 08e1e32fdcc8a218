// From what a regression knows to a slate: by upper confidence bounds, or by a draw.
// Twin: src/policy/posterior.rs, with formulas. Defs: those of inputs.wgsl; DIM, which is INPUTS.

#define_import_path slatesim::posterior

#import slatesim::rng::{Stream, policy_word, policy_words}
#import slatesim::candidates
#import slatesim::distribution
#import slatesim::inputs
#import slatesim::part
#import slatesim::ranking
#import slatesim::regression

// By upper confidence bounds; `x` holds what all candidates share.
fn rank_by_bounds(
    stream: Stream,
    factor: ptr<function, array<f32, #{DIM} * #{DIM}>>,
    theta: ptr<function, array<f32, #{DIM}>>,
    x: ptr<function, array<f32, #{DIM}>>,
    width: f32,
) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(x, candidates::document(stream, candidate));
        var solved = *x;
        let variance = regression::quadratic_form(factor, &solved);
        let score = regression::dot_product(x, theta) + width * sqrt(variance);
        ranking::insert(&ranked, score, candidate);
    }
    return ranking::end(&ranked);
}

// By one draw of the weights; `x` holds what all candidates share.
fn rank_by_draw(
    stream: Stream,
    first_word: u32,
    factor: ptr<function, array<f32, #{DIM} * #{DIM}>>,
    theta: ptr<function, array<f32, #{DIM}>>,
    x: ptr<function, array<f32, #{DIM}>>,
    scale: f32,
) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    var z: array<f32, #{DIM}>;
    var policy = policy_words(stream, first_word);
    for (var number = 0u; number < #{DIM}u; number += 2u) {
        let first = policy_word(&policy, number);
        let pair = distribution::normal_pair(first, policy_word(&policy, number + 1u));
        z[number] = pair.x;
        if number + 1u < #{DIM}u {
            z[number + 1u] = pair.y;
        }
    }
    regression::solve_upper(factor, &z);
    for (var number = 0u; number < #{DIM}u; number++) {
        (*theta)[number] = (*theta)[number] + scale * z[number];
    }
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(x, candidates::document(stream, candidate));
        ranking::insert(&ranked, regression::dot_product(x, theta), candidate);
    }
    return ranking::end(&ranked);
}
