//! Specimens of interest exploration.

use crate::specimen::{Figure, RECSIM, Specimen};

pub(super) fn specimens() -> Vec<Specimen> {
    use Figure::{Return, RewardSlope};
    let with = |more: &[&'static str]| [&["max_steps=100"], more].concat();
    vec![
        Specimen::new(
            "interest exploration",
            &with(&["environment.num_candidates=20"]),
        )
        .knows(RECSIM, Return, 22.9186, 0.053_754_128_721_759_26)
        .knows(
            RECSIM,
            RewardSlope,
            5.804_980_498_049_807e-6,
            1.449_656_667_640_244_2e-5,
        )
        // 2,000,000 samples of one step.
        .knows("Monte Carlo of the formulas", Return, 22.898, 0.01),
        Specimen::new(
            "interest exploration, best quality",
            &with(&["environment.num_candidates=15", "policy.name=greedy"]),
        )
        .knows(RECSIM, Return, 42.5867, 0.104_597_908_120_757)
        .knows(
            RECSIM,
            RewardSlope,
            4.511_851_185_118_507e-6,
            1.689_842_313_151_993_4e-5,
        ),
        shipped_agent(
            "interest exploration, greedy predicted click-through rate",
            &["policy.name=greedy_pctr"],
            [38.295, 0.27],
        ),
        shipped_agent(
            "interest exploration, cluster bandit, UCB1",
            &["policy.name=cluster_bandit", "policy.faithful=true"],
            [36.849, 0.26],
        ),
        shipped_agent(
            "interest exploration, cluster bandit, KL-UCB as coded",
            &[
                "policy.name=cluster_bandit",
                "policy.algorithm=kl_ucb",
                "policy.faithful=true",
            ],
            [36.826, 0.26],
        ),
        shipped_agent(
            "interest exploration, cluster bandit, Thompson sampling",
            &[
                "policy.name=cluster_bandit",
                "policy.algorithm=thompson_sampling",
                "policy.faithful=true",
            ],
            [35.963, 0.30],
        ),
        Specimen::new(
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
        ),
    ]
}

/// Makes the specimen of an agent that comes with `RecSim`: 10 candidates, slates of 2, 100 steps; `clicks` are the clicks per
/// episode and their standard error.
fn shipped_agent(name: &'static str, policy: &[&'static str], clicks: [f64; 2]) -> Specimen {
    const SOURCE: &str = "RecSim 0.2.4, 1,000 episodes";
    let [mean, error] = clicks;
    Specimen::new(name, &[&["max_steps=100"], policy].concat()).knows(
        SOURCE,
        Figure::Return,
        mean,
        error,
    )
}
