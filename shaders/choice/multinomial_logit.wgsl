// Multinomial logit: a softmax over the scores and the logit of choosing nothing.
//
//     P(i) = exp(x_i) / (sum_j exp(x_j) + exp(no_click_mass))
//
// Source: RecSim 0.2.4. Twin: src/choice/multinomial_logit.rs. Defs: HAS_NO_CLICK; without it something is always
// chosen, which a logit of minus infinity would mean, if WGSL had one.

#import slatesim::math

struct Parameters {
    no_click_mass: f32,
}

fn choose(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    var scores = given;
    // The largest exponent is subtracted, so that no exponential overflows and their sum is at least 1.
#ifdef HAS_NO_CLICK
    var largest = parameters.no_click_mass;
#else
    var largest = scores[0];
#endif
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        largest = max(largest, scores[position]);
    }
    var total = 0.0;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        total = total + math::exp(scores[position] - largest);
    }
#ifdef HAS_NO_CLICK
    total = total + math::exp(parameters.no_click_mass - largest);
    let num_counted = #{NUM_CONSIDERED}u;
#else
    let num_counted = #{NUM_CONSIDERED}u - 1u;
#endif
    // The number of alternatives whose cumulative weight does not exceed the threshold is the index of the chosen one. The
    // last one is not counted: it gets the rest that rounding leaves.
    let threshold = uniform_draw * total;
    var cumulative = 0.0;
    var chosen = 0u;
    for (var position = 0u; position < num_counted; position++) {
        cumulative = cumulative + math::exp(scores[position] - largest);
        chosen = chosen + select(0u, 1u, cumulative <= threshold);
    }
    return chosen;
}

fn are_valid(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>) -> bool {
    return true;
}

fn weigh(parameters: Parameters, score: f32) -> f32 {
#ifdef HAS_NO_CLICK
    return math::sigmoid(score - parameters.no_click_mass);
#else
    return 1.0;
#endif
}
