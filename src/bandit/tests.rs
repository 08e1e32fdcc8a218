use super::*;
use crate::math::tests::assert_same_constants;
use crate::number::Lanes;

type Index = fn(f64, f64, f64, f64) -> f64;
type SingleIndex = fn(Lanes<1>, Lanes<1>, Lanes<1>, Lanes<1>) -> Lanes<1>;

/// Requires the scores of arms (pulls, reward, score) at a time and a scale, in both precisions.
fn assert_scores(
    double: Index,
    single: SingleIndex,
    bound: f64,
    (total, scale): (f64, f64),
    arms: &[(f64, f64, f64)],
) {
    for &(pulls, reward, expected) in arms {
        let found = double(pulls, reward, total, scale);
        assert!(
            (found - expected).abs() < bound,
            "{pulls}, {reward}, {total}, {scale}: {found}"
        );
        let [pulls, reward, time, factor] = [pulls, reward, total, scale].map(Lanes::<1>::splat);
        let found = single(pulls, reward, time, factor).lane(0);
        assert!(
            (found - expected).abs() < 1e-6,
            "{pulls:?}, {reward:?}, {total}, {scale}: {found}"
        );
    }
}

// The scores of the following three are those of RecSim 0.2.4 (UCB1, KL-UCB as coded),
// rounded to 10 digits; the true KL-UCB indices are 60 bisections in double precision.

#[test]
fn ucb_gives_recsims_scores() {
    let run = |setting, arms: &[_]| assert_scores(ucb, ucb, 1e-9, setting, arms);
    run(
        (20.0, 1.0),
        &[(10.0, 10.0, 1.774045512), (10.0, 0.0, 0.774045512)],
    );
    run(
        (160.0, 1.0),
        &[
            (100.0, 30.0, 0.6185961021),
            (50.0, 20.0, 0.8505629286),
            (10.0, 2.0, 1.2074893364),
        ],
    );
    run(
        (160.0, 0.5),
        &[
            (100.0, 30.0, 0.4592980511),
            (50.0, 20.0, 0.6252814643),
            (10.0, 2.0, 0.7037446682),
        ],
    );
}

#[test]
fn kl_ucb_gives_the_true_indices() {
    let run = |setting, arms: &[_]| assert_scores(kl_ucb, kl_ucb, 1e-7, setting, arms);
    run(
        (20.0, 1.0),
        &[
            (10.0, 10.0, 1.0),
            (10.0, 0.0, 0.466731291),
            (10.0, 5.0, 0.9229729554),
            (10.0, 3.0, 0.8141323932),
        ],
    );
    run(
        (160.0, 1.0),
        &[
            (100.0, 30.0, 0.5204425797),
            (50.0, 20.0, 0.7047856623),
            (10.0, 2.0, 0.8387965883),
        ],
    );
    run(
        (160.0, 0.5),
        &[
            (100.0, 30.0, 0.4075843162),
            (50.0, 20.0, 0.5572600782),
            (10.0, 2.0, 0.5433775102),
        ],
    );
    run(
        (2000.0, 1.0),
        &[(1000.0, 100.0, 0.1567866579), (1000.0, 500.0, 0.5821586946)],
    );
}

#[test]
fn kl_ucb_aliased_gives_recsims_scores() {
    let run = |setting, arms: &[_]| {
        assert_scores(kl_ucb_aliased, kl_ucb_aliased, 1e-9, setting, arms);
    };
    run(
        (20.0, 1.0),
        &[
            (10.0, 10.0, 1.0),
            (10.0, 0.0, 0.4999847412),
            (10.0, 5.0, 0.9999923706),
            (10.0, 3.0, 0.9999893188),
        ],
    );
    run(
        (160.0, 1.0),
        &[
            (100.0, 30.0, 0.6499893188),
            (50.0, 20.0, 0.9999908447),
            (10.0, 2.0, 0.9999877930),
        ],
    );
    run(
        (160.0, 0.5),
        &[
            (100.0, 30.0, 0.4749893188),
            (50.0, 20.0, 0.6999908447),
            (10.0, 2.0, 0.5999877930),
        ],
    );
    run(
        (2000.0, 1.0),
        &[(1000.0, 100.0, 0.2124862671), (1000.0, 500.0, 0.6249923706)],
    );
}

#[test]
fn the_divergence_at_kl_ucb_is_its_level_for_all_counts_of_short_episodes() {
    for total in 1..=60 {
        for pulls in 1..=total {
            for reward in 0..=pulls {
                let [n, r, t] = [pulls, reward, total].map(f64::from);
                let p = r / n;
                let index = kl_ucb(n, r, t, 1.0);
                let single = kl_ucb(
                    Lanes::<1>::splat(n),
                    Number::splat(r),
                    Number::splat(t),
                    Number::splat(1.0),
                );
                assert!((single.lane(0) - index).abs() < 2e-6, "{n}, {r}, {t}");
                let level = (t.ln() + 3.0 * t.ln().ln()) / n;
                if total <= 2 {
                    assert_eq!(index, p);
                } else {
                    let exact = |q: f64| {
                        let hit = if p > 0.0 { p * (p / q).ln() } else { 0.0 };
                        let miss = if p < 1.0 {
                            (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln()
                        } else {
                            0.0
                        };
                        hit + miss
                    };
                    // What is as good as 1 is 1.
                    let lower = index.min(f64::from(CERTAIN));
                    assert!(reward == pulls || exact(lower) < level);
                    assert!(
                        index + 1e-7 >= 1.0 || exact(index + 1e-7) >= level,
                        "{n}, {r}, {t}"
                    );
                }
            }
        }
    }
}

#[test]
fn arms_that_were_never_pulled_score_finite_numbers() {
    for total in [0.0, 1.0, 2.0, 50.0] {
        for index in [ucb, kl_ucb, kl_ucb_aliased] as [SingleIndex; 3] {
            let [zero, total, one] = [0.0, total, 1.0].map(Lanes::<1>::splat);
            assert!(index(zero, zero, total, one).lane(0).is_finite());
        }
    }
}

/// Quantiles in double and in single precision, the latter of parameters that are exact in both.
fn quantiles(u: f64, a: f64, b: f64) -> (f64, f64) {
    let [single_u, single_a, single_b] = [u, a, b].map(Lanes::<1>::splat);
    (
        beta_quantile(u, a, b),
        beta_quantile(single_u, single_a, single_b).lane(0),
    )
}

/// Uniforms down to both ends of what is drawn.
fn uniforms() -> impl Iterator<Item = f64> {
    let ends = [1.0, 3.0, 101.0, 10_001.0].map(|k| k / 16_777_216.0);
    let inner = (0..200).map(|k| (2.0 * f64::from(k) + 1.0) / 512.0);
    ends.into_iter().chain(inner).flat_map(|u| [u, 1.0 - u])
}

#[test]
fn quantiles_of_beta_variables_are_scipys() {
    // scipy 1.17.1, scipy.stats.beta.ppf(u, a, b); the bounds for double and single precision.
    let known = [
        (0.025, 2.5, 7.25, 0.050_814_205_495_634_465),
        (0.9, 3.0, 1.5, 0.913_565_565_695_318_6),
        (0.001, 41.0, 161.0, 0.124_660_817_971_101_22),
        (0.999, 41.0, 161.0, 0.297_867_262_960_521),
        (0.3, 1.25, 1.25, 0.323_302_660_457_333_4),
        (0.05, 5.0, 5.0, 0.251_367_627_408_177_25),
        (0.2, 101.0, 1.0, 0.984_191_262_029_981_6),
        (2f64.powi(-24), 4.0, 60.0, 0.000_566_200_388_637_523_3),
        (1.0 - 2f64.powi(-24), 4.0, 60.0, 0.329_648_536_400_504_5),
        (0.5, 500.0, 300.0, 0.625_104_216_664_289_7),
        (0.01, 1000.0, 2.0, 0.993_386_926_044_211_6),
    ];
    for (u, a, b, expected) in known {
        let (double, single) = quantiles(u, a, b);
        assert!((double - expected).abs() < 2e-8, "{u}, {a}, {b}: {double}");
        assert!(
            (single - expected).abs() < 1.5e-6,
            "{u}, {a}, {b}: {single}"
        );
    }
    let (double, single) = quantiles(0.7, 10_000.0, 7000.0);
    let expected = 0.590_217_244_709_232_2;
    assert!((double - expected).abs() < 1e-5, "{double}");
    assert!((single - expected).abs() < 2e-5, "{single}");
}

#[test]
fn quantiles_are_the_closed_forms_where_a_parameter_is_one() {
    for u in uniforms() {
        for other in [1.0f64, 1.5, 2.0, 7.0, 33.0, 100.0] {
            let (double, single) = quantiles(u, other, 1.0);
            let expected = u.powf(1.0 / other);
            assert!((double - expected).abs() < 2e-8, "{u}, {other}: {double}");
            assert!((single - expected).abs() < 1.5e-6, "{u}, {other}: {single}");
            let (double, single) = quantiles(u, 1.0, other);
            let expected = -((-u).ln_1p() / other).exp_m1();
            assert!((double - expected).abs() < 2e-8, "{u}, {other}: {double}");
            assert!((single - expected).abs() < 1.5e-6, "{u}, {other}: {single}");
        }
    }
}

#[test]
fn quantiles_of_symmetric_variables_are_symmetric_about_one_half() {
    for (parameter, bound, single_bound) in [
        (1.0, 2e-8, 1.5e-6),
        (1.75, 2e-8, 1.5e-6),
        (60.0, 2e-8, 1.5e-6),
        (1000.0, 5e-7, 4e-6),
        (10_000.0, 1e-5, 2e-5),
    ] {
        let (double, single) = quantiles(0.5, parameter, parameter);
        assert!((double - 0.5).abs() < bound, "{parameter}: {double}");
        assert!((single - 0.5).abs() < single_bound, "{parameter}: {single}");
        for u in uniforms() {
            let sum =
                quantiles(u, parameter, parameter).0 + quantiles(1.0 - u, parameter, parameter).0;
            assert!((sum - 1.0).abs() < 2.0 * bound, "{parameter}, {u}: {sum}");
        }
    }
}

#[test]
fn quantiles_grow_with_the_uniform_and_stay_in_the_unit_interval() {
    for a in [1.0, 1.25, 4.0, 30.0, 101.0, 401.0, 10_000.0] {
        for b in [1.0, 2.5, 11.0, 201.0, 10_000.0] {
            let mut sorted: Vec<f64> = uniforms().collect();
            sorted.sort_by(f64::total_cmp);
            sorted.dedup();
            let found: Vec<(f64, f64)> = sorted.iter().map(|&u| quantiles(u, a, b)).collect();
            for (pair, u) in found.windows(2).zip(&sorted) {
                assert!(pair[0].0 < pair[1].0, "{a}, {b} after {u}: {pair:?}");
                assert!(
                    pair[0].1 <= pair[1].1 + 4e-6,
                    "{a}, {b} after {u}: {pair:?}"
                );
            }
            assert!(found.iter().all(|&(double, single)| {
                (0.0..=1.0).contains(&double) && (0.0..=1.0).contains(&single)
            }));
        }
    }
}

#[test]
fn single_precision_quantiles_are_close_to_double_ones() {
    for u in uniforms() {
        for (a, b, bound) in [
            (2.0, 3.0, 1.5e-6),
            (17.5, 2.25, 1.5e-6),
            (100.0, 100.0, 1.5e-6),
            (3.0, 98.0, 1.5e-6),
            (1000.0, 900.0, 4e-6),
            (20.0, 1000.0, 4e-6),
            (10_000.0, 9000.0, 2e-5),
            (10_000.0, 1.0, 2e-5),
        ] {
            let (double, single) = quantiles(u, a, b);
            assert!(
                (double - single).abs() < bound,
                "{u}, {a}, {b}: {double}, {single}"
            );
        }
    }
}

#[test]
fn both_twins_hold_the_same_constants() {
    let (rust, wgsl) = (
        include_str!("../bandit.rs"),
        include_str!("../../shaders/bandit.wgsl"),
    );
    assert_same_constants(rust, wgsl, &[]);
}
