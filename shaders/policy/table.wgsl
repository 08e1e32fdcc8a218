// A stationary policy of a finite state: for each state a probability of each candidate. Twin: src/policy/table.rs.
//
// The tables are cumulative probabilities, row by row; the state is what is observed of the user.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::distribution
#import slatesim::candidates
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var observation = candidates::user_features(stream, user);
    let row = u32(observation[0]) * #{NUM_CANDIDATES}u;
    let draw = distribution::uniform(first_word);
    var chosen = 0u;
    for (var candidate = 0u; candidate + 1u < #{NUM_CANDIDATES}u; candidate++) {
        chosen = distribution::categorical_step(chosen, draw, tables::policy_table(row + candidate));
    }
    var slate: array<u32, #{NUM_SHOWN}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        slate[position] = chosen;
    }
    return slate;
}
