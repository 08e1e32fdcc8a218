// Takes a new slate from the policy every AGGREGATION_PERIOD steps only, and holds it in between. Twin:
// src/policy/layer/temporal_aggregation.rs. Defs: AGGREGATION_PERIOD, the steps from one decision to the next.
//
// The state is the steps since the last decision from 1, whether the slate is another than the one before, and the slate. The
// table is the switching cost.

#import environment::User
#import slatesim::rng::Stream
#import slatesim::drive::Stepped
#import slatesim::tables

fn revise(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>, slate: ptr<function, array<u32, #{NUM_SHOWN}>>) {
    let since = (*state)[#{TEMPORAL_AGGREGATION_STATE}u];
    let is_first = since <= 0.0;
    let is_held = !is_first && since < f32(#{AGGREGATION_PERIOD}u);
    var is_other = false;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let before = u32((*state)[#{TEMPORAL_AGGREGATION_STATE}u + 2u + position]);
        let candidate = select((*slate)[position], before, is_held);
        (*slate)[position] = candidate;
        is_other = is_other || candidate != before;
        (*state)[#{TEMPORAL_AGGREGATION_STATE}u + 2u + position] = f32(candidate);
    }
    (*state)[#{TEMPORAL_AGGREGATION_STATE}u] = select(1.0, since + 1.0, is_held);
    (*state)[#{TEMPORAL_AGGREGATION_STATE}u + 1u] = select(0.0, 1.0, is_other && !is_first);
}

fn observe(state: ptr<function, array<f32, #{POLICY_STATE}>>, stepped: ptr<function, Stepped>) {
    let cost = tables::policy_table(#{TEMPORAL_AGGREGATION_TABLE}u);
    (*stepped).penalty = (*stepped).penalty + (*state)[#{TEMPORAL_AGGREGATION_STATE}u + 1u] * cost;
}
