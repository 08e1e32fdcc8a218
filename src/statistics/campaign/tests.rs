use super::*;
use crate::statistics::{
    ExactSum, FEWEST_BLOCKS, QuantileTable, SINGLE_STEPS, least_squares_slope, num_bins,
};
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

const TOPICS: usize = 3;
const POSITIONS: usize = 2;
/// Episodes of a block.
const BLOCK: usize = 16;

/// Rewards and clicks of one episode, step by step; the reward is also the document's quality. Topics and positions take
/// turns.
struct Episode {
    rewards: Vec<f64>,
    clicks: Vec<bool>,
}

fn episodes(count: usize) -> Vec<Episode> {
    let mut random = SmallRng::seed_from_u64(11);
    let mut episode = || {
        let length = 1 + random.random_range(0..12);
        let rewards = (0..length)
            .map(|_| random.random_range(-3.0..9.0))
            .collect();
        let clicks = (0..length).map(|_| random.random_bool(0.3)).collect();
        Episode { rewards, clicks }
    };
    (0..count).map(|_| episode()).collect()
}

fn block_of(episodes: &[Episode]) -> EpisodeBlock {
    let mut block = EpisodeBlock {
        reward_by_step: vec![0.0; 20],
        squared_reward_by_step: vec![0.0; 20],
        clicks_by_step: vec![0; 20],
        topic_impressions: vec![0; TOPICS],
        topic_clicks: vec![0; TOPICS],
        position_clicks: vec![0; POSITIONS],
        ..EpisodeBlock::default()
    };
    for episode in episodes {
        let steps = episode.rewards.iter().zip(&episode.clicks).enumerate();
        for (step, (&reward, &clicked)) in steps {
            block.reward_by_step[step] += reward;
            block.squared_reward_by_step[step] += reward * reward;
            block.topic_impressions[step % TOPICS] += 1;
            if clicked {
                block.clicks_by_step[step] += 1;
                block.topic_clicks[step % TOPICS] += 1;
                block.position_clicks[step % POSITIONS] += 1;
                block.clicked_quality += reward;
            }
        }
        let weighted = episode
            .rewards
            .iter()
            .enumerate()
            .map(|(step, r)| step as f64 * r);
        block.returns.push(episode.rewards.iter().sum());
        let length = u32::try_from(episode.rewards.len()).unwrap();
        let sum = episode.rewards.iter().sum();
        block
            .slopes
            .push(least_squares_slope(sum, weighted.sum(), length));
        block
            .lengths
            .push(u32::try_from(episode.rewards.len()).unwrap());
        block.clicks.push(
            episode
                .clicks
                .iter()
                .map(|&clicked| u32::from(clicked))
                .sum(),
        );
    }
    block
}

fn blocks(count: usize) -> Vec<EpisodeBlock> {
    episodes(count).chunks(BLOCK).map(block_of).collect()
}

fn statistics_of<'a>(blocks: impl IntoIterator<Item = &'a EpisodeBlock>) -> Statistics {
    let mut statistics = Statistics::new(TOPICS, true);
    for block in blocks {
        statistics.add(block);
    }
    statistics
}

fn mean_and_standard_error(sample: &[f64]) -> (f64, f64) {
    let count = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / count;
    let squares: f64 = sample.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// Divides the sums of the numerators and of the denominators of some units; the standard error by the delta method.
fn ratio_and_standard_error(units: &[(f64, f64)]) -> (f64, f64) {
    let count = units.len() as f64;
    let total: f64 = units.iter().map(|unit| unit.1).sum();
    let ratio = units.iter().map(|unit| unit.0).sum::<f64>() / total;
    let residuals: f64 = units
        .iter()
        .map(|unit| (unit.0 - ratio * unit.1).powi(2))
        .sum();
    (ratio, (residuals * count / (count - 1.0)).sqrt() / total)
}

/// One step of an episode.
struct Step {
    step: usize,
    reward: f64,
    clicked: bool,
}

/// Adds up a numerator and a denominator of each step over the steps of every block.
fn by_block(episodes: &[Episode], term: impl Fn(&Step) -> (f64, f64)) -> Vec<(f64, f64)> {
    let of_block = |block: &[Episode]| {
        let mut sums = (0.0, 0.0);
        for episode in block {
            let steps = episode.rewards.iter().zip(&episode.clicks).enumerate();
            for (step, (&reward, &clicked)) in steps {
                let (numerator, denominator) = term(&Step {
                    step,
                    reward,
                    clicked,
                });
                sums = (sums.0 + numerator, sums.1 + denominator);
            }
        }
        sums
    };
    episodes.chunks(BLOCK).map(of_block).collect()
}

#[track_caller]
fn assert_near(figure: Option<f64>, expected: f64) {
    let figure = figure.expect("the figure is determined");
    assert!(
        (figure - expected).abs() < 1e-12 * expected.abs().max(1.0),
        "{figure} for {expected}"
    );
}

#[test]
fn figures_match_plain_computations() {
    let episodes = episodes(1000);
    let summary = statistics_of(&blocks(1000)).summary();

    let returns: Vec<f64> = episodes.iter().map(|e| e.rewards.iter().sum()).collect();
    let (mean, standard_error) = mean_and_standard_error(&returns);
    assert_near(summary.returns.mean, mean);
    assert_near(summary.returns.standard_error, standard_error);
    assert_eq!(summary.episodes, 1000);
    assert_eq!(summary.non_finite_returns, 0);

    let lengths: Vec<f64> = episodes.iter().map(|e| e.rewards.len() as f64).collect();
    let (mean, standard_error) = mean_and_standard_error(&lengths);
    assert_near(summary.length.mean, mean);
    assert_near(summary.length.standard_error, standard_error);
    assert_eq!(
        (summary.length.min, summary.length.max),
        (Some(1), Some(12))
    );
    assert_eq!(summary.user_steps as f64, lengths.iter().sum::<f64>());

    // The slope by its definition, covariance by variance of the step index.
    let slope = |episode: &Episode| {
        let centre = (episode.rewards.len() as f64 - 1.0) / 2.0;
        let steps = || (0..episode.rewards.len()).map(|step| step as f64 - centre);
        let covariance: f64 = steps().zip(&episode.rewards).map(|(x, r)| x * r).sum();
        covariance / steps().map(|x| x * x).sum::<f64>()
    };
    let slopes: Vec<f64> = episodes
        .iter()
        .filter(|e| e.rewards.len() > 1)
        .map(slope)
        .collect();
    let (mean, standard_error) = mean_and_standard_error(&slopes);
    assert_near(summary.reward_slope.mean, mean);
    assert_near(summary.reward_slope.standard_error, standard_error);
    assert_eq!(summary.reward_slope.episodes, slopes.len() as u64);

    assert_eq!(summary.reward_per_step.len(), 12);
    for step in 0..12 {
        let running: Vec<_> = episodes.iter().filter(|e| e.rewards.len() > step).collect();
        let rewards: Vec<f64> = running.iter().map(|e| e.rewards[step]).collect();
        let clicks: Vec<f64> = running
            .iter()
            .map(|e| f64::from(u8::from(e.clicks[step])))
            .collect();
        let (mean, standard_error) = mean_and_standard_error(&rewards);
        assert_near(summary.reward_per_step[step], mean);
        assert_near(summary.reward_per_step_standard_error[step], standard_error);
        let (mean, standard_error) = mean_and_standard_error(&clicks);
        assert_near(summary.click_rate_per_step[step], mean);
        assert_near(
            summary.click_rate_per_step_standard_error[step],
            standard_error,
        );
    }

    let clicked: Vec<f64> = episodes
        .iter()
        .flat_map(|e| e.rewards.iter().zip(&e.clicks))
        .filter_map(|(&quality, &clicked)| clicked.then_some(quality))
        .collect();
    let quality = summary.clicked_quality.expect("the documents have quality");
    assert_near(
        quality.mean,
        clicked.iter().sum::<f64>() / clicked.len() as f64,
    );
    assert_eq!(quality.clicks, clicked.len() as u64);
    // Qualities and clicks are independent here, so that blocks are as good as single clicks: the
    // standard error over 63 blocks is within a third (3.7 of its own errors) of the plain one.
    let (_, plain) = mean_and_standard_error(&clicked);
    let ratio = quality.standard_error.expect("there are many blocks") / plain;
    assert!((0.67..1.33).contains(&ratio), "{ratio}");
}

#[test]
fn ratios_and_their_errors_match_plain_computations() {
    let episodes = episodes(1000);
    let summary = statistics_of(&blocks(1000)).summary();
    let user_steps = summary.user_steps as f64;

    // The unit of the click rate is an episode.
    let of_episode = |episode: &Episode| {
        let clicks = episode.clicks.iter().filter(|&&clicked| clicked).count();
        (clicks as f64, episode.clicks.len() as f64)
    };
    let units: Vec<(f64, f64)> = episodes.iter().map(of_episode).collect();
    let (rate, standard_error) = ratio_and_standard_error(&units);
    assert_near(summary.click_rate.mean, rate);
    assert_near(summary.click_rate.standard_error, standard_error);
    let clicks: f64 = units.iter().map(|unit| unit.0).sum();

    assert_eq!(summary.topics.len(), TOPICS);
    for (topic, figures) in summary.topics.iter().enumerate() {
        let units = by_block(&episodes, |step| {
            let is_shown = step.step % TOPICS == topic;
            (f64::from(is_shown && step.clicked), f64::from(is_shown))
        });
        let (rate, standard_error) = ratio_and_standard_error(&units);
        assert_near(figures.click_rate, rate);
        assert_near(figures.standard_error, standard_error);
        let clicks: f64 = units.iter().map(|unit| unit.0).sum();
        let impressions: f64 = units.iter().map(|unit| unit.1).sum();
        assert_eq!(figures.clicks as f64, clicks);
        assert_eq!(figures.impressions as f64, impressions);
        assert_near(figures.click_share, clicks / user_steps);
        let units = by_block(&episodes, |step| {
            let is_clicked = step.clicked && step.step % TOPICS == topic;
            (f64::from(is_clicked), 1.0)
        });
        let (share, standard_error) = ratio_and_standard_error(&units);
        assert_near(figures.click_share, share);
        assert_near(figures.click_share_standard_error, standard_error);
    }
    // The shares of the topics leave the steps without a click.
    let shares: f64 = summary.topics.iter().filter_map(|t| t.click_share).sum();
    assert_near(Some(shares), clicks / user_steps);

    assert_eq!(summary.positions.len(), POSITIONS);
    for (position, figures) in summary.positions.iter().enumerate() {
        let units = by_block(&episodes, |step| {
            let is_clicked = step.clicked && step.step % POSITIONS == position;
            (f64::from(is_clicked), 1.0)
        });
        let (rate, standard_error) = ratio_and_standard_error(&units);
        assert_near(figures.click_rate, rate);
        assert_near(figures.standard_error, standard_error);
        let clicks: f64 = units.iter().map(|unit| unit.0).sum();
        assert_eq!(figures.clicks as f64, clicks);
    }

    let units = by_block(&episodes, |step| match step.clicked {
        true => (step.reward, 1.0),
        false => (0.0, 0.0),
    });
    let (mean, standard_error) = ratio_and_standard_error(&units);
    let quality = summary.clicked_quality.expect("the documents have quality");
    assert_near(quality.mean, mean);
    assert_near(quality.standard_error, standard_error);
    assert_eq!(quality.clicks as f64, clicks);
}

#[test]
fn a_few_blocks_have_no_standard_error_of_what_comes_from_blocks() {
    let enough = usize::try_from(FEWEST_BLOCKS).unwrap();
    let blocks = blocks(enough * BLOCK);
    let summary = |count: usize| statistics_of(&blocks[..count]).summary();
    let have_errors = |count: usize| -> Vec<bool> {
        let summary = summary(count);
        let topics = summary.topics.iter().map(|topic| topic.standard_error);
        let positions = summary
            .positions
            .iter()
            .map(|position| position.standard_error);
        let quality = summary.clicked_quality.iter().map(|q| q.standard_error);
        let errors = topics.chain(positions).chain(quality);
        errors.map(|error| error.is_some()).collect()
    };
    for count in [1, 2, enough - 1] {
        assert_eq!(
            have_errors(count),
            [false; TOPICS + POSITIONS + 1],
            "{count}"
        );
    }
    assert_eq!(have_errors(enough), [true; TOPICS + POSITIONS + 1]);
    // The figures themselves, and errors whose unit is the episode, are reported for a single block.
    let summary = summary(1);
    assert!(
        summary
            .positions
            .iter()
            .all(|position| position.click_rate.is_some())
    );
    assert!(summary.click_rate.standard_error.is_some());
    let json = serde_json::to_value(&summary).unwrap();
    assert!(json["clicked_quality"]["standard_error"].is_null());
    assert!(json["slots"][0]["standard_error"].is_null());
}

#[test]
fn shards_in_any_order_give_the_same_bytes() {
    let blocks = blocks(777);
    let whole = statistics_of(&blocks);
    let text = serde_json::to_string(&whole).unwrap();
    for shards in [2, 3, 7, 49] {
        let mut merged = Statistics::new(TOPICS, true);
        for shard in (0..shards).rev() {
            let part = statistics_of(blocks.iter().skip(shard).step_by(shards));
            let written = serde_json::to_string(&part).unwrap();
            let read: Statistics = serde_json::from_str(&written).unwrap();
            assert_eq!(read, part);
            merged.merge(&read).unwrap();
        }
        assert_eq!(serde_json::to_string(&merged).unwrap(), text);
        assert_eq!(merged, whole);
        assert_eq!(merged.summary(), whole.summary());
    }
}

#[test]
fn a_state_survives_an_untyped_json_value() {
    let whole = statistics_of(&blocks(100));
    let value = serde_json::to_value(&whole).unwrap();
    assert_eq!(serde_json::from_value::<Statistics>(value).unwrap(), whole);
}

#[test]
fn a_non_finite_return_is_counted_and_does_not_poison_the_rest() {
    let mut block = block_of(&episodes(10));
    block.returns[3] = f64::NAN;
    block.slopes[3] = f64::NAN;
    block.reward_by_step[0] = f64::NAN;
    block.squared_reward_by_step[0] = f64::NAN;
    let statistics = statistics_of([&block]);
    let summary = statistics.summary();
    assert_eq!((summary.episodes, summary.non_finite_returns), (10, 1));
    // The mean of the finite returns could be mistaken for that of all.
    assert_eq!(summary.returns.mean, None);
    assert!(statistics.returns().mean().is_some_and(f64::is_finite));
    assert_eq!(
        (
            summary.reward_per_step[0],
            summary.reward_per_step_standard_error[0]
        ),
        (None, None)
    );
    assert!(summary.reward_per_step[1].is_some());
    let text = serde_json::to_string(&statistics).unwrap();
    assert_eq!(
        serde_json::from_str::<Statistics>(&text).unwrap(),
        statistics
    );
}

#[test]
fn statistics_of_different_environments_do_not_merge() {
    let mut statistics = statistics_of(&blocks(20));
    let before = statistics.clone();
    let error = statistics.merge(&Statistics::new(2, true));
    assert_eq!(
        error,
        Err(StatisticsError::TopicMismatch {
            expected: 3,
            got: 2
        })
    );
    let error = statistics.merge(&Statistics::new(3, false));
    assert_eq!(
        error,
        Err(StatisticsError::QualityMismatch { expected: true })
    );
    let mut longer = block_of(&episodes(1));
    longer.position_clicks.push(0);
    let error = statistics.merge(&statistics_of([&longer])).unwrap_err();
    assert_eq!(
        error,
        StatisticsError::PositionMismatch {
            expected: POSITIONS,
            got: POSITIONS + 1
        }
    );
    assert_eq!(
        error.to_string(),
        "cannot merge statistics over 3 positions of the slate into statistics over 2"
    );
    assert_eq!(statistics, before);
    // Without episodes there are no positions yet.
    statistics.merge(&Statistics::new(TOPICS, true)).unwrap();
    assert_eq!(statistics, before);
    let mut empty = Statistics::new(TOPICS, true);
    empty.merge(&statistics).unwrap();
    assert_eq!(empty, before);
}

#[test]
fn statistics_of_before_shares_had_errors_are_read_and_merged_without_them() {
    let blocks = blocks(60 * BLOCK);
    let whole = statistics_of(&blocks);
    let mut old = serde_json::to_value(statistics_of(&blocks[..30])).unwrap();
    old.as_object_mut().unwrap().shift_remove("topic_shares");
    let old: Statistics = serde_json::from_value(old).expect("what earlier versions wrote");
    let new = statistics_of(&blocks[30..]);
    let errors = |statistics: &Statistics| -> Vec<bool> {
        let summary = statistics.summary();
        let topics = summary.topics.iter();
        topics
            .map(|topic| topic.click_share_standard_error.is_some())
            .collect()
    };
    assert_eq!(
        (errors(&old), errors(&new)),
        (vec![false; TOPICS], vec![true; TOPICS])
    );
    for (a, b) in [(&old, &new), (&new, &old)] {
        for mut merged in [a.clone(), Statistics::new(TOPICS, true)] {
            if merged.episodes() == 0 {
                merged.merge(a).unwrap();
            }
            merged.merge(b).unwrap();
            assert_eq!(errors(&merged), [false; TOPICS]);
            let (found, all) = (merged.summary(), whole.summary());
            assert_eq!(found.topics[0].standard_error, all.topics[0].standard_error);
            assert_eq!(found.topics[0].click_share, all.topics[0].click_share);
        }
    }
    let mut again = new.clone();
    again.merge(&Statistics::new(TOPICS, true)).unwrap();
    assert_eq!(again, new);
}

#[test]
fn counts_that_would_overflow_do_not_merge() {
    let mut block = block_of(&episodes(1));
    block.topic_clicks.fill(0);
    // User-steps are kept for every position too.
    block.position_clicks.clear();
    let one = serde_json::to_value(statistics_of([&block])).unwrap();
    let length = block.lengths[0];
    let mut many = one.clone();
    let episodes = u64::MAX / u64::from(length) - 5;
    many["lengths"][0][1] = episodes.into();
    many["click_rate"]["units"] = episodes.into();
    many["click_rate"]["denominator"] = (episodes * u64::from(length)).into();
    many["returns"]["count"] = episodes.into();
    many["reward_slope"]["count"] = episodes.into();
    many["return_quantiles"]["positive"][0]["counts"][0] = episodes.into();
    for share in many["topic_shares"].as_array_mut().unwrap() {
        share["denominator"] = (episodes * u64::from(length)).into();
    }
    let mut many: Statistics = serde_json::from_value(many).expect("the counts agree");
    let copy = many.clone();
    assert!(matches!(
        many.merge(&copy),
        Err(StatisticsError::CountOverflow { .. })
    ));
    assert_eq!(many, copy);
    // Figures of absurd states are worthless, but computing them must not panic.
    let _ = many.summary();
}

#[test]
fn states_that_cannot_be_are_refused() {
    let good = serde_json::to_value(statistics_of(&blocks(50))).unwrap();
    assert!(serde_json::from_value::<Statistics>(good.clone()).is_ok());
    for (what, pointer, value) in [
        ("episodes", "/click_rate/units", json!(49)),
        ("user-steps", "/click_rate/denominator", json!(1)),
        ("a length", "/lengths/0/1", json!(1000)),
        ("returns", "/returns/count", json!(49)),
        ("the minimum", "/returns/min", json!(-1e9)),
        ("slopes", "/reward_slope/count", json!(1)),
        ("curves", "/curves/clicks", json!([1])),
        ("a sum", "/returns/sum", json!(1.0)),
        ("topics", "/topics", json!(null)),
        ("a position", "/slots/1/denominator", json!(1)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("the state has this place") = value;
        assert!(serde_json::from_value::<Statistics>(bad).is_err(), "{what}");
    }
    let mut unknown = good;
    unknown["more"] = json!(1);
    assert!(serde_json::from_value::<Statistics>(unknown).is_err());
    for bad in ["{}", "[]", "null", "3", "\"x\""] {
        assert!(serde_json::from_str::<Statistics>(bad).is_err());
    }
}

#[test]
#[should_panic(expected = "another shape than promised")]
fn a_block_of_another_shape_is_a_broken_promise() {
    let mut block = block_of(&episodes(5));
    block.clicks.pop();
    statistics_of([&block]);
}

#[test]
fn slopes_of_straight_lines_are_exact() {
    assert_eq!(least_squares_slope(0.0 + 2.0 + 4.0, 2.0 + 8.0, 3), 2.0);
    assert_eq!(least_squares_slope(5.0 + 5.0, 5.0, 2), 0.0);
}

#[test]
fn sums_in_the_state_are_exact() {
    let blocks = blocks(100);
    let state = serde_json::to_value(statistics_of(&blocks)).unwrap();
    let mut sum = ExactSum::new();
    blocks
        .iter()
        .flat_map(|block| &block.returns)
        .for_each(|&term| sum.add(term));
    assert_eq!(state["returns"]["sum"], sum.to_string());
}

/// Finite numbers of every kind: any bits, whole ones, ones that differ in their last bits, and decimals that are none.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("finite", |x| x.is_finite()),
        (-20i32..20).prop_map(f64::from),
        (-9000i32..9000).prop_map(f64::from),
        (0u64..4).prop_map(|ulps| f64::from_bits(30.0_f64.to_bits() + ulps)),
        (-50i32..50).prop_map(|tenths| f64::from(tenths) * 0.1),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(5e-324),
        Just(-0.0),
    ]
}

/// Blocks of episodes of a step or more, with clicks and whatever returns.
fn any_blocks() -> impl Strategy<Value = Vec<EpisodeBlock>> {
    let length = prop_oneof![1u32..6, 4090u32..4200, 16_380u32..16_400, 26_990u32..27_001];
    let episode = (finite(), finite(), length, 0u32..6);
    let block = prop::collection::vec(episode, 1..12).prop_map(|episodes| {
        let longest = episodes.iter().map(|episode| episode.2).max().unwrap();
        let bins = num_bins(longest);
        EpisodeBlock {
            returns: episodes.iter().map(|episode| episode.0).collect(),
            slopes: episodes.iter().map(|episode| episode.1).collect(),
            lengths: episodes.iter().map(|episode| episode.2).collect(),
            clicks: episodes
                .iter()
                .map(|episode| episode.3.min(episode.2))
                .collect(),
            reward_by_step: vec![episodes[0].0; bins],
            squared_reward_by_step: vec![episodes[0].1.abs(); bins],
            clicks_by_step: vec![1; bins],
            clicked_quality: episodes[0].1,
            topic_impressions: vec![7; TOPICS],
            topic_clicks: vec![3; TOPICS],
            position_clicks: vec![2; POSITIONS],
            ..EpisodeBlock::default()
        }
    });
    prop::collection::vec(block, 1..6)
}

/// Checks what holds for every sample: extremes, mean and quantiles are in order.
fn assert_ordered(
    [min, mean, max]: [Option<f64>; 3],
    quantiles: &QuantileTable,
    errors: [Option<f64>; 2],
) {
    let (min, max) = (min.unwrap(), max.unwrap());
    assert!(min <= max);
    assert!(mean.is_none_or(|mean| min <= mean && mean <= max));
    let mut last = min;
    for (probability, quantile) in quantiles.iter() {
        let quantile = quantile.unwrap();
        assert!(last <= quantile, "{probability}: {quantile} below {last}");
        last = quantile;
    }
    assert!(last <= max);
    let is_error = |error: Option<f64>| error.is_none_or(|error| error >= 0.0 && error.is_finite());
    assert!(errors.into_iter().all(is_error), "{errors:?}");
}

fn assert_sound(summary: &Summary) {
    let returns = &summary.returns;
    assert_ordered(
        [returns.min, returns.mean, returns.max],
        &returns.quantiles,
        [returns.standard_error, returns.standard_deviation],
    );
    let trimmed = &returns.trimmed_mean;
    let within = |mean: f64| returns.min <= Some(mean) && Some(mean) <= returns.max;
    assert!(trimmed.mean.is_none_or(within));
    assert!(trimmed.ci95.is_none_or(|[low, high]| low <= high));
    let length = &summary.length;
    let [min, max] = [length.min, length.max].map(|length| length.map(f64::from));
    assert_ordered(
        [min, length.mean, max],
        &length.quantiles,
        [length.standard_error, length.standard_deviation],
    );
    let steps: u64 = summary.user_steps;
    assert!(
        summary
            .click_rate
            .mean
            .is_some_and(|rate| (0.0..=1.0).contains(&rate))
    );
    assert!(summary.running_per_step.is_sorted_by(|a, b| a >= b));
    assert_eq!(summary.running_per_step[0], summary.episodes);
    assert!(summary.running_per_step.iter().sum::<u64>() <= steps.max(summary.episodes));
    assert_eq!(
        summary
            .curve_bins
            .as_ref()
            .is_some_and(|bins| bins.len() == summary.running_per_step.len()),
        length.max.is_some_and(|longest| longest > SINGLE_STEPS + 1)
    );
    for error in summary
        .reward_per_step_standard_error
        .iter()
        .chain(&*summary.click_rate_per_step_standard_error)
    {
        assert!(error.is_none_or(|error| error >= 0.0 && error.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn figures_of_any_finite_sample_are_in_order_and_merge_in_any_order(
        blocks in any_blocks(),
        cut in 0usize..6,
    ) {
        let whole = statistics_of(&blocks);
        assert_sound(&whole.summary());
        let (left, right) = blocks.split_at(cut.min(blocks.len()));
        let mut merged = statistics_of(right.iter().rev());
        merged.merge(&statistics_of(left)).unwrap();
        prop_assert!(merged == whole);
        let text = serde_json::to_string(&whole).unwrap();
        let read: Statistics = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        prop_assert!(read == whole);
    }

    #[test]
    fn quantiles_of_whole_returns_are_whole_or_half_way_between(
        returns in prop::collection::vec(-5000i32..5000, 1..300),
    ) {
        let mut quantiles = Quantiles::new();
        let mut sorted: Vec<f64> = returns.into_iter().map(f64::from).collect();
        for &whole in &sorted {
            quantiles.add(whole);
        }
        sorted.sort_by(f64::total_cmp);
        let last = (sorted.len() - 1) as f64;
        for (rank, &whole) in sorted.iter().enumerate() {
            let found = quantiles.quantile(rank as f64 / last.max(1.0)).unwrap();
            // The rank of a probability may be off by its rounding.
            prop_assert!((found - whole).abs() < 1e-6, "{} for {}", found, whole);
        }
    }
}

#[test]
fn the_quantiles_of_sessions_that_all_watch_their_budget_are_that_budget() {
    // Returns of 30 that differ in their last bits, as a user once reported.
    let returns: Vec<f64> = (0..1000)
        .map(|index| f64::from_bits(30.0_f64.to_bits() - 2 + index % 5))
        .collect();
    let mut quantiles = Quantiles::new();
    for &one in &returns {
        quantiles.add(one);
    }
    for rank in 0..1000u32 {
        let found = quantiles.quantile(f64::from(rank) / 999.0).unwrap();
        assert!((found - 30.0).abs() < 1e-13);
    }
}

#[test]
fn curves_are_left_out_of_figures_state_and_whatever_they_are_merged_with() {
    let blocks = blocks(60);
    let whole = statistics_of(&blocks);
    let mut without = statistics_of(&blocks[..2]);
    without.drop_curves();
    assert!(!without.has_curves());
    let value = serde_json::to_value(without.summary()).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert!(!keys.iter().any(|key| key.contains("per_step")), "{keys:?}");
    let text = serde_json::to_string(&without).unwrap();
    assert_eq!(serde_json::from_str::<Statistics>(&text).unwrap(), without);
    let rest = statistics_of(&blocks[2..]);
    for (mut a, b) in [(without.clone(), rest.clone()), (rest, without)] {
        a.merge(&b).unwrap();
        assert!(!a.has_curves());
        let mut expected = whole.summary();
        expected.drop_curves();
        assert_eq!(a.summary(), expected);
    }
}
