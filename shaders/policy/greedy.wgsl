// The candidates with the largest (or smallest) value of one feature, or of a value that only an oracle knows; ties go to the
// lower index. Twin: src/policy/greedy.rs. Defs: ASCENDING; those of sorting.wgsl.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::candidates
#import slatesim::part
#import slatesim::ranking
#import slatesim::sorting

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var ranked = ranking::begin();
    for (var candidate = part::first_candidate(); candidate < part::end_of_candidates(); candidate++) {
        let value = sorting::value(user, candidates::document(stream, candidate));
#ifdef ASCENDING
        ranking::insert(&ranked, -value, candidate);
#else
        ranking::insert(&ranked, value, candidate);
#endif
    }
    return ranking::end(&ranked);
}
