//! Specimens of interest evolution.

use crate::specimen::{Figure, RECSIM, Specimen};

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

/// Standard error of a click rate of `RecSim`, which was not recorded: that of slatesim for as many episodes, 10,000. The
/// clicks of an episode depend on each other through the user; if steps were independent, it would be 5.5e-4.
const CLICK_RATE_ERROR: f64 = 6.9e-4;
/// The same with free features: episodes are so short that the dependence makes no difference.
const FREE_CLICK_RATE_ERROR: f64 = 1.5e-3;

pub(super) fn specimens() -> Vec<Specimen> {
    use Figure::{ClickRate, Length, Return, RewardSlope};
    let free = |more: &[&'static str]| {
        [
            &[
                "environment.user.sampler=distribution",
                "environment.document.sampler=distribution",
            ],
            more,
        ]
        .concat()
    };
    vec![
        Specimen::composed(&[
            "environment.document.sampler=distribution",
            "environment.resample_documents=false",
        ]),
        Specimen::new("interest evolution", &["environment.num_candidates=20"])
            .knows(
                RECSIM,
                Return,
                154.246_695_276_130_28,
                0.115_552_355_010_069_72,
            )
            .knows(RECSIM, Length, 83.5763, 0.113_786_526_909_481_12)
            .knows(
                RECSIM,
                RewardSlope,
                -0.000_758_304_446_077_054_2,
                9.519_526_590_755_349e-5,
            )
            .knows(RECSIM, ClickRate, 0.466_955_344_996_129_3, CLICK_RATE_ERROR),
        Specimen::new(
            "interest evolution, static slate of a corpus",
            &[
                VIDEOS,
                "environment.resample_documents=false",
                "environment.num_candidates=20",
                "environment.slate_size=3",
                "policy.name=static",
            ],
        )
        .knows(
            RECSIM,
            Return,
            162.459_785_664_836_12,
            0.415_310_697_614_942_16,
        )
        .knows(RECSIM, Length, 93.473, 0.601_170_814_107_582_4)
        .knows(
            RECSIM,
            RewardSlope,
            -0.000_982_555_355_552_321,
            0.000_118_895_713_546_845_23,
        ),
        Specimen::new(
            "interest evolution, true quality",
            &["policy.name=greedy", "policy.by=quality"],
        )
        .knows("RecSim 0.2.4, 4,000 episodes", Return, 281.47, 0.86)
        .knows("RecSim 0.2.4, 4,000 episodes", Length, 165.95, 0.36),
        Specimen::new(
            "interest evolution, free features",
            &free(&["environment.choice.model=multinomial_logit"]),
        )
        .knows(
            RECSIM,
            Return,
            24.411_795_355_926_227,
            0.027_240_548_127_298_02,
        )
        .knows(RECSIM, Length, 11.7908, 0.022_739_288_544_814_95)
        .knows(
            RECSIM,
            RewardSlope,
            -0.017_714_205_858_966_13,
            0.002_046_477_043_705_747_5,
        )
        .knows(
            RECSIM,
            ClickRate,
            0.518_751_908_267_462_8,
            FREE_CLICK_RATE_ERROR,
        ),
        Specimen::new(
            "interest evolution, free features, multinomial proportional",
            &free(&[
                "environment.document.num_features=6",
                "environment.resample_documents=false",
                "environment.user.user_update_alpha=0.05",
            ]),
        ),
        Specimen::new(
            "interest evolution, free features, exponential cascade",
            &free(&[
                "environment.document.num_features=3",
                "environment.choice.model=exponential_cascade",
                "environment.user.user_update_alpha=0.3",
                "max_steps=100",
            ]),
        ),
        Specimen::new(
            "interest evolution, free features, proportional cascade",
            &free(&[
                "environment.document.num_features=9",
                "environment.choice.model=proportional_cascade",
                "environment.choice.score_scaling=0.2",
                "environment.slate_size=3",
                "policy.name=greedy",
                "policy.by=features[4]",
            ]),
        ),
    ]
}
