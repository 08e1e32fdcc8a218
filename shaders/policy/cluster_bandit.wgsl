// A bandit over the topics: which topic's documents come first follows from the clicks so far.
// Twin: src/policy/cluster_bandit.rs, whose documentation has the formulas.
// Defs: KL_UCB, THOMPSON_SAMPLING, FAITHFUL; those of greedy.wgsl.
//
// The tables are the scale of the confidence intervals, then 1 for each topic in descending order and 0 for others. The
// state is that of the layer cluster_click_statistics.

#import environment
#import environment::User
#import slatesim::rng::{PolicyWords, Stream, policy_word, policy_words}
#import slatesim::bandit
#import slatesim::candidates
#import slatesim::candidates::environment_parameters
#import slatesim::distribution
#import slatesim::part
#import slatesim::ranking
#import slatesim::sorting
#import slatesim::tables

// Scores an arm that has been shown.
fn index(policy: ptr<function, PolicyWords>, arm: u32, pulls: f32, reward: f32, total: f32) -> f32 {
    let scale = tables::policy_table(0u);
#ifdef THOMPSON_SAMPLING
    // Arms use words from 1 on: word 0 is of the current step, even where the other words are those of step 0.
    let draw = distribution::uniform(policy_word(policy, 1u + arm));
    let square = scale * scale;
    return bandit::beta_quantile(draw, 1.0 + reward / square, 1.0 + (pulls - reward) / square);
#else ifdef KL_UCB
#ifdef FAITHFUL
    // The gap is how far an index is below 1: it orders arms as their indices do, also where these round to the same value.
    return -bandit::kl_ucb_aliased_gap(pulls, reward, total, scale);
#else
    return bandit::kl_ucb(pulls, reward, total, scale);
#endif
#else
    return bandit::ucb(pulls, reward, total, scale);
#endif
}

// The rank of each arm, 0 for the arm that fills the slate first.
fn rank_arms(stream: Stream, first_word: u32, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_TOPICS}> {
    var total = 0.0;
    var are_pulled = true;
    for (var arm = 0u; arm < #{NUM_TOPICS}u; arm++) {
        total = total + (*state)[arm];
        are_pulled = are_pulled && 0.0 < (*state)[arm];
    }
    var scores: array<f32, #{NUM_TOPICS}>;
    var of_words = stream;
#ifdef FAITHFUL
    // RecSim uses the draws of step 0 at every step.
    of_words.step = 0u;
#endif
    var policy = policy_words(of_words, first_word);
    for (var arm = 0u; arm < #{NUM_TOPICS}u; arm++) {
        let pulls = (*state)[arm];
        let reward = (*state)[#{NUM_TOPICS}u + arm];
        scores[arm] = select(-pulls, index(&policy, arm, pulls, reward, total), are_pulled);
    }
    var ranks: array<u32, #{NUM_TOPICS}>;
    for (var arm = 0u; arm < #{NUM_TOPICS}u; arm++) {
        var rank = 0u;
        for (var other = 0u; other < #{NUM_TOPICS}u; other++) {
            let is_before = scores[arm] < scores[other] || (other > arm && scores[arm] == scores[other]);
            rank = rank + select(0u, 1u, is_before);
        }
        ranks[arm] = rank;
#ifdef FAITHFUL
        ranks[arm] = select(rank, arm, stream.step == 0u);
#endif
    }
    return ranks;
}

fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<u32, #{NUM_SHOWN}> {
    var arm_ranks = rank_arms(stream, first_word, state);
    var ranked = ranking::begin_ranked();
    // From the last to the first: among equals the higher index comes first.
    for (var undone = part::first_candidate(); undone < part::end_of_candidates(); undone++) {
        let candidate = #{NUM_CANDIDATES}u - 1u - undone;
        let document = candidates::document(stream, candidate);
        let topic = min(environment::topic(environment_parameters, document), #{NUM_TOPICS}u - 1u);
        let value = sorting::value(user, document);
        let key = select(-value, value, tables::policy_table(1u + topic) != 0.0);
        ranking::insert_ranked(&ranked, arm_ranks[topic], key, candidate);
    }
    return ranking::end_ranked(&ranked);
}
