//! The simulations that are validated, with what is known about them.

use crate::backend::Simulation;
#[cfg(test)]
use crate::config::Key;
use crate::config::{Config, Entry, Layers};
use crate::error::Error;
use crate::registry::Registry;

/// A number known from outside, with its standard error; 0 for closed forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Where it comes from.
    pub source: &'static str,
    /// Which figure it is.
    pub figure: Figure,
    /// The value.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// A figure of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Mean return.
    Return,
    /// Mean least-squares slope of reward over the step.
    RewardSlope,
    /// Mean length.
    Length,
    /// Clicks by user-steps.
    ClickRate,
}

/// A simulation to validate.
#[derive(Clone, Debug)]
pub struct Case {
    /// A name for it.
    pub name: &'static str,
    /// What is set for it, as `--set` takes it; the environment's name first.
    pub settings: Vec<String>,
    /// The simulation.
    pub simulation: Simulation,
    /// What is known about it.
    pub known: Vec<Known>,
}

impl Case {
    /// Names the environment.
    pub fn environment(&self) -> &str {
        let first = self.settings.first().and_then(|text| text.split_once('='));
        first.map_or("", |(_, name)| name)
    }
}

const fn known(source: &'static str, figure: Figure, mean: f64, standard_error: f64) -> Known {
    Known {
        source,
        figure,
        mean,
        standard_error,
    }
}

/// The corpus that `RecSim` draws with seed 0: `numpy.random.RandomState(0).uniform(size=10)`.
const CORPUS: &str = "environment.document.corpus=[0.54881352, 0.71518934, 0.60276335, 0.54488319, 0.42365479, \
                      0.64589411, 0.43758720, 0.89177299, 0.96366274, 0.38344151]";
const PUBLISHED_USER: [&str; 4] = [
    "environment.user.sensitivity=0.058",
    "environment.user.time_budget=120",
    "environment.user.choc_stddev=0.1",
    "environment.user.kale_stddev=0.1",
];
const FIXED_CORPUS: [&str; 5] = [
    CORPUS,
    "environment.resample_documents=false",
    "environment.num_candidates=10",
    "environment.slate_size=1",
    "policy.name=greedy",
];

/// The corpus that `RecSim` draws for interest evolution with seed 7.
const VIDEOS: &str = "environment.document.corpus=[{ cluster_id = 3, quality = -2.1915692960616684, video_length = 4.0 }, \
     { cluster_id = 16, quality = 1.155055804058897, video_length = 4.0 }, \
     { cluster_id = 13, quality = -0.19469703090225465, video_length = 4.0 }, \
     { cluster_id = 10, quality = -0.830942645531386, video_length = 4.0 }, \
     { cluster_id = 12, quality = -0.3087489108955281, video_length = 4.0 }, \
     { cluster_id = 14, quality = 0.161474081329538, video_length = 4.0 }, \
     { cluster_id = 6, quality = -1.5083545735865305, video_length = 4.0 }, \
     { cluster_id = 10, quality = -0.6974122255916246, video_length = 4.0 }, \
     { cluster_id = 9, quality = -0.9609127801137788, video_length = 4.0 }, \
     { cluster_id = 11, quality = -0.5406999886880949, video_length = 4.0 }, \
     { cluster_id = 15, quality = 0.5476426085765322, video_length = 4.0 }, \
     { cluster_id = 13, quality = -0.13547987132539369, video_length = 4.0 }, \
     { cluster_id = 8, quality = -1.160412256656633, video_length = 4.0 }, \
     { cluster_id = 10, quality = -0.7131713157809076, video_length = 4.0 }, \
     { cluster_id = 0, quality = -3.0685195413575603, video_length = 4.0 }, \
     { cluster_id = 6, quality = -1.7983530436610153, video_length = 4.0 }, \
     { cluster_id = 4, quality = -2.0607547660485688, video_length = 4.0 }, \
     { cluster_id = 6, quality = -1.6826680080919703, video_length = 4.0 }, \
     { cluster_id = 7, quality = -1.240362971447044, video_length = 4.0 }, \
     { cluster_id = 0, quality = -3.0221480610931826, video_length = 4.0 }]";

/// Lists the cases of a registry: those of the built-in environments, in which every choice model, policy and document
/// source occurs, and one with the default settings for every other environment.
///
/// # Errors
/// [`Error::Config`] if a case does not resolve: for built-in ones a test excludes it.
pub fn cases(registry: &Registry) -> Result<Vec<Case>, Error> {
    let mut cases = built_in_cases()?;
    let built_in = Registry::built_in().catalogue();
    for entry in registry.catalogue().environments {
        if built_in.environment(entry.name).is_none() {
            cases.push(case_of(registry, &entry)?);
        }
    }
    Ok(cases)
}

/// Steps of an episode of a case where it does not end by itself.
const MAX_STEPS: u32 = 50;

fn case_of(registry: &Registry, entry: &Entry) -> Result<Case, Error> {
    let mut settings = vec![format!("environment.name={}", entry.name)];
    if entry.never_terminates {
        settings.push(format!("max_steps={MAX_STEPS}"));
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    case_in(registry, entry.name, &settings, &[])
}

fn built_in_cases() -> Result<Vec<Case>, Error> {
    Ok([
        long_term_satisfaction()?,
        interest_exploration()?,
        interest_evolution()?,
        item_transition()?,
        test_mdp()?,
        scoring_policies()?,
    ]
    .concat())
}

const RECSIM: &str = "RecSim 0.2.4, 10,000 episodes";

fn interest_exploration() -> Result<Vec<Case>, Error> {
    use Figure::{Return, RewardSlope};
    let with = |more: &[&'static str]| {
        [
            &["environment.name=interest_exploration", "max_steps=100"],
            more,
        ]
        .concat()
    };
    Ok(vec![
        case(
            "interest exploration",
            &with(&["environment.num_candidates=20"]),
            &[
                known(RECSIM, Return, 22.9186, 0.053_754_128_721_759_26),
                known(
                    RECSIM,
                    RewardSlope,
                    5.804_980_498_049_807e-6,
                    1.449_656_667_640_244_2e-5,
                ),
                // 2,000,000 samples of one step.
                known("Monte Carlo of the formulas", Return, 22.898, 0.01),
            ],
        )?,
        case(
            "interest exploration, best quality",
            &with(&["environment.num_candidates=15", "policy.name=greedy"]),
            &[
                known(RECSIM, Return, 42.5867, 0.104_597_908_120_757),
                known(
                    RECSIM,
                    RewardSlope,
                    4.511_851_185_118_507e-6,
                    1.689_842_313_151_993_4e-5,
                ),
            ],
        )?,
        shipped_agent(
            "interest exploration, greedy predicted click-through rate",
            &["policy.name=greedy_pctr"],
            [38.295, 0.27],
        )?,
        shipped_agent(
            "interest exploration, cluster bandit, UCB1",
            &["policy.name=cluster_bandit", "policy.faithful=true"],
            [36.849, 0.26],
        )?,
        shipped_agent(
            "interest exploration, cluster bandit, KL-UCB as coded",
            &[
                "policy.name=cluster_bandit",
                "policy.algorithm=kl_ucb",
                "policy.faithful=true",
            ],
            [36.826, 0.26],
        )?,
        shipped_agent(
            "interest exploration, cluster bandit, Thompson sampling",
            &[
                "policy.name=cluster_bandit",
                "policy.algorithm=thompson_sampling",
                "policy.faithful=true",
            ],
            [35.963, 0.30],
        )?,
        case(
            "interest exploration, five topics, three types",
            &with(&[
                "environment.resample_documents=false",
                "environment.slate_size=4",
                "environment.user.type_distribution=[0.5, 0.2, 0.3]",
                "environment.user.mean_affinity=[[0, 1, 0.5, 0.1, 0.2], [1, 0, 0, 0.3, 0.1], [0.7, 0.2, 0.4, 0.1, 0.9]]",
                "environment.user.stddev_affinity=[[0.1, 0.2, 0.3, 0, 0.1], [0, 0, 0.5, 0.1, 0.1], [0.2, 0.2, 0.2, 0.1, 0]]",
                "environment.document.topic_distribution=[0.1, 0.3, 0.2, 0.15, 0.25]",
                "environment.document.topic_quality_mean=[0.8, 0.2, 0.1, 0.5, 0.3]",
                "environment.document.topic_quality_stddev=[0.1, 0.1, 0.4, 0.2, 0]",
                "environment.choice.no_click_mass=4",
            ]),
            &[],
        )?,
    ])
}

/// Makes the case of an agent that comes with `RecSim`: 10 candidates, slates of 2, 100 steps; `clicks` are those of an
/// episode with their standard error.
fn shipped_agent(
    name: &'static str,
    policy: &[&'static str],
    clicks: [f64; 2],
) -> Result<Case, Error> {
    const SOURCE: &str = "RecSim 0.2.4, 1,000 episodes";
    let common = ["environment.name=interest_exploration", "max_steps=100"];
    let [mean, error] = clicks;
    let known = known(SOURCE, Figure::Return, mean, error);
    case(name, &[&common, policy].concat(), &[known])
}

/// Policies that score candidates by weights or by what they have learned; nothing is known of them from outside.
fn scoring_policies() -> Result<Vec<Case>, Error> {
    let explored = |more: &[&'static str]| {
        [
            &["environment.name=interest_exploration", "max_steps=30"],
            more,
        ]
        .concat()
    };
    Ok(vec![
        case(
            "interest exploration, linear scores and softmax",
            &explored(&[
                "policy.name=linear_softmax",
                "policy.weights=[1.5, 0.4, 0.03, -0.02, 0.1, 0.15, -0.2]",
                "policy.layer.name=cluster_click_statistics",
            ]),
            &[],
        )?,
        case(
            "interest exploration, linear upper confidence bounds",
            &explored(&["policy.name=linear_ucb"]),
            &[],
        )?,
        case(
            "interest exploration, logistic upper confidence bounds",
            &explored(&[
                "max_steps=12",
                "policy.name=glm_ucb",
                "policy.optimism_scaling=0.1",
            ]),
            &[],
        )?,
        case(
            "interest exploration, logistic Thompson sampling, forgetting",
            &explored(&[
                "max_steps=12",
                "policy.name=glm_thompson",
                "policy.history_length=14",
            ]),
            &[],
        )?,
        case(
            "linear Thompson sampling of rewards",
            &[
                "environment.user.observation_noise_stddev=0.1",
                "environment.user.time_budget=20",
                "policy.name=linear_thompson",
                "policy.target=reward",
                "policy.ridge=2",
            ],
            &[],
        )?,
        case(
            "linear Thompson sampling with a history, decided now and then",
            &[
                CORPUS,
                "environment.resample_documents=false",
                "environment.user.observation_noise_stddev=0.1",
                "environment.user.time_budget=20",
                "policy.name=linear_thompson",
                "policy.target=reward",
                "policy.layer.name=fixed_length_history",
                "policy.layer.history_length=2",
                "policy.layer.layer.name=temporal_aggregation",
                "policy.layer.layer.aggregation_period=3",
                "policy.layer.layer.switching_cost=0.5",
            ],
            &[],
        )?,
        case(
            "a network of three layers",
            &[
                "environment.user.observation_noise_stddev=0.1",
                "environment.document.num_clusters=4",
                "environment.choice.model=multinomial_logit",
                "environment.slate_size=3",
                "policy.name=mlp",
                "policy.temperature=0.7",
                "policy.weights=[[[1.5, -0.4, 2, -1], [-1, 0.3, 0.5, 1], [2, 0.2, -1, 0.1]], [[1, -1, 0.5, 0.2], [0.3, 1, 1, -0.5]], [[1.5, -1, 0]]]",
            ],
            &[],
        )?,
    ])
}

fn interest_evolution() -> Result<Vec<Case>, Error> {
    use Figure::{ClickRate, Length, Return, RewardSlope};
    let with = |more: &[&'static str]| [&["environment.name=interest_evolution"], more].concat();
    let free = |more: &[&'static str]| {
        with(
            &[
                &[
                    "environment.user.sampler=distribution",
                    "environment.document.sampler=distribution",
                ],
                more,
            ]
            .concat(),
        )
    };
    let mut cases = vec![
        case(
            "interest evolution",
            &with(&["environment.num_candidates=20"]),
            &[
                known(
                    RECSIM,
                    Return,
                    154.246_695_276_130_28,
                    0.115_552_355_010_069_72,
                ),
                known(RECSIM, Length, 83.5763, 0.113_786_526_909_481_12),
                known(
                    RECSIM,
                    RewardSlope,
                    -0.000_758_304_446_077_054_2,
                    9.519_526_590_755_349e-5,
                ),
            ],
        )?,
        case(
            "interest evolution, static slate of a corpus",
            &with(&[
                VIDEOS,
                "environment.resample_documents=false",
                "environment.num_candidates=20",
                "environment.slate_size=3",
                "policy.name=static",
            ]),
            &[
                known(
                    RECSIM,
                    Return,
                    162.459_785_664_836_12,
                    0.415_310_697_614_942_16,
                ),
                known(RECSIM, Length, 93.473, 0.601_170_814_107_582_4),
                known(
                    RECSIM,
                    RewardSlope,
                    -0.000_982_555_355_552_321,
                    0.000_118_895_713_546_845_23,
                ),
            ],
        )?,
        case(
            "interest evolution, true quality",
            &with(&["policy.name=greedy", "policy.by=quality"]),
            &[
                known("RecSim 0.2.4, 4,000 episodes", Return, 281.47, 0.86),
                known("RecSim 0.2.4, 4,000 episodes", Length, 165.95, 0.36),
            ],
        )?,
        case(
            "interest evolution, multinomial logit",
            &with(&[
                "environment.choice.model=multinomial_logit",
                "environment.slate_size=3",
            ]),
            &[],
        )?,
        case(
            "interest evolution, exponential cascade",
            &with(&[
                "environment.choice.model=exponential_cascade",
                // More than the default, which clicks seldom; at interests above 0.916 it is too much.
                "environment.choice.score_scaling=0.4",
                "environment.user.user_quality_factor=0.5",
                "max_steps=100",
            ]),
            &[],
        )?,
        case(
            "interest evolution, proportional cascade",
            &with(&[
                "environment.choice.model=proportional_cascade",
                "environment.choice.score_scaling=0.3",
                "environment.resample_documents=false",
                "environment.document.num_features=10",
                "environment.slate_size=4",
                "environment.user.user_quality_factor=0.5",
                "max_steps=100",
            ]),
            &[],
        )?,
        case(
            "interest evolution, free features",
            &free(&["environment.choice.model=multinomial_logit"]),
            &[
                known(
                    RECSIM,
                    Return,
                    24.411_795_355_926_227,
                    0.027_240_548_127_298_02,
                ),
                known(RECSIM, Length, 11.7908, 0.022_739_288_544_814_95),
                known(
                    RECSIM,
                    RewardSlope,
                    -0.017_714_205_858_966_13,
                    0.002_046_477_043_705_747_5,
                ),
            ],
        )?,
        case(
            "interest evolution, free features, multinomial proportional",
            &free(&[
                "environment.document.num_features=6",
                "environment.resample_documents=false",
                "environment.user.user_update_alpha=0.05",
            ]),
            &[],
        )?,
        case(
            "interest evolution, free features, exponential cascade",
            &free(&[
                "environment.document.num_features=3",
                "environment.choice.model=exponential_cascade",
                "environment.user.user_update_alpha=0.3",
                "max_steps=100",
            ]),
            &[],
        )?,
        case(
            "interest evolution, free features, proportional cascade",
            &free(&[
                "environment.document.num_features=9",
                "environment.choice.model=proportional_cascade",
                "environment.choice.score_scaling=0.2",
                "environment.slate_size=3",
                "policy.name=greedy",
                "policy.by=features[4]",
            ]),
            &[],
        )?,
    ];
    // Clicks by user-steps of the same runs, whose error the original does not give: that of independent steps.
    for (index, rate, error) in [
        (0, 0.466_955_344_996_129_3, 5.5e-4),
        (6, 0.518_751_908_267_462_8, 1.5e-3),
    ] {
        cases[index]
            .known
            .push(known(RECSIM, ClickRate, rate, error));
    }
    Ok(cases)
}

fn item_transition() -> Result<Vec<Case>, Error> {
    use Figure::{Length, Return};
    let with = |more: &[&'static str]| [&["environment.name=item_transition"], more].concat();
    Ok(vec![
        case(
            "item transition",
            &with(&[]),
            &[
                known("linear solve", Return, 0.978_353_020_565_992_2, 0.0),
                known("linear solve", Length, 5.489_176_510_282_999, 0.0),
            ],
        )?,
        case(
            "item transition, greedy on the acceptance",
            &with(&["policy.name=table", "policy.table=greedy"]),
            &[
                known("linear solve", Return, 8.924_550_256_435_964, 0.0),
                known("linear solve", Length, 9.462_275_128_217_986, 0.0),
            ],
        )?,
        case(
            "item transition, greedy on the acceptance but for every fifth step",
            &with(&[
                "policy.name=table",
                "policy.table=greedy",
                "policy.layer.name=epsilon_greedy",
                "policy.layer.epsilon=0.2",
            ]),
            &[
                known("linear solve", Return, 6.516_174_551_198_799, 0.0),
                known("linear solve", Length, 8.258_087_275_599_404, 0.0),
            ],
        )?,
        case(
            "item transition, documents anew at every step",
            &with(&["environment.resample_documents=true", "policy.name=static"]),
            &[
                known("linear solve", Return, 1.028_915_115_944_362_6, 0.0),
                known("linear solve", Length, 5.514_457_557_972_181, 0.0),
            ],
        )?,
    ])
}

fn test_mdp() -> Result<Vec<Case>, Error> {
    use Figure::Return;
    let with = |more: &[&'static str]| {
        let name = "environment.name=test_mdp";
        [&[name, "max_steps=50"], more].concat()
    };
    Ok(vec![
        case(
            "test MDP",
            &with(&[]),
            &[known(
                "exact fractions",
                Return,
                -87.104_851_408_411_45,
                0.0,
            )],
        )?,
        case(
            "test MDP, best at a discount of one half, from any state",
            &with(&[
                "environment.num_candidates=4",
                "environment.starting_probs=[0.1, 0.2, 0.3, 0, 0.4, 0]",
                "policy.name=table",
                "policy.table=[[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]",
            ]),
            &[known("exact fractions", Return, 90.760_931_393_857_15, 0.0)],
        )?,
    ])
}

fn long_term_satisfaction() -> Result<Vec<Case>, Error> {
    use Figure::{Return, RewardSlope};
    let published = |more: &[&'static str]| {
        PUBLISHED_USER
            .iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };
    Ok(vec![
        case(
            "random baseline",
            &published(&[
                "environment.num_candidates=20",
                "policy.with_replacement=true",
            ]),
            &[
                known("RLlib's exercise, 1,000 episodes", Return, 1157.88, 0.36),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    Return,
                    1_157.989_921_853_105_4,
                    0.115_149,
                ),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    RewardSlope,
                    -4.820_627_872_117_452_5e-6,
                    2.926_568_640_183_868_6e-5,
                ),
            ],
        )?,
        case(
            "default parameters",
            &["environment.num_candidates=20"],
            &[
                // 60 e^2.5 (e^0.5 - 1) / 0.5: satisfaction at one half, documents uniform.
                known("closed form", Return, 948.366_2, 0.0),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    Return,
                    949.606_047_471_271_6,
                    1.648_299,
                ),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    RewardSlope,
                    0.002_058_710_871_205_893_5,
                    0.001_555_131_629_782_463,
                ),
            ],
        )?,
        case(
            "tutorial variant",
            &[
                "environment.user.memory_discount=0.9",
                "environment.user.observation_noise_stddev=0.1",
                "environment.document.num_clusters=4",
                "environment.choice.model=multinomial_logit",
                "environment.num_candidates=10",
                "environment.slate_size=3",
            ],
            &[known(
                "RecSim's tutorial, 10,000 episodes",
                Return,
                930.45,
                1.57,
            )],
        )?,
        case(
            "tutorial variant, cluster bandit",
            &[
                "environment.user.memory_discount=0.9",
                "environment.user.observation_noise_stddev=0.1",
                "environment.document.num_clusters=4",
                "environment.choice.model=multinomial_logit",
                "environment.num_candidates=10",
                "environment.slate_size=3",
                "policy.name=cluster_bandit",
                "policy.faithful=true",
                "policy.pro_educ=[true, false, true, false]",
            ],
            &[known(
                "RecSim's tutorial, 1,000 episodes",
                Return,
                926.86,
                4.81,
            )],
        )?,
        case(
            "least clickbaity of a corpus",
            &published(&[FIXED_CORPUS.as_slice(), &["policy.order=min"]].concat()),
            &[
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    Return,
                    1_132.749_704_741_241_4,
                    0.106_392,
                ),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    RewardSlope,
                    0.000_587_388_940_246_709_3,
                    2.621_601_526_378_151e-5,
                ),
            ],
        )?,
        case(
            "most clickbaity of a corpus",
            &published(&[FIXED_CORPUS.as_slice(), &["policy.order=max"]].concat()),
            &[
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    Return,
                    1_163.486_357_303_874_2,
                    0.110_809,
                ),
                known(
                    "RecSim 0.2.4, 10,000 episodes",
                    RewardSlope,
                    -0.003_050_014_397_378_439_4,
                    2.810_880_790_728_478e-5,
                ),
            ],
        )?,
        case(
            "nothing clicked at times",
            &[
                "environment.choice.model=multinomial_logit",
                "environment.choice.no_click_mass=1.25",
                "environment.document.num_clusters=3",
                "environment.num_candidates=12",
                "environment.slate_size=5",
                "max_steps=50",
            ],
            &[],
        )?,
        case(
            "greedy over fresh documents",
            &["environment.num_candidates=20", "policy.name=greedy"],
            &[],
        )?,
        case(
            "static slate of a drawn corpus",
            &["environment.resample_documents=false", "policy.name=static"],
            &[],
        )?,
    ])
}

fn case(name: &'static str, settings: &[&str], known: &[Known]) -> Result<Case, Error> {
    case_in(&Registry::built_in(), name, settings, known)
}

fn case_in(
    registry: &Registry,
    name: &'static str,
    settings: &[&str],
    known: &[Known],
) -> Result<Case, Error> {
    let mut layers = Layers::new();
    for setting in settings {
        layers = layers.set(setting)?;
    }
    // A seed of its own for each case: with one seed all would share the same noise, and its luck. Derived from the
    // name, so that a case keeps its seed when others come and go.
    let seed = name.bytes().fold(2026_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    layers = layers.set(&format!("seed={seed}"))?;
    let config = Config::resolve(&layers, &registry.catalogue())?;
    let is_named = |setting: &&str| setting.starts_with("environment.name=");
    let named = settings.iter().copied().find(is_named);
    let name_first = std::iter::once(named.unwrap_or("environment.name=long_term_satisfaction"));
    let others = settings
        .iter()
        .copied()
        .filter(|setting| !is_named(setting));
    Ok(Case {
        name,
        settings: name_first.chain(others).map(str::to_owned).collect(),
        simulation: registry.simulation(&config)?,
        known: known.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_model_and_document_sampler_of_every_environment_has_a_case() {
        let registry = Registry::built_in();
        let cases = cases(&registry).unwrap();
        for environment in registry.catalogue().environments {
            for variant in environment.variants() {
                let has = |settings: &[String]| {
                    let is_default = |(key, word): &(&str, &str)| {
                        let key = environment.keys.iter().find(|known| known.name() == *key);
                        key.and_then(Key::default) == Some(&(*word).into())
                    };
                    settings[0] == format!("environment.name={}", environment.name)
                        && variant.iter().all(|(key, word)| {
                            let prefix = format!("environment.{key}=");
                            let given = settings.iter().find_map(|text| text.strip_prefix(&prefix));
                            given.map_or_else(|| is_default(&(*key, *word)), |given| given == *word)
                        })
                };
                assert!(
                    cases.iter().any(|case| has(&case.settings)),
                    "{} {variant:?}",
                    environment.name
                );
            }
        }
    }
}
