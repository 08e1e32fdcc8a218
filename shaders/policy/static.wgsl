// The first K candidates, in order. Twin: src/policy/static.rs.

#import environment::User
#import slatesim::rng::Stream

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var slate: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        slate[position] = position;
    }
    return slate;
}
