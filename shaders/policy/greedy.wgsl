// The candidates with the largest (or smallest) value of one observed feature; ties go to the lower index.
// Twin: src/policy/greedy.rs. Defs: FEATURE, ASCENDING.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates

// Below every feature; infinities have no place in WGSL.
const WORST: f32 = -3.0e38;

fn recommend(stream: Stream, first_word: u32, user: User) -> array<u32, #{NUM_SHOWN}> {
    var slate: array<u32, #{NUM_SHOWN}>;
    var best: array<f32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        best[position] = WORST;
    }
    for (var index = 0u; index < #{NUM_CANDIDATES}u; index++) {
        var candidate = index;
        let feature = candidates::features(stream, candidate)[#{FEATURE}];
#ifdef ASCENDING
        var value = -feature;
#else
        var value = feature;
#endif
        // Insertion into the sorted slate: whoever is pushed out moves on to the next position. A candidate pushes
        // out only what is strictly worse, so that ties stay in order of their indices.
        for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
            let is_better = best[position] < value;
            let pushed_value = select(value, best[position], is_better);
            let pushed_candidate = select(candidate, slate[position], is_better);
            best[position] = select(best[position], value, is_better);
            slate[position] = select(slate[position], candidate, is_better);
            value = pushed_value;
            candidate = pushed_candidate;
        }
    }
    return slate;
}
