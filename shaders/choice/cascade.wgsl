// The common part of cascades: the user goes down the slate and stops at most once. Twin: src/choice/cascade.rs.

#define_import_path slatesim::cascade

// Chooses the position at which the user stops, or NUM_CONSIDERED if the user stops at none. `given` are the probabilities of
// stopping at each position, for a user who has come to its position.
fn choose(given: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32 {
    var stops = given;
    var remaining = 1.0;
    var cumulative = 0.0;
    var chosen = 0u;
    for (var position = 0u; position < #{NUM_CONSIDERED}u; position++) {
        let stop = stops[position];
        cumulative = cumulative + remaining * stop;
        remaining = remaining * (1.0 - stop);
        chosen = chosen + select(0u, 1u, cumulative <= uniform_draw);
    }
    return chosen;
}
