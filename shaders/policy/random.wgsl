// Random slates, with or without replacement. Twin: src/policy/random.rs. Defs: WITH_REPLACEMENT.

#import environment::User
#import slatesim::rng::{Stream, policy_word}
#import slatesim::distribution

fn recommend(stream: Stream, first_word: u32, user: User) -> array<u32, #{NUM_SHOWN}> {
    var slate: array<u32, #{NUM_SHOWN}>;
#ifdef WITH_REPLACEMENT
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let word = policy_word(stream, first_word, position);
        slate[position] = distribution::bounded_integer(word, #{NUM_CANDIDATES}u);
    }
#else
    // A Fisher-Yates shuffle stopped after the slate, without its array: position p swaps with a random place at
    // or after it, and what stood there is found by undoing the earlier swaps, the latest first.
    var swapped: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let word = policy_word(stream, first_word, position);
        let remaining = #{NUM_CANDIDATES}u - position;
        let place = distribution::bounded_integer(word, remaining) + position;
        var candidate = place;
        for (var undone = 1u; undone <= position; undone++) {
            let earlier = position - undone;
            candidate = select(candidate, earlier, candidate == swapped[earlier]);
        }
        swapped[position] = place;
        slate[position] = candidate;
    }
#endif
    return slate;
}
