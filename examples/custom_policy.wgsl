// Re-ranking by maximal marginal relevance, with topics that tire users. Twin: custom_policy.rs.
// Defs: those of sorting.wgsl; NUM_CANDIDATES and NUM_TOPICS, which all policies have.
//
// The tables are the diversity, the fatigue and the recovery; the state is how much of each topic was shown recently.

#import environment
#import environment::User
#import slatesim::rng::Stream
#import slatesim::drive::Stepped
#import slatesim::candidates
#import slatesim::sorting
#import slatesim::tables

// Less than every gain; WGSL has no infinity.
const NOTHING: f32 = -3.0e38;

fn topic_of(document: environment::Document) -> u32 {
    return min(environment::topic(candidates::environment_parameters, document), #{NUM_TOPICS}u - 1u);
}

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    let diversity = tables::policy_table(0u);
    let fatigue = tables::policy_table(1u);
    var slate: array<u32, #{NUM_SHOWN}>;
    var in_slate: array<f32, #{NUM_TOPICS}>;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        var best = NOTHING;
        var best_topic = 0u;
        for (var candidate = 0u; candidate < #{NUM_CANDIDATES}u; candidate++) {
            let document = candidates::document(stream, candidate);
            let topic = topic_of(document);
            let gain = sorting::value(user, document) - diversity * in_slate[topic] - fatigue * (*state)[topic];
            var is_better = best < gain;
            for (var earlier = 0u; earlier < position; earlier++) {
                is_better = is_better && slate[earlier] != candidate;
            }
            best = select(best, gain, is_better);
            best_topic = select(best_topic, topic, is_better);
            slate[position] = select(slate[position], candidate, is_better);
        }
        in_slate[best_topic] = in_slate[best_topic] + 1.0;
    }
    return slate;
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    let recovery = tables::policy_table(2u);
    for (var topic = 0u; topic < #{NUM_TOPICS}u; topic++) {
        (*state)[topic] = recovery * (*state)[topic];
    }
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let topic = topic_of((*stepped).documents[position]);
        (*state)[topic] = (*state)[topic] + 1.0;
    }
}
