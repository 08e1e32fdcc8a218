//! A comparison that cannot fail proves nothing: each fault here breaks one thing in one shader, and validation must
//! find it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use crate::common;
use slatesim::backend::BackendError;
use slatesim::backend::gpu::{GpuBackend, GpuError, GpuOptions, Patch};
use slatesim::backend::{Backend, Unobserved};
use slatesim::registry::Registry;
use slatesim::shader::ShaderSource;
use slatesim::validation::{Case, Effort, Rung, Subject, ValidationError, cases, validate};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Tells whether a file belongs to some environments, choice models or policies, so that other cases cannot find its fault.
fn is_of_some_models(path: &str) -> bool {
    ["environment/", "choice/", "policy/"]
        .iter()
        .any(|room| path.starts_with(room))
}

/// Tells whether a shader imports a module, or a module of the policies that does.
fn imports(text: &str, module: &str) -> bool {
    text.contains(module)
        || text
            .lines()
            .filter_map(|line| line.strip_prefix("#import slatesim::"))
            .any(|name| {
                let file = format!("{}/shaders/policy/{name}.wgsl", env!("CARGO_MANIFEST_DIR"));
                std::fs::read_to_string(file).is_ok_and(|text| imports(&text, module))
            })
}

/// Returns a GPU that has other text in a shader.
fn patched(path: &str, find: &str, replace: &str, avoids_native_u64: bool) -> Option<GpuBackend> {
    let patch = Patch {
        path: format!("shaders/{path}"),
        find: find.to_owned(),
        replace: replace.to_owned(),
    };
    Some(common::any_gpu()?.with_options(GpuOptions {
        patch: Some(patch),
        avoids_native_u64,
        ..GpuOptions::default()
    }))
}

/// Breaks a shader and returns the rung that finds it.
fn rung_that_finds(path: &str, find: &str, replace: &str, avoids_native_u64: bool) -> Option<Rung> {
    let broken = patched(path, find, replace, avoids_native_u64)?;
    let broken_path = format!("shaders/{path}");
    let mut cases = cases(&Registry::built_in()).unwrap();
    cases.retain(|case| {
        let plan = &case.simulation.plan;
        let mut own = plan.policy.shaders();
        own.push(case.simulation.model.shader());
        own.push(plan.choice.shader());
        let stem = path.rsplit_once('/').map_or(path, |(_, file)| file);
        let import = format!("slatesim::{}", stem.trim_end_matches(".wgsl"));
        let is_theirs = |own: &ShaderSource| own.path == broken_path || imports(&own.text, &import);
        !is_of_some_models(path) || own.iter().any(is_theirs)
    });
    // What is wrong with all models is found with a few of them, in a fraction of the time that all take.
    let (few, others) = some_of_each(cases);
    let found = first_failure(&broken, &few).or_else(|| first_failure(&broken, &others));
    Some(found.unwrap_or_else(|| panic!("nothing finds {replace:?} in {path}")))
}

/// Takes out the first case of each environment, and the first of all whose policy ranks.
fn some_of_each(cases: Vec<Case>) -> (Vec<Case>, Vec<Case>) {
    let mut environments = BTreeSet::new();
    let mut has_ranked = false;
    cases.into_iter().partition(|case| {
        let is_first = environments.insert(case.environment().to_owned());
        let mut shaders = case.simulation.plan.policy.shaders().into_iter();
        let ranks = shaders.any(|shader| shader.text.contains("ranking::insert"));
        let ranks_first = ranks && !has_ranked;
        has_ranked |= ranks_first;
        is_first || ranks_first
    })
}

/// Climbs the ladder with some cases, to the first rung that does not hold.
fn first_failure(broken: &GpuBackend, cases: &[Case]) -> Option<Rung> {
    if cases.is_empty() {
        return None;
    }
    let mut found = None;
    let outcome = validate(
        Subject::Gpu(broken),
        Effort::Quick,
        cases,
        &mut |rung: &Rung| {
            if rung.passed {
                return ControlFlow::Continue(());
            }
            found = Some(rung.clone());
            ControlFlow::Break(())
        },
    );
    match outcome {
        // What does not even agree with itself is no result that could be compared.
        Err(ValidationError::Backend(BackendError::Gpu(error @ GpuError::Inconsistent { .. }))) => {
            Some(Rung {
                name: "checks of each batch",
                case: String::new(),
                passed: false,
                measured: error.to_string(),
            })
        }
        outcome => {
            outcome.unwrap();
            found
        }
    }
}

macro_rules! faults {
    ($($name:ident: $path:literal, $find:literal => $replace:literal $(, $limbs:literal)?;)+) => {$(
        #[test]
        fn $name() {
            let limbs = [$($limbs)?].contains(&"limbs");
            if let Some(rung) = rung_that_finds($path, $find, $replace, limbs) {
                eprintln!("found by {}, {}: {}", rung.name, rung.case, rung.measured);
            }
        }
    )+};
}

faults! {
    finds_a_dispatch_that_stops_early: "kernel/rollout.wgsl",
        "first < num_steps; first += TILE_STEPS" => "first < min(num_steps, TILE_STEPS); first += TILE_STEPS";
    finds_a_loop_over_candidates_that_is_cut_short: "policy/greedy.wgsl",
        "candidate < part::end_of_candidates()" => "candidate + 1u < part::end_of_candidates()";
    finds_a_sum_that_is_not_compensated: "statistics/compensated.wgsl",
        "return Sum(rounded, whole - taken);" => "return Sum(rounded, 0.0);";
    finds_a_ranking_that_is_lost_between_parts: "kernel/carried.wgsl",
        "ranking::carried.slate[position] = ranked[at];" => "ranking::carried.slate[position] = 0u;";
    finds_a_missing_philox_round: "rng.wgsl", "ROUNDS: u32 = 10u" => "ROUNDS: u32 = 9u";
    finds_a_wrong_multiplier: "rng.wgsl", "0xcd9e8d57u" => "0xcd9e8d55u";
    finds_a_wrong_weyl_constant: "rng.wgsl", "0xbb67ae85u" => "0xbb67ae87u";
    finds_a_lost_carry_of_the_limb_product: "rng.wgsl", " + (carry >> 16u)" => "", "limbs";
    finds_a_lost_half_of_the_wide_product: "rng.wgsl", "u32(product >> 32u)" => "u32(product >> 31u)";
    finds_a_wrong_purpose: "rng.wgsl", "USER: u32 = 5u" => "USER: u32 = 4u";
    finds_an_episode_index_of_32_bits: "kernel/candidates.wgsl", "select(0u, 1u, low < lane)" => "0u";
    finds_a_wrong_coefficient_of_exp: "math.wgsl", "0.16666523" => "0.16666823";
    finds_a_quotient_that_is_not_rounded: "math.wgsl",
        "var bits = bitcast<u32>(a / b);" => "return a * (1.0 / b); var bits = 0u;";
    finds_a_wrong_term_of_kl_ucb: "bandit.wgsl", "time + 3.0 * math::ln" => "time + 3.001 * math::ln";
    finds_a_wrong_coefficient_of_the_beta_quantile: "bandit.wgsl", "0.08333335" => "0.08343335";
    finds_a_quantile_of_the_other_tail: "bandit.wgsl", "select(u, 1.0 - u, reflected)" => "u";
    finds_a_swapped_draw: "environment/long_term_satisfaction.wgsl",
        "normal_pair(words.x, words.y)" => "normal_pair(words.y, words.x)";
    finds_a_wrong_memory_discount: "environment/long_term_satisfaction.wgsl",
        "parameters.memory_discount * user.exposure" => "1.0001 * parameters.memory_discount * user.exposure";
    finds_the_sign_of_the_transition: "environment/long_term_satisfaction.wgsl",
        "- 2.0 * (document.clickbait_score" => "+ 2.0 * (document.clickbait_score";
    finds_swapped_words_of_the_environment: "kernel/drive.wgsl",
        "let draws = environment::draw(parameters, step_words.yz" => "let draws = environment::draw(parameters, step_words.zy";
    finds_the_policy_word_in_the_wrong_place: "kernel/rollout.wgsl", "step_words.w" => "step_words.z";
    finds_the_choice_word_in_the_wrong_place: "kernel/drive.wgsl", "uniform(step_words.x)" => "uniform(step_words.w)";
    finds_a_wrong_choice_comparison: "choice/multinomial_logit.wgsl", "cumulative <= threshold" => "cumulative >= threshold";
    finds_a_forgotten_no_click: "choice/multinomial_logit.wgsl",
        "total = total + math::exp(parameters.no_click_mass - largest);" => "";
    finds_a_wrong_number_of_remaining_candidates: "policy/shuffle.wgsl",
        "#{NUM_CANDIDATES}u - position" => "#{NUM_CANDIDATES}u";
    finds_an_undone_swap: "policy/shuffle.wgsl", "candidate == (*swapped)[earlier]" => "candidate == earlier";
    finds_a_ranking_that_prefers_the_worst: "policy/ranking.wgsl",
        "(*ranking).keys[position] < lowered;" => "(*ranking).keys[position] > lowered || (*ranking).keys[position] == WORST;";
    finds_topics_in_the_wrong_order: "policy/cluster_bandit.wgsl",
        "policy_table(1u + topic) != 0.0" => "policy_table(1u + topic) == 0.0";
    finds_equal_arms_in_the_wrong_order: "policy/cluster_bandit.wgsl", "other > arm" => "other < arm";
    finds_a_first_slate_that_asks_the_bandit: "policy/cluster_bandit.wgsl",
        "stream.step == 0u" => "false";
    finds_draws_that_are_not_repeated: "policy/cluster_bandit.wgsl", "of_words.step = 0u;" => "";
    finds_clicks_counted_for_the_whole_slate: "policy/layer/cluster_click_statistics.wgsl",
        "(*stepped).clicked && (*stepped).chosen == position" => "(*stepped).clicked";
    finds_a_belief_that_likes_all_topics_alike: "policy/greedy_pctr.wgsl", "policy_table(field)" => "policy_table(0u)";
    finds_a_layer_with_the_words_of_another: "policy/layer/epsilon_greedy.wgsl",
        "LAYER_CODE: u32 = 0u" => "LAYER_CODE: u32 = 1u";
    finds_an_epsilon_that_is_never_reached: "policy/layer/epsilon_greedy.wgsl", " < epsilon" => " > epsilon";
    finds_a_forgotten_click_by_position: "kernel/rollout.wgsl",
        "position_clicks[min(stepped.chosen, " => "position_clicks[0u * min(stepped.chosen, ";
    finds_a_policy_that_forgets_between_dispatches: "kernel/rollout.wgsl",
        "policy_state[number] = users[(#{USER_FIELDS}u + number) * job.stride + lane];" => "";
    finds_a_terminal_test_off_by_one: "environment/long_term_satisfaction.wgsl",
        "user.time_budget <= 0.0" => "user.time_budget < 0.0";
    finds_a_truncation_off_by_one: "kernel/step.wgsl", "steps >= job.max_steps" => "steps > job.max_steps";
    finds_noise_truncated_elsewhere: "environment/long_term_satisfaction.wgsl", "1.0 - below" => "0.9 - below";
    finds_an_observation_that_is_not_clipped: "environment/long_term_satisfaction.wgsl",
        "min(response.engagement, MAX_OBSERVED_ENGAGEMENT)" => "response.engagement";
    finds_a_step_weight_that_counts_from_one: "kernel/rollout.wgsl", "f32(step) * stepped.reward" => "f32(step + 1u) * stepped.reward";
    finds_a_slice_that_loses_lanes: "kernel/step_sums.wgsl", "turn < SLICE_LANES" => "turn + 1u < SLICE_LANES";
    finds_a_span_that_loses_a_slice: "kernel/step_sums.wgsl", "slice < SLICES" => "slice + 1u < SLICES";
    finds_clicks_that_do_not_fit_side_by_side: "kernel/step_sums.wgsl", "CLICK_BITS: u32 = 4u" => "CLICK_BITS: u32 = 3u";
    finds_clicks_of_the_neighbouring_step: "kernel/rollout.wgsl", "click_at(step_of_tile, click)" => "click_at(step_of_tile ^ 1u, click)";
    finds_rewards_of_an_earlier_tile: "kernel/rollout.wgsl", "put_reward(index, step_of_tile, 0.0);" => "";
    finds_slices_that_are_added_too_soon: "kernel/rollout.wgsl",
        "add_slice(index);\n        workgroupBarrier();" => "add_slice(index);";
    finds_rewards_that_are_added_too_soon: "kernel/rollout.wgsl",
        "workgroupBarrier();\n        add_slice(index);" => "add_slice(index);";
    finds_sums_of_the_neighbouring_block: "kernel/rollout.wgsl", "+ lane / SPAN]" => "+ (lane / SPAN ^ 4u)]";
    finds_counts_that_stay_in_the_workgroup: "kernel/rollout.wgsl",
        "count = index; count < COUNTS" => "count = index; count + 1u < COUNTS";
    finds_topics_of_the_neighbouring_block: "kernel/rollout.wgsl",
        "lane / #{BLOCK_EPISODES}u;" => "lane / #{BLOCK_EPISODES}u ^ 1u;";
    finds_quads_of_a_neighbouring_slice: "kernel/tally.wgsl", "turn * SLICES + slice;" => "turn * SLICES + slice / 2u;";
    finds_a_slope_of_another_length: "statistics/slope.wgsl", "steps * steps - 1.0" => "steps * steps + 1.0";
    finds_words_without_carry: "statistics/exact_sum.wgsl", "words.z += words.y >> 16u;" => "";
    finds_a_square_without_its_middle: "statistics/exact_sum.wgsl", "+ vec4<u32>(0u, middle)" => "";
    finds_a_sign_that_is_lost: "statistics/exact_sum.wgsl", "select(1, -1, " => "select(1, 1, ";
    finds_numbers_below_the_window_that_are_lost: "kernel/tally.wgsl", "deposit_number(at, parts);" => "";
    finds_squares_below_the_window_in_the_wrong_place: "kernel/workgroup_sums.wgsl", "position + 13u" => "position + 12u";
    finds_blocks_that_are_not_folded: "kernel/fold.wgsl", "block += #{WORKGROUP_SIZE}u" => "block += #{WORKGROUP_SIZE}u + 1u";
    finds_sums_that_stay_in_the_workgroup: "kernel/fold.wgsl", "at < STEP_WORDS" => "at + 1u < STEP_WORDS";
    finds_an_episode_that_ends_twice: "kernel/tally.wgsl", "> vec4<u32>(job.step_begin)" => ">= vec4<u32>(job.step_begin)";
    finds_returns_in_the_neighbouring_bucket: "kernel/tally.wgsl", ">> BUCKET_SHIFT, " => ">> BUCKET_SHIFT ^ 1u, ";
    finds_lengths_that_are_not_counted: "kernel/tally.wgsl", "num_counted += 1u;" => "";
    finds_counts_in_an_entry_of_another_key: "kernel/tally.wgsl", "held == key + 1u" => "true";
    finds_a_slice_of_a_block_that_is_left_out: "kernel/tally.wgsl", "slice < SLICES" => "slice + 1u < SLICES";
    finds_a_product_of_the_wrong_factors: "kernel/tally.wgsl",
        "low[1] += (by_clicks * by_length)" => "low[1] += (by_length * by_length)";
    finds_the_smallest_taken_for_the_largest: "kernel/tally.wgsl", "key_of(-number)" => "key_of(number)";
    finds_a_clock_that_stands_still: "kernel/step.wgsl",
        "clocks[2u * job.num_lanes + lane] = steps;" => "clocks[2u * job.num_lanes + lane] = stream.step;";
    finds_a_document_past_the_end_of_a_slate: "kernel/drive.wgsl",
        "scores[position], position < length" => "scores[position], position <= length";
    finds_a_response_to_nothing: "kernel/step.wgsl", "response[number], position < length" => "response[number], true";
    finds_a_policy_that_learns_from_short_slates: "kernel/step.wgsl", "if length == #{NUM_SHOWN}u {" => "if true {";
    finds_a_recommendation_by_another_word: "kernel/step.wgsl", "words(stream, STEP, 0u).w" => "words(stream, STEP, 0u).z";
    finds_a_user_who_does_not_rest: "kernel/step.wgsl", "if takes_part {" => "if true {";
    finds_a_corpus_read_one_field_off: "kernel/candidates.wgsl",
        "corpus_field(candidate * #{DOCUMENT_FIELDS}u + field)" => "corpus_field(candidate * #{DOCUMENT_FIELDS}u + field ^ 1u)";
    finds_affinities_of_another_type: "environment/interest_exploration.wgsl",
        "user.user_type * #{NUM_TOPICS}u + topic" => "topic";
    finds_qualities_of_another_topic: "environment/interest_exploration.wgsl",
        "QUALITY_MEAN + document.cluster_id" => "QUALITY_MEAN";
    finds_interests_that_move_the_other_way: "environment/interest_evolution.wgsl",
        "select(-step, step, is_positive)" => "select(step, -step, is_positive)";
    finds_interests_that_leave_their_range: "environment/interest_evolution.wgsl",
        "min(max(interest + select(-step, step, is_positive), -1.0), 1.0)" => "interest + select(-step, step, is_positive)";
    finds_a_watch_that_outlasts_the_budget: "environment/interest_evolution.wgsl",
        "select(length, time.x + time.y, ends_within(time, length))" => "length";
    finds_a_bonus_without_the_score: "environment/interest_evolution.wgsl",
        "parameters.user_quality_factor * weight + " => "";
    finds_a_probability_that_forgets_a_feature: "environment/interest_evolution.wgsl",
        "p_positive = p_positive + document.features[feature]" => "p_positive = document.features[feature]";
    finds_the_exit_of_the_other_outcome: "environment/item_transition.wgsl",
        "select(parameters.p_exit_not_accepted, parameters.p_exit_accepted, clicked)"
            => "select(parameters.p_exit_accepted, parameters.p_exit_not_accepted, clicked)";
    finds_a_transition_of_another_action: "environment/test_mdp.wgsl",
        "place(document.action, before.state) * STATES" => "place(document.action + 1u, before.state) * STATES";
    finds_a_reward_of_another_state: "environment/test_mdp.wgsl",
        "place(document.action, user.state)" => "place(document.action, user.state + 1u)";
    finds_a_no_click_mass_above_another_floor: "choice/multinomial_proportional.wgsl",
        "total + weight(parameters, parameters.no_click_mass)" => "total + parameters.no_click_mass";
    finds_a_cascade_that_forgets_who_has_stopped: "choice/cascade.wgsl",
        "remaining * (1.0 - stop)" => "1.0 - stop";
    finds_invalid_choices_that_are_not_counted: "choice/exponential_cascade.wgsl",
        "appeal(parameters, scores[position]) <= 1.0" => "appeal(parameters, scores[position]) <= 1.05";
    finds_a_weight_without_attention: "choice/proportional_cascade.wgsl",
        "return parameters.attention_prob * " => "return ";
    finds_a_table_read_beside_the_entry: "kernel/tables.wgsl",
        "environment_tables[index]" => "environment_tables[index ^ 1u]";
    finds_a_slate_of_scores_without_a_draw: "policy/scoring.wgsl",
        "ranking::insert_sum(ranked, key, gumbel(" => "ranking::insert_sum(ranked, key, 0.0 * gumbel(";
    finds_inputs_without_those_of_the_layers: "policy/inputs.wgsl", "= (*state)[#{OWN_STATE}u + number];" => "= 0.0;";
    finds_a_regression_without_its_ridge: "policy/ridge.wgsl",
        "set_diagonal(factor, tables::policy_table(0u))" => "set_diagonal(factor, 0.5 * tables::policy_table(0u))";
    finds_bounds_without_their_width: "policy/posterior.wgsl",
        "width * sqrt(variance)" => "0.5 * width * sqrt(variance)";
    finds_ties_of_another_width: "policy/posterior.wgsl",
        "let margin = SAME_SCORE * " => "let margin = 256.0 * SAME_SCORE * ";
    finds_a_fit_to_what_is_forgotten: "policy/logistic.wgsl",
        "next + 1u < #{HISTORY}u" => "next < #{HISTORY}u";
    finds_a_logistic_fit_that_ends_early: "regression.wgsl",
        "!(change < TOLERANCE_SQUARE)" => "false";
    finds_a_slate_that_is_held_too_long: "policy/layer/temporal_aggregation.wgsl",
        "since < f32(#{AGGREGATION_PERIOD}u)" => "since <= f32(#{AGGREGATION_PERIOD}u)";
    finds_a_switch_without_cost: "policy/layer/temporal_aggregation.wgsl", "select(0.0, 1.0, is_other" => "select(0.0, 0.0, is_other";
    finds_a_history_that_stands_still: "policy/layer/fixed_length_history.wgsl",
        "+ at - #{HISTORY_ENTRY}u]" => "+ at]";
    finds_a_network_that_forgets_its_biases: "policy/mlp.wgsl",
        "        sum = tables::policy_table(biases + unit);" => "        sum = 0.0;";
    finds_a_network_of_another_activation: "policy/mlp.wgsl",
        "return math::gelu(x);" => "return math::silu(x);";
    finds_a_wrong_coefficient_of_gelu: "math.wgsl", "0.105304375" => "0.105309375";
    finds_a_factor_that_forgets_a_quad: "regression.wgsl",
        "rest = rest - vec4<f32>(a.z, b.z, c.z, d.z) * inner.z;" => "";
    finds_a_policy_table_of_another_state: "policy/table.wgsl",
        "policy_table(row + candidate)" => "policy_table(candidate)";
}

/// Products of numbers below 256 have no upper half: this takes longer episodes than the cases have.
#[test]
fn long_episodes_find_products_without_their_upper_half() {
    let settings = [
        "environment.name=long_term_satisfaction",
        "environment.user.time_budget=400",
        "policy.name=random",
        "max_steps=400",
    ];
    let simulation = Registry::built_in().resolve(&settings).unwrap();
    let (whole, half) = (
        "deposit(at, 16u, sum_of(high), 1)",
        "deposit(at, 15u, sum_of(high), 1)",
    );
    let statistics = |replace: &str, tallies| {
        let gpu = patched("kernel/tally.wgsl", whole, replace, false)?;
        let options = GpuOptions {
            tallies: Some(tallies),
            ..gpu.options().clone()
        };
        let gpu = gpu.with_options(options);
        Some(gpu.rollout(&simulation, 0..300, &Unobserved).unwrap())
    };
    let Some(expected) = statistics(whole, false) else {
        return;
    };
    assert_eq!(statistics(whole, true).unwrap(), expected);
    assert_ne!(statistics(half, true).unwrap(), expected);
}

/// A device may compute quotients by reciprocals. Arms with equal means then tie only if quotients are corrected.
#[test]
fn a_device_with_loose_quotients_passes_all_the_same() {
    let (exact, loose) = ("bitcast<u32>(a / b)", "bitcast<u32>(a * (1.0 / b)) + 1u");
    let Some(gpu) = patched("math.wgsl", exact, loose, false) else {
        return;
    };
    let mut cases = cases(&Registry::built_in()).unwrap();
    cases.retain(|case| case.name().ends_with("KL-UCB as coded"));
    assert_eq!(cases.len(), 1);
    let mut failed = Vec::new();
    validate(Subject::Gpu(&gpu), Effort::Quick, &cases, &mut |rung| {
        if !rung.passed {
            failed.push(rung.clone());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}
