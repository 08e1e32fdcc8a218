// The candidates with the largest predicted click-through rate, for a user that the policy assumes; ties go to the lower
// index. Twin: src/policy/greedy_pctr.rs. The tables are the fields of that user.

#import environment
#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates
#import slatesim::part
#import slatesim::ranking
#import slatesim::tables

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var fields: array<f32, #{USER_FIELDS}>;
    for (var field = 0u; field < #{USER_FIELDS}u; field++) {
        fields[field] = tables::policy_table(field);
    }
    let believed = environment::user_from_fields(fields);
    var ranked = ranking::begin();
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        let document = candidates::document(stream, candidate);
        ranking::insert(&ranked, environment::score(candidates::environment_parameters, believed, document), candidate);
    }
    return ranking::end(&ranked);
}
