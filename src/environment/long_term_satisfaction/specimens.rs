//! Specimens of long-term satisfaction.

use crate::specimen::{Figure, Specimen};

/// The corpus that `RecSim` draws with seed 0: `numpy.random.RandomState(0).uniform(size=10)`.
pub(crate) const CORPUS: &str = "environment.document.corpus=[0.54881352, 0.71518934, 0.60276335, 0.54488319, 0.42365479, \
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

pub(super) fn specimens() -> Vec<Specimen> {
    use Figure::{Return, RewardSlope};
    let published = |more: &[&'static str]| {
        PUBLISHED_USER
            .iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };
    vec![
        // So many clusters that counts for each do not fit into registers.
        Specimen::composed(&["environment.document.num_clusters=100"]),
        Specimen::new(
            "random baseline",
            &published(&[
                "environment.num_candidates=20",
                "policy.with_replacement=true",
            ]),
        )
        .knows("RLlib's exercise, 1,000 episodes", Return, 1157.88, 0.36)
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            Return,
            1_157.989_921_853_105_4,
            0.115_149,
        )
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            RewardSlope,
            -4.820_627_872_117_452_5e-6,
            2.926_568_640_183_868_6e-5,
        ),
        Specimen::new("default parameters", &["environment.num_candidates=20"])
            // 60 e^2.5 (e^0.5 - 1) / 0.5: satisfaction of one half, and uniform clickbait scores.
            .knows("closed form", Return, 948.366_2, 0.0)
            .knows(
                "RecSim 0.2.4, 10,000 episodes",
                Return,
                949.606_047_471_271_6,
                1.648_299,
            )
            .knows(
                "RecSim 0.2.4, 10,000 episodes",
                RewardSlope,
                0.002_058_710_871_205_893_5,
                0.001_555_131_629_782_463,
            ),
        Specimen::new(
            "tutorial variant",
            &[
                "environment.user.memory_discount=0.9",
                "environment.user.observation_noise_stddev=0.1",
                "environment.document.num_clusters=4",
                "environment.choice.model=multinomial_logit",
                "environment.num_candidates=10",
                "environment.slate_size=3",
            ],
        )
        .knows("RecSim's tutorial, 10,000 episodes", Return, 930.45, 1.57),
        Specimen::new(
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
        )
        .knows("RecSim's tutorial, 1,000 episodes", Return, 926.86, 4.81),
        Specimen::new(
            "least clickbaity of a corpus",
            &published(&[FIXED_CORPUS.as_slice(), &["policy.order=min"]].concat()),
        )
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            Return,
            1_132.749_704_741_241_4,
            0.106_392,
        )
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            RewardSlope,
            0.000_587_388_940_246_709_3,
            2.621_601_526_378_151e-5,
        ),
        Specimen::new(
            "most clickbaity of a corpus",
            &published(&[FIXED_CORPUS.as_slice(), &["policy.order=max"]].concat()),
        )
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            Return,
            1_163.486_357_303_874_2,
            0.110_809,
        )
        .knows(
            "RecSim 0.2.4, 10,000 episodes",
            RewardSlope,
            -0.003_050_014_397_378_439_4,
            2.810_880_790_728_478e-5,
        ),
        Specimen::new(
            "nothing clicked at times",
            &[
                "environment.choice.model=multinomial_logit",
                "environment.choice.no_click_mass=1.25",
                "environment.document.num_clusters=3",
                "environment.num_candidates=12",
                "environment.slate_size=5",
                "max_steps=50",
            ],
        ),
        Specimen::new(
            "greedy over fresh documents",
            &["environment.num_candidates=20", "policy.name=greedy"],
        ),
        Specimen::new(
            "static slate of a drawn corpus",
            &["environment.resample_documents=false", "policy.name=static"],
        ),
    ]
}
