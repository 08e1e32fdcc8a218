// Satisficing: the user goes down the slate and takes the first document that is good enough. Twin: custom_choice_model.rs.
#import slatesim::math

struct Parameters { aspiration: f32, slope: f32 }

fn choose(parameters: Parameters, given: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    var scores = given;
    var remaining = 1.0;
    var cumulative = 0.0;
    var chosen = 0u;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        let takes = weigh(parameters, scores[position]);
        cumulative = cumulative + remaining * takes;
        remaining = remaining * (1.0 - takes);
        chosen = chosen + select(0u, 1u, cumulative <= uniform_draw);
    }
    return chosen;
}

fn are_valid(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>) -> bool { return true; }

fn weigh(parameters: Parameters, score: f32) -> f32 {
    return math::sigmoid(parameters.slope * (score - parameters.aspiration));
}
