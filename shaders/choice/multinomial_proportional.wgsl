// Multinomial proportional: each document in proportion to its score above a floor.
//
//     w_i = x_i - min_normalizer,  w = no_click_mass - min_normalizer
//     P(i) = w_i / (sum_j w_j + w)
//
// Negative weights count as 0. Source: RecSim 0.2.4. Twin: src/choice/multinomial_proportional.rs.

struct Parameters {
    no_click_mass: f32,
    min_normalizer: f32,
}

fn weight(parameters: Parameters, score: f32) -> f32 {
    return max(score - parameters.min_normalizer, 0.0);
}

fn choose(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    var scores = given;
    var total = 0.0;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        total = total + weight(parameters, scores[position]);
    }
    total = total + weight(parameters, parameters.no_click_mass);
    // The number of alternatives whose cumulative weight does not exceed the threshold is the index of the chosen one.
    let threshold = uniform_draw * total;
    var cumulative = 0.0;
    var chosen = 0u;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        cumulative = cumulative + weight(parameters, scores[position]);
        chosen = chosen + select(0u, 1u, cumulative <= threshold);
    }
    return chosen;
}

fn are_valid(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>) -> bool {
    var scores = given;
    var valid = true;
    var total = weight(parameters, parameters.no_click_mass);
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        valid = valid && parameters.min_normalizer <= scores[position];
        total = total + weight(parameters, scores[position]);
    }
    return valid && 0.0 < total;
}

fn weigh(parameters: Parameters, score: f32) -> f32 {
    return weight(parameters, score);
}
