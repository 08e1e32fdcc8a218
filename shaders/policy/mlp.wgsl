// A small network that scores each candidate. Twin: src/policy/mlp.rs.
// Defs: MLP_LAYERS; MLP_WIDTH, the most numbers between two layers; MLP_WEIGHTS, the weights of all layers; ACTIVATION_ and the
// name of one, or none of these for the rectifier; those of inputs.wgsl and scoring.wgsl.
//
// The tables are the temperature, the units of each layer, and for each layer its biases and its weights, row by row.

#import environment::User
#import slatesim::rng::{Stream, policy_words}
#import slatesim::candidates
#import slatesim::inputs
#import slatesim::math
#import slatesim::part
#import slatesim::ranking
#import slatesim::scoring
#import slatesim::tables

// The function between network layers. Twin: src/policy/activation.rs.
fn activate(x: f32) -> f32 {
#ifdef ACTIVATION_TANH
    return math::tanh(x);
#else ifdef ACTIVATION_GELU
    return math::gelu(x);
#else ifdef ACTIVATION_GELU_TANH
    return math::gelu_tanh(x);
#else ifdef ACTIVATION_SILU
    return math::silu(x);
#else ifdef ACTIVATION_SIGMOID
    return math::sigmoid(x);
#else ifdef ACTIVATION_IDENTITY
    return x;
#else
    return max(x, 0.0);
#endif
}

// Scores an input vector.
fn network(x: ptr<function, array<f32, #{INPUTS}>>) -> f32 {
    var below: array<f32, #{MLP_WIDTH}>;
    var above: array<f32, #{MLP_WIDTH}>;
    for (var input = 0u; input < #{INPUTS}u; input++) {
        below[input] = (*x)[input];
    }
    // One loop over all weights, row by row and layer by layer, so that the number of iterations is a constant.
    var layer = 0u;
    var unit = 0u;
    var number = 0u;
    var size = #{INPUTS}u;
    var num_units = u32(tables::policy_table(1u));
    var biases = 1u + #{MLP_LAYERS}u;
    var weight = biases + num_units;
    var sum = tables::policy_table(biases);
    for (var done = 1u; done <= #{MLP_WEIGHTS}u; done++) {
        sum = sum + tables::policy_table(weight) * below[number];
        weight = weight + 1u;
        number = number + 1u;
        if number < size || done == #{MLP_WEIGHTS}u {
            continue;
        }
        above[unit] = activate(sum);
        number = 0u;
        unit = unit + 1u;
        if unit == num_units {
            layer = layer + 1u;
            unit = 0u;
            size = num_units;
            num_units = u32(tables::policy_table(1u + layer));
            biases = weight;
            weight = biases + num_units;
            below = above;
        }
        sum = tables::policy_table(biases + unit);
    }
    // The last layer has one unit.
    return sum;
}

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin_sums();
    var policy = policy_words(stream, first_word);
    var x = inputs::begin(stream, user, state);
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        inputs::look_at(&x, candidates::document(stream, candidate));
        scoring::insert(&ranked, network(&x), &policy, candidate);
    }
    return ranking::end_sums(&ranked);
}
