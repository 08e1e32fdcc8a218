use super::*;
use crate::statistics::{ExactSum, FEWEST_BLOCKS, least_squares_slope};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

const TOPICS: usize = 3;
const SLOTS: usize = 2;
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
        slot_clicks: vec![0; SLOTS],
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
                block.slot_clicks[step % SLOTS] += 1;
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

    // Of the click rate an episode is a unit.
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
    }
    // The shares of the topics leave the steps without a click.
    let shares: f64 = summary.topics.iter().filter_map(|t| t.click_share).sum();
    assert_near(Some(shares), clicks / user_steps);

    assert_eq!(summary.slots.len(), SLOTS);
    for (slot, figures) in summary.slots.iter().enumerate() {
        let units = by_block(&episodes, |step| {
            let is_clicked = step.clicked && step.step % SLOTS == slot;
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
        let slots = summary.slots.iter().map(|slot| slot.standard_error);
        let quality = summary.clicked_quality.iter().map(|q| q.standard_error);
        let errors = topics.chain(slots).chain(quality);
        errors.map(|error| error.is_some()).collect()
    };
    for count in [1, 2, enough - 1] {
        assert_eq!(have_errors(count), [false; TOPICS + SLOTS + 1], "{count}");
    }
    assert_eq!(have_errors(enough), [true; TOPICS + SLOTS + 1]);
    // The figures themselves, and errors of which the episode is the unit, are told of a single block.
    let summary = summary(1);
    assert!(summary.slots.iter().all(|slot| slot.click_rate.is_some()));
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
    // A mean of the rest would pass for one of all.
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
    longer.slot_clicks.push(0);
    let error = statistics.merge(&statistics_of([&longer])).unwrap_err();
    assert_eq!(
        error,
        StatisticsError::SlotMismatch {
            expected: SLOTS,
            got: SLOTS + 1
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
fn counts_that_would_overflow_do_not_merge() {
    let mut block = block_of(&episodes(1));
    block.topic_clicks.fill(0);
    // Of every position the user-steps are kept too.
    block.slot_clicks.clear();
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
