// A small network that scores each candidate. Twin: src/policy/mlp.rs.
// Defs: MLP_LAYERS; MLP_WIDTH, the most numbers between two layers; those of inputs.wgsl and scoring.wgsl.
//
// The tables are the temperature, the units of each layer, and for each layer its biases and its weights, row by row.

#import environment::User
#import slatesim::rng::{Stream, policy_words}
#import slatesim::candidates
#import slatesim::inputs
#import slatesim::part
#import slatesim::ranking
#import slatesim::scoring
#import slatesim::tables

// Scores an input vector.
fn network(x: ptr<function, array<f32, #{INPUTS}>>) -> f32 {
    var below: array<f32, #{MLP_WIDTH}>;
    var above: array<f32, #{MLP_WIDTH}>;
    for (var input = 0u; input < #{INPUTS}u; input++) {
        below[input] = (*x)[input];
    }
    var size = #{INPUTS}u;
    var biases = 1u + #{MLP_LAYERS}u;
    var score = 0.0;
    for (var layer = 0u; layer < #{MLP_LAYERS}u; layer++) {
        let num_units = u32(tables::policy_table(1u + layer));
        var weights = biases + num_units;
        for (var unit = 0u; unit < num_units; unit++) {
            var sum = tables::policy_table(biases + unit);
            for (var number = 0u; number < size; number++) {
                sum = sum + tables::policy_table(weights + number) * below[number];
            }
            weights = weights + size;
            above[unit] = max(sum, 0.0);
            score = sum;
        }
        biases = weights;
        size = num_units;
        below = above;
    }
    return score;
}

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    var policy = policy_words(stream, first_word);
    var x = inputs::begin(stream, user, state);
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        ranking::insert(&ranked, scoring::key(network(&x), &policy, candidate), candidate);
    }
    return ranking::end(&ranked);
}
