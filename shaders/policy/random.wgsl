// Random slates, with or without replacement. Twin: src/policy/random.rs. Defs: WITH_REPLACEMENT.

#import environment::User
#import slatesim::rng::{Stream, policy_word, policy_words}
#import slatesim::distribution
#import slatesim::shuffle

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var slate: array<u32, #{NUM_SHOWN}>;
    var policy = policy_words(stream, first_word);
#ifdef WITH_REPLACEMENT
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let word = policy_word(&policy, position);
        slate[position] = distribution::bounded_integer(word, #{NUM_CANDIDATES}u);
    }
#else
    var swapped: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        slate[position] = shuffle::next_candidate(&swapped, position, policy_word(&policy, position));
    }
#endif
    return slate;
}
