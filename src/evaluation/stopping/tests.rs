//! Coverage of the stopping rule over seeded campaigns, beside that of other rules; and its schedule.

use super::*;
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::{Unobserved, cpu};
use crate::registry;
use crate::test_support;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use std::f64::consts::TAU;

const CAMPAIGNS: u32 = 2_000;

/// Of 2,000 campaigns of a rule that covers 94 %, fewer cover with a probability of 1.3e-4, by the binomial distribution;
/// 1840 is 1880 - 3.77 sqrt(2000 · 0.94 · 0.06).
const FEWEST_COVERED: u32 = 1_840;

fn normal(random: &mut SmallRng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (TAU * random.random::<f64>()).cos()
}

/// Runs a campaign of draws; tells whether its interval covers `mean`, and its episodes.
fn campaign(
    seed: u64,
    target: &Target,
    mean: f64,
    draw: &dyn Fn(&mut SmallRng) -> f64,
    judge: &dyn Fn(Look) -> Look,
) -> (bool, u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut sample = Moments::new();
    let stopping = run(target, two_sided(1.0 - LEVEL), |episodes| {
        let draws: Vec<f64> = episodes.map(|_| draw(&mut random)).collect();
        sample.add_all(&draws);
        Ok(judge(Look::at(sample.count(), std::iter::once(&sample))))
    })
    .unwrap();
    let half_width = stopping.half_width.unwrap();
    let is_covered = (sample.mean().unwrap() - mean).abs() <= half_width;
    (is_covered, sample.count())
}

/// Counts the campaigns, with the seeds 0, 1, ..., whose interval covers the mean, and the mean number of episodes.
fn covered(
    mean: f64,
    deviation: f64,
    draw: &dyn Fn(&mut SmallRng) -> f64,
    judge: &dyn Fn(Look) -> Look,
) -> (u32, f64) {
    // The standard error of 6,000 episodes, if the spread of the sample is the true one.
    let precision = Precision::StandardError(deviation / 6_000_f64.sqrt());
    let target = Target::new(precision, 1_000_000).unwrap();
    let all = (0..CAMPAIGNS).map(|seed| campaign(seed.into(), &target, mean, draw, judge));
    let (hits, episodes) = all.fold((0, 0), |(hits, sum), (hit, episodes)| {
        (hits + u32::from(hit), sum + episodes)
    });
    (hits, episodes as f64 / f64::from(CAMPAIGNS))
}

#[test]
fn intervals_of_normal_returns_cover_the_mean() {
    let (hits, episodes) = covered(3.0, 2.0, &|random| 3.0 + 2.0 * normal(random), &|look| look);
    assert!(hits >= FEWEST_COVERED, "{hits}");
    assert!((6_000.0..6_700.0).contains(&episodes), "{episodes}");
}

#[test]
fn intervals_of_skewed_returns_cover_the_mean() {
    // exp(z): mean exp(1/2), variance (e - 1) e, skewness 6.2.
    let e = 1_f64.exp();
    let (mean, deviation) = (0.5_f64.exp(), ((e - 1.0) * e).sqrt());
    let (hits, episodes) = covered(mean, deviation, &|random| normal(random).exp(), &|look| {
        look
    });
    assert!(hits >= FEWEST_COVERED, "{hits} in {episodes} episodes");
}

#[test]
fn intervals_of_rare_events_cover_their_rate_and_without_the_guard_they_do_not() {
    let rate: f64 = 0.001;
    let deviation = (rate * (1.0 - rate)).sqrt();
    let draw = |random: &mut SmallRng| f64::from(u8::from(random.random_bool(rate)));
    let (hits, episodes) = covered(rate, deviation, &draw, &|look| look);
    assert!(hits >= FEWEST_COVERED, "{hits} in {episodes} episodes");
    let unguarded = |look| Look {
        largest_share: None,
        ..look
    };
    let (hits, _) = covered(rate, deviation, &draw, &unguarded);
    assert!(hits < FEWEST_COVERED, "{hits}");
}

/// The returns of `item_transition` under random slates have the exact mean 0.978353 (solved by `exact`).
#[test]
fn intervals_of_an_environment_cover_its_exact_value() {
    const RUNS: u64 = 1_000;
    let backend = cpu::cpu(None).unwrap();
    let target = Target::new(Precision::HalfWidth(0.04), 1_000_000).unwrap();
    let mut hits = 0;
    for seed in 0..RUNS {
        let config = test_support::item_transition(seed, &[]);
        let simulation = registry::simulation(&config).unwrap();
        let (campaign, stopping) =
            evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
        assert!(stopping.is_reached && !campaign.is_partial());
        let mean = campaign.statistics.returns().mean().unwrap();
        hits += u64::from((mean - 0.978_353).abs() <= stopping.half_width.unwrap());
    }
    // Of 1,000 runs of a rule that covers 94 %, fewer cover with a probability of 1.7e-4, by the binomial distribution.
    assert!(hits >= 912, "{hits} of {RUNS}");
}

/// The distribution of returns in a simulation of the rule, with known mean and standard deviation.
#[derive(Clone, Copy, Debug)]
enum Returns {
    Normal,
    /// exp(s z).
    LogNormal(f64),
    /// 1 with this probability, else 0.
    Rare(f64),
}

impl Returns {
    fn draw(self, random: &mut SmallRng) -> f64 {
        match self {
            Self::Normal => normal(random),
            Self::LogNormal(s) => (s * normal(random)).exp(),
            Self::Rare(rate) => f64::from(u8::from(random.random_bool(rate))),
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Normal => 0.0,
            Self::LogNormal(s) => (s * s / 2.0).exp(),
            Self::Rare(rate) => rate,
        }
    }

    fn deviation(self) -> f64 {
        match self {
            Self::Normal => 1.0,
            Self::LogNormal(s) => ((s * s).exp_m1() * (s * s).exp()).sqrt(),
            Self::Rare(rate) => (rate * (1.0 - rate)).sqrt(),
        }
    }

    /// The half-width of the interval of 10,000 returns, if the spread of the sample is the true one.
    fn target(self, max_episodes: u64) -> Target {
        let half_width = two_sided(1.0 - LEVEL) * self.deviation() / 100.0;
        Target::new(Precision::HalfWidth(half_width), max_episodes).unwrap()
    }
}

/// A growing sample, with plain sums: exact ones would take most of the time.
struct Sample {
    returns: Returns,
    random: SmallRng,
    count: u64,
    sums: [f64; 3],
    range: (f64, f64),
}

/// What a rule sees of a sample at a look, and the mean and skewness, which it does not see.
#[derive(Clone, Copy, Debug)]
struct Seen {
    look: Look,
    mean: f64,
    skewness: f64,
}

impl Sample {
    fn new(returns: Returns, seed: u64) -> Self {
        Self {
            returns,
            random: SmallRng::seed_from_u64(seed),
            count: 0,
            sums: [0.0; 3],
            range: (f64::INFINITY, f64::NEG_INFINITY),
        }
    }

    fn grow(&mut self, episodes: u64) -> Seen {
        while self.count < episodes {
            let drawn = self.returns.draw(&mut self.random);
            self.count += 1;
            self.sums[0] += drawn;
            self.sums[1] += drawn * drawn;
            self.sums[2] += drawn * drawn * drawn;
            self.range = (self.range.0.min(drawn), self.range.1.max(drawn));
        }
        let count = self.count as f64;
        let [mean, square, cube] = self.sums.map(|sum| sum / count);
        let variance = (square - mean * mean) * count / (count - 1.0);
        let farthest = (self.range.1 - mean).max(mean - self.range.0);
        let largest_share = farthest * farthest / (variance * (count - 1.0));
        let third = cube - 3.0 * mean * square + 2.0 * mean * mean * mean;
        Seen {
            look: Look {
                episodes,
                standard_error: Some((variance / count).sqrt()),
                largest_share: (variance > 0.0).then_some(largest_share),
                is_known: variance > 0.0 || self.count >= MIN_WITHOUT_SPREAD,
            },
            mean,
            skewness: third / variance.powf(1.5),
        }
    }
}

/// The look at which a rule stops, and whether it counts the target as reached there.
type Verdict = (Seen, bool);

fn is_precise(seen: &Seen, target: &Target) -> bool {
    let Precision::HalfWidth(asked) = target.precision else {
        panic!("simulations ask for a half-width");
    };
    let reached = seen.look.standard_error.unwrap() * two_sided(1.0 - LEVEL);
    seen.look.is_known && reached <= asked
}

fn first(looks: &[Seen], is_enough: impl Fn(&Seen) -> bool) -> Verdict {
    let found = looks.iter().find(|seen| is_enough(seen));
    found.map_or((looks[looks.len() - 1], false), |&seen| (seen, true))
}

/// The rule of this module.
fn ours(looks: &[Seen], target: &Target) -> Verdict {
    let mut ahead = looks.iter();
    let mut last = looks[0];
    let stopping = run(target, two_sided(1.0 - LEVEL), |episodes| {
        last = *ahead.next().expect("looks are recorded up to the bound");
        assert_eq!(last.look.episodes, episodes.end);
        Ok(last.look)
    });
    (last, stopping.unwrap().is_reached)
}

/// The first look that is precise.
fn plain(looks: &[Seen], target: &Target) -> Verdict {
    first(looks, |seen| is_precise(seen, target))
}

/// The first look that is precise and at which no episode has more than a 25th of the sum of squares: the rule before version
/// 0.1.
fn waiting(looks: &[Seen], target: &Target) -> Verdict {
    let is_spread = |seen: &Seen| {
        seen.look
            .largest_share
            .is_none_or(|share| share <= LARGEST_SHARE)
    };
    first(looks, |seen| is_precise(seen, target) && is_spread(seen))
}

/// Cochran (1977), "Sampling techniques", 2.15: n > 25 times the square of the skewness.
fn cochran(looks: &[Seen], target: &Target) -> Verdict {
    first(looks, |seen| {
        let least = 25.0 * seen.skewness * seen.skewness;
        is_precise(seen, target) && seen.look.episodes as f64 > least
    })
}

/// Stein (1945): the spread at the first look determines the number of episodes.
fn stein(looks: &[Seen], target: &Target) -> Verdict {
    let Precision::HalfWidth(asked) = target.precision else {
        panic!("simulations ask for a half-width");
    };
    let pilot = looks[0].look;
    let excess = pilot.standard_error.unwrap() * two_sided(1.0 - LEVEL) / asked;
    let least = pilot.episodes as f64 * excess * excess;
    let is_known = |seen: &Seen| pilot.largest_share.is_some() || seen.look.is_known;
    first(looks, |seen| {
        seen.look.episodes as f64 >= least && is_known(seen)
    })
}

/// Extended once, by 25 times the share and at most 16.
fn by_16(looks: &[Seen], target: &Target) -> Verdict {
    let (start, is_found) = plain(looks, target);
    if !is_found {
        return (start, false);
    }
    let factor = start.look.largest_share.map_or(1.0, |share| 25.0 * share);
    let least = start.look.episodes as f64 * factor.clamp(1.0, 16.0);
    first(looks, |seen| {
        seen.look.episodes as f64 >= least && is_precise(seen, target)
    })
}

type Rule = (&'static str, fn(&[Seen], &Target) -> Verdict);

const RULES: [Rule; 6] = [
    ("first precise look (Chow and Robbins 1965)", plain),
    ("number fixed by the first look (Stein 1945)", stein),
    ("n > 25 skewness² (Cochran 1977)", cochran),
    ("wait until no share is above 1/25 (before)", waiting),
    ("extend once by min(25 share, 16)", by_16),
    (
        "extend once by min((25 share)³, max(32, 2^18 / n)) (now)",
        ours,
    ),
];

/// Figures of a rule over many samples.
#[derive(Debug)]
struct Tally {
    runs: usize,
    reached: usize,
    /// Intervals that cover the mean, of those that reached the target.
    covered: usize,
    /// The share that covers the mean among the fifth of them that had the fewest episodes.
    early_covered: f64,
    /// Mean of (estimate - truth) / standard error of those that reached the target.
    bias: f64,
    /// Mean over all runs.
    episodes: f64,
}

impl Tally {
    fn of(returns: Returns, verdicts: &[Verdict]) -> Self {
        let mut reached: Vec<&Seen> = verdicts
            .iter()
            .filter_map(|(seen, is_reached)| is_reached.then_some(seen))
            .collect();
        reached.sort_by_key(|seen| seen.look.episodes);
        let deviation = |seen: &Seen| {
            let error = seen.look.standard_error.unwrap();
            let off = seen.mean - returns.mean();
            if error > 0.0 {
                off / error
            } else {
                f64::NEG_INFINITY
            }
        };
        let is_covered = |seen: &&&Seen| deviation(seen).abs() <= two_sided(1.0 - LEVEL);
        let early = &reached[..reached.len().div_ceil(5)];
        let finite = reached
            .iter()
            .map(|seen| deviation(seen))
            .filter(|z| z.is_finite());
        let all = verdicts.iter().map(|(seen, _)| seen.look.episodes as f64);
        Self {
            runs: verdicts.len(),
            reached: reached.len(),
            covered: reached.iter().filter(is_covered).count(),
            early_covered: early.iter().filter(is_covered).count() as f64 / early.len() as f64,
            bias: finite.sum::<f64>() / reached.len() as f64,
            episodes: all.sum::<f64>() / verdicts.len() as f64,
        }
    }

    fn covered(&self) -> f64 {
        self.covered as f64 / self.reached as f64
    }
}

/// Lists the looks of a sample up to the bound.
fn all_looks(returns: Returns, seed: u64, target: &Target) -> Vec<Seen> {
    let mut sample = Sample::new(returns, seed);
    let mut looks: Vec<Seen> = Vec::new();
    while looks
        .last()
        .is_none_or(|seen| seen.look.episodes < target.max_episodes)
    {
        let next = target.next_look(looks.last().map_or(0, |seen| seen.look.episodes));
        looks.push(sample.grow(next));
    }
    looks
}

/// Prints the table of docs/lab/stopping.md, and checks what it claims about the rule that is used.
#[test]
#[ignore = "takes minutes; the command is in docs/comparing.md"]
fn every_rule_over_2000_seeds_a_case() {
    const BOUND: u64 = 1 << 20;
    let cases = [
        ("normal", Returns::Normal),
        ("log-normal, sd 1", Returns::LogNormal(1.0)),
        ("log-normal, sd 2", Returns::LogNormal(2.0)),
        ("log-normal, sd 2.5", Returns::LogNormal(2.5)),
        ("events of 0.001", Returns::Rare(0.001)),
    ];
    println!(
        "| returns | rule | reached | covers, of these | of the first fifth to stop | bias in standard errors | mean episodes |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, returns) in cases {
        let target = returns.target(BOUND);
        let verdicts: Vec<[Verdict; 6]> = (0..u64::from(CAMPAIGNS))
            .into_par_iter()
            .map(|seed| {
                let looks = all_looks(returns, seed, &target);
                RULES.map(|(_, rule)| rule(&looks, &target))
            })
            .collect();
        for (index, (rule, _)) in RULES.iter().enumerate() {
            let of_rule: Vec<Verdict> = verdicts.iter().map(|all| all[index]).collect();
            let tally = Tally::of(returns, &of_rule);
            println!(
                "| {name} | {rule} | {:.1} % | {:.1} % | {:.1} % | {:+.2} | {:.0} |",
                100.0 * tally.reached as f64 / tally.runs as f64,
                100.0 * tally.covered(),
                100.0 * tally.early_covered,
                tally.bias,
                tally.episodes
            );
            let is_ours = index + 1 == RULES.len();
            if is_ours && !matches!(returns, Returns::LogNormal(s) if s > 2.0) {
                assert!(tally.covered() >= 0.93, "{name}: {tally:?}");
                assert!(10 * tally.reached >= 9 * tally.runs, "{name}: {tally:?}");
            }
        }
    }
}

/// A quarter of the campaigns of that table, for the rule of this module only, which takes less time.
#[test]
fn intervals_of_heavy_tails_cover_the_mean_where_the_run_stops() {
    const RUNS: u64 = 500;
    let returns = Returns::LogNormal(2.0);
    let target = returns.target(1 << 20);
    let verdicts: Vec<Verdict> = (0..RUNS)
        .into_par_iter()
        .map(|seed| {
            let mut sample = Sample::new(returns, seed);
            let mut last = None;
            let stopping = run(&target, two_sided(1.0 - LEVEL), |episodes| {
                let seen = sample.grow(episodes.end);
                last = Some(seen);
                Ok(seen.look)
            });
            let stopping = stopping.unwrap();
            assert_eq!(stopping.is_reached, stopping.reason.is_none());
            (last.unwrap(), stopping.is_reached)
        })
        .collect();
    let tally = Tally::of(returns, &verdicts);
    assert!(tally.reached >= 490, "{tally:?}");
    // Of 500 campaigns of a rule that covers 94 %, fewer cover with a probability of 3e-4, by the binomial distribution; with
    // the earlier rule 85 % of those that stop here would cover.
    assert!(tally.covered >= 450 * tally.reached / 500, "{tally:?}");
    assert!(tally.episodes < 400_000.0, "{tally:?}");
}

#[test]
fn a_run_is_extended_once_by_a_factor_of_the_first_precise_look() {
    let look = |episodes: u64, share: f64| Look {
        episodes,
        standard_error: Some(1.0 / (episodes as f64).sqrt()),
        largest_share: Some(share),
        is_known: true,
    };
    let run = |asked: f64, max_episodes, shares: &dyn Fn(u64) -> f64| {
        let target = Target::new(Precision::StandardError(asked), max_episodes).unwrap();
        let mut episodes = 0;
        let stopping = run(&target, 1.96, |range| {
            episodes = range.end;
            Ok(look(range.end, shares(range.end)))
        });
        (stopping.unwrap(), episodes)
    };
    let asked = 1.0 / 10_000_f64.sqrt();
    // No single episode matters much: the run stops at the first precise look.
    let (mild, episodes) = run(asked, 1 << 30, &|_| 0.04);
    assert_eq!((mild.extension, episodes), (None, 10_240));
    // 25 · 0.06 = 1.5, and 1.5³ = 3.375.
    let (some, episodes) = run(asked, 1 << 30, &|_| 0.06);
    let extension = some.extension.unwrap();
    assert_eq!((extension.from, extension.to), (10_240, 34_560));
    assert!(some.is_reached && some.reason.is_none());
    assert_eq!(episodes, 39_680, "the first look from there on");
    // However large the share, the run is extended to at most 32 times, or 2^18 where that is more; later looks change nothing.
    for (asked, from, to) in [(asked, 10_240, 32 * 10_240), (1.0, 4096, 1 << 18)] {
        let (most, episodes) = run(asked, 1 << 30, &|episodes| {
            if episodes > from { 1.0 } else { 0.9 }
        });
        assert_eq!(most.extension.unwrap().to, to);
        assert!(most.is_reached && (to..2 * to).contains(&episodes));
    }
}

#[test]
fn an_extension_beyond_the_bound_is_no_target_reached_and_says_why() {
    let target = Target::new(Precision::StandardError(1.0), 100_000).unwrap();
    let stopping = run(&target, 1.96, |episodes| {
        Ok(Look {
            episodes: episodes.end,
            standard_error: Some(0.5),
            largest_share: Some(0.32),
            is_known: true,
        })
    });
    let stopping = stopping.unwrap();
    assert!(!stopping.is_reached);
    assert_eq!(
        stopping.reason.as_deref(),
        Some(
            "the target cannot be told within 100000 episodes: after 4096, the first look as precise as asked for, one of \
             them had 32 % of the sum of squares, and so heavy a tail asks for 262144"
        )
    );
}

#[test]
fn a_target_that_is_not_reached_says_why() {
    let reason = |standard_error, largest_share, is_known| {
        let target = Target::new(Precision::StandardError(1.0), 10_000).unwrap();
        let stopping = run(&target, 1.96, |episodes| {
            Ok(Look {
                episodes: episodes.end,
                standard_error,
                largest_share,
                is_known,
            })
        });
        stopping.unwrap().reason.unwrap()
    };
    assert_eq!(
        reason(Some(2.0), Some(0.01), true),
        "10000 episodes are too few for it"
    );
    assert!(reason(Some(0.0), None, false).contains("65536 are asked for"));
    assert!(reason(None, None, false).contains("no standard error"));
}

#[test]
fn looks_are_whole_blocks_that_depend_on_nothing_but_the_bound() {
    let target = Target::new(Precision::HalfWidth(1.0), 100_100).unwrap();
    let mut looks = vec![target.next_look(0)];
    while looks[looks.len() - 1] < 100_100 {
        looks.push(target.next_look(looks[looks.len() - 1]));
    }
    let expected = [
        4096, 5120, 6400, 8192, 10_240, 12_800, 16_128, 20_224, 25_344, 31_744, 39_680, 49_664,
        62_208, 77_824, 97_280, 100_100,
    ];
    assert_eq!(looks, expected);
    // The schedule ends even with the largest bound.
    let endless = Target::new(Precision::HalfWidth(1.0), u64::MAX).unwrap();
    assert_eq!(endless.next_look(u64::MAX - 5), u64::MAX);
}

#[test]
fn a_stopped_campaign_is_the_campaign_of_its_episodes_on_any_threads_and_batch() {
    let simulation = registry::simulation(&test_support::short_run(&[])).unwrap();
    let target = Target::new(Precision::HalfWidth(0.5), 100_000).unwrap();
    let run = |threads, batch_size| {
        let backend = CpuBackend::new(Arithmetic::Single, Some(threads)).unwrap();
        let backend = backend.with_batch_size(batch_size);
        let (campaign, stopping) =
            evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
        (campaign.done, campaign.statistics, stopping)
    };
    let (done, statistics, stopping) = run(1, 256);
    assert_eq!(
        run(3, 1_000_000),
        (done.clone(), statistics.clone(), stopping.clone())
    );
    assert!(stopping.is_reached && stopping.looks > 1, "{stopping:?}");
    let backend = cpu::cpu(Some(2)).unwrap();
    let plain = evaluate(&simulation, &backend, done, &Unobserved).unwrap();
    assert_eq!(plain.statistics, statistics);
}

#[test]
fn a_precision_out_of_reach_ends_at_the_bound() {
    let simulation = registry::simulation(&test_support::short_run(&[])).unwrap();
    let backend = cpu::cpu(Some(2)).unwrap();
    let target = Target::new(Precision::StandardError(1e-9), 5_000).unwrap();
    let (campaign, stopping) = evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
    assert!(!stopping.is_reached && !campaign.is_partial());
    assert_eq!((campaign.done, stopping.looks), (0..5_000, 2));
    let standard_error = campaign.statistics.returns().standard_error();
    assert_eq!(stopping.standard_error, standard_error);
}

#[test]
fn returns_without_spread_are_believed_late() {
    let target = Target::new(Precision::HalfWidth(1.0), 1_000_000).unwrap();
    let (is_covered, episodes) = campaign(0, &target, 2.0, &|_| 2.0, &|look| look);
    assert!(is_covered);
    assert_eq!(episodes, 77_824);
}

#[test]
fn a_target_that_cannot_be_is_refused() {
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Target::new(Precision::HalfWidth(value), FIRST_LOOK).unwrap_err();
        assert!(error.to_string().starts_with("`target_half_width` = "));
        let error = Target::new(Precision::StandardError(value), FIRST_LOOK).unwrap_err();
        assert!(error.to_string().contains("a finite number above 0"));
    }
    assert_eq!(
        Target::new(Precision::HalfWidth(1.0), 4095)
            .unwrap_err()
            .to_string(),
        "`max_episodes` = 4095 is not allowed; allowed is at least 4096, where the first look is taken"
    );
}
