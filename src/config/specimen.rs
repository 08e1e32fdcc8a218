//! A catalogue like the real one, for the tests of this room.

use super::{Bounds, Catalogue, Column, Entry, Key};

pub(super) fn long_term_satisfaction() -> Entry {
    Entry::environment(
        "long_term_satisfaction",
        "clickbait now against satisfaction later",
        vec![
            Key::probability("user.memory_discount", 0.7, "decay of net kale exposure"),
            Key::number(
                "user.sensitivity",
                0.01,
                Bounds::FINITE,
                "steepness of satisfaction",
            ),
            Key::non_negative("user.innovation_stddev", 0.05, "noise of net kale exposure"),
            Key::number(
                "user.choc_mean",
                5.0,
                Bounds::FINITE,
                "log engagement with clickbait",
            ),
            Key::non_negative("user.choc_stddev", 1.0, "its spread"),
            Key::number(
                "user.kale_mean",
                4.0,
                Bounds::FINITE,
                "log engagement with the rest",
            ),
            Key::non_negative("user.kale_stddev", 1.0, "its spread"),
            Key::positive("user.time_budget", 60.0, "steps of an episode"),
            Key::non_negative(
                "user.observation_noise_stddev",
                0.0,
                "0: satisfaction is not observed",
            ),
            Key::corpus(
                "document.corpus",
                &[Column::number("clickbait_score", Bounds::UNIT)],
                "fixed documents",
            ),
            Key::count("document.num_clusters", 0, 0, "topics; 0: none"),
            Key::one_of(
                "choice.model",
                "first",
                &["first", "multinomial_logit"],
                "choice model",
            ),
            Key::optional_number(
                "choice.no_click_mass",
                Bounds::FINITE,
                "absent: the user always clicks",
            ),
        ],
    )
}

pub(super) fn interest_exploration() -> Entry {
    Entry::environment(
        "interest_exploration",
        "topics of unknown appeal",
        vec![
            Key::distribution("user.type_distribution", &[0.3, 0.7], "share of each type"),
            Key::matrix(
                "user.mean_affinity",
                [[0.1, 0.7], [0.7, 0.1]],
                Bounds::FINITE,
                "type by topic",
            ),
            Key::numbers(
                "document.topic_quality_mean",
                &[0.8, 0.2],
                Bounds::FINITE,
                "one a topic",
            ),
            Key::corpus(
                "document.corpus",
                &[
                    Column::index("cluster_id"),
                    Column::number("quality", Bounds::FINITE),
                ],
                "fixed documents",
            ),
            Key::number(
                "choice.no_click_mass",
                5.0,
                Bounds::FINITE,
                "appeal of no click",
            ),
        ],
    )
    .never_terminates()
}

pub(super) fn interest_evolution() -> Entry {
    let samplers = ["utility_model", "distribution"];
    Entry::environment(
        "interest_evolution",
        "interests that drift with what is watched",
        vec![
            Key::one_of(
                "user.sampler",
                "utility_model",
                &samplers,
                "how users are drawn",
            ),
            Key::positive("user.time_budget", 200.0, "minutes").default_when(
                "user.sampler",
                "distribution",
                60.0,
            ),
            Key::one_of(
                "document.sampler",
                "utility_model",
                &samplers,
                "how documents are drawn",
            ),
            Key::positive("document.video_length", 4.0, "minutes")
                .applies_when("document.sampler", "utility_model"),
            Key::number("document.video_length_mean", 4.3, Bounds::FINITE, "minutes")
                .applies_when("document.sampler", "distribution"),
        ],
    )
}

pub(super) fn item_transition() -> Entry {
    Entry::environment(
        "item_transition",
        "ten documents that lead from one to the next",
        vec![
            Key::count("slate_size", 1, 1, "documents in a slate"),
            Key::probability(
                "p_exit_accepted",
                0.1,
                "chance to leave after an accepted document",
            ),
        ],
    )
}

pub(super) fn catalogue() -> Catalogue {
    Catalogue {
        environments: vec![
            long_term_satisfaction(),
            interest_exploration(),
            interest_evolution(),
            item_transition(),
        ],
        policies: vec![
            Entry::policy(
                "random",
                "uniform slates",
                vec![Key::boolean(
                    "with_replacement",
                    false,
                    "duplicates possible",
                )],
            ),
            Entry::policy("static", "the first candidates", vec![]),
            Entry::policy(
                "greedy",
                "the best candidates by a feature",
                vec![
                    Key::optional_text("by", "document feature").required(),
                    Key::one_of("order", "max", &["max", "min"], "which end is best"),
                ],
            ),
        ],
        layers: vec![
            Entry::layer(
                "epsilon_greedy",
                "now and then a random slate",
                vec![Key::probability("epsilon", 0.1, "how often")],
            ),
            Entry::layer("statistics", "counts", vec![]),
        ],
    }
}
