// Proportional cascade: the user goes down the slate and stops at a document with a probability proportional to its
// score above a floor.
//
//     q_i = score_scaling * (x_i - min_normalizer)
//     P(i) = r_i * attention_prob * q_i,  r_1 = 1,  r_(i+1) = r_i * (1 - attention_prob * q_i)
//
// A probability q outside [0, 1] counts as the nearer end. Source: RecSim 0.2.4.
// Twin: src/choice/proportional_cascade.rs.

#import slatesim::cascade

struct Parameters {
    score_scaling: f32,
    attention_prob: f32,
    min_normalizer: f32,
}

fn appeal(parameters: Parameters, score: f32) -> f32 {
    return parameters.score_scaling * (score - parameters.min_normalizer);
}

fn choose(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    var scores = given;
    var stops: array<f32, #{NUM_CONSIDERED}>;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        stops[position] = weigh(parameters, scores[position]);
    }
    return cascade::choose(stops, uniform_draw);
}

fn are_valid(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>) -> bool {
    var scores = given;
    var valid = true;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        valid = valid
            && parameters.min_normalizer <= scores[position]
            && appeal(parameters, scores[position]) <= 1.0;
    }
    return valid;
}

fn weigh(parameters: Parameters, score: f32) -> f32 {
    return parameters.attention_prob * min(max(appeal(parameters, score), 0.0), 1.0);
}
