// The user always clicks the first document of the slate. Twin: src/choice/first.rs.

struct Parameters {
    unused: f32,
}

fn choose(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    return 0u;
}

fn are_valid(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>) -> bool {
    return true;
}

fn weigh(parameters: Parameters, score: f32) -> f32 {
    return 1.0;
}
