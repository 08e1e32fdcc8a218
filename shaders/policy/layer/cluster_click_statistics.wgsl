// How often documents of each topic were shown to the user and clicked, in this episode.
// Twin: src/policy/layer/cluster_click_statistics.rs.
//
// The state is the impressions of all topics, then the clicks of all topics.

#import slatesim::candidates
#import slatesim::drive::Stepped
#import environment

// Counts stop here on every backend, where single precision has to: 2^24.
const MOST: f32 = 0x1p+24f;

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let document = (*stepped).documents[position];
        let topic = min(environment::topic(candidates::environment_parameters, document), #{NUM_TOPICS}u - 1u);
        let click = select(0.0, 1.0, (*stepped).clicked && (*stepped).chosen == position);
        let shown = #{CLUSTER_CLICK_STATISTICS_STATE}u + topic;
        (*state)[shown] = min((*state)[shown] + 1.0, MOST);
        (*state)[shown + #{NUM_TOPICS}u] = min((*state)[shown + #{NUM_TOPICS}u] + click, MOST);
    }
}
