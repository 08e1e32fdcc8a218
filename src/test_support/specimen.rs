//! Declarations like the real ones, for the tests of the room that knows none.

use crate::config::{Bounds, Column, Declarations, Entry, Key};

crate::words! {
    /// How users choose.
    enum Model {
        /// The first.
        First = "first",
        /// By scores.
        MultinomialLogit = "multinomial_logit",
    }
}

crate::words! {
    /// How users and documents are drawn.
    enum Sampler {
        /// From topics.
        UtilityModel = "utility_model",
        /// One by one.
        Distribution = "distribution",
    }
}

crate::words! {
    /// Which end comes first.
    enum Order {
        /// The largest.
        Max = "max",
        /// The smallest.
        Min = "min",
    }
}

pub(crate) fn long_term_satisfaction() -> Entry {
    Entry::environment(
        "long_term_satisfaction",
        "clickbait now against satisfaction later",
        vec![
            Key::probability("user.memory_discount", 0.7)
                .with_about("decay of net kale exposure")
                .of_any_type(),
            Key::number("user.sensitivity", 0.01, Bounds::FINITE)
                .with_about("steepness of satisfaction")
                .of_any_type(),
            Key::non_negative("user.innovation_stddev", 0.05)
                .with_about("noise of net kale exposure")
                .of_any_type(),
            Key::number("user.choc_mean", 5.0, Bounds::FINITE)
                .with_about("log engagement with clickbait")
                .of_any_type(),
            Key::non_negative("user.choc_stddev", 1.0)
                .with_about("its spread")
                .of_any_type(),
            Key::number("user.kale_mean", 4.0, Bounds::FINITE)
                .with_about("log engagement with the rest")
                .of_any_type(),
            Key::non_negative("user.kale_stddev", 1.0)
                .with_about("its spread")
                .of_any_type(),
            Key::positive("user.time_budget", 60.0)
                .with_about("steps of an episode")
                .of_any_type(),
            Key::non_negative("user.observation_noise_stddev", 0.0)
                .with_about("0: satisfaction is not observed")
                .of_any_type(),
            Key::corpus(
                "document.corpus",
                &[Column::number("clickbait_score", Bounds::UNIT)],
            )
            .with_about("fixed documents")
            .of_any_type(),
            Key::count("document.num_clusters", 0, 0)
                .with_about("topics; 0: none")
                .of_any_type(),
            Key::one_of("choice.model", Model::First)
                .with_about("choice model")
                .of_any_type(),
            Key::optional_number("choice.no_click_mass", Bounds::FINITE)
                .with_about("absent: the user always clicks")
                .of_any_type(),
        ],
    )
}

pub(crate) fn interest_exploration() -> Entry {
    Entry::environment(
        "interest_exploration",
        "topics of unknown appeal",
        vec![
            Key::distribution("user.type_distribution", &[0.3, 0.7])
                .with_about("share of each type")
                .of_any_type(),
            Key::matrix(
                "user.mean_affinity",
                [[0.1, 0.7], [0.7, 0.1]],
                Bounds::FINITE,
            )
            .with_about("type by topic")
            .of_any_type(),
            Key::numbers("document.topic_quality_mean", &[0.8, 0.2], Bounds::FINITE)
                .with_about("one a topic")
                .of_any_type(),
            Key::corpus(
                "document.corpus",
                &[
                    Column::index("cluster_id"),
                    Column::number("quality", Bounds::FINITE),
                ],
            )
            .with_about("fixed documents")
            .of_any_type(),
            Key::number("choice.no_click_mass", 5.0, Bounds::FINITE)
                .with_about("appeal of no click")
                .of_any_type(),
        ],
    )
    .never_terminates()
}

pub(crate) fn interest_evolution() -> Entry {
    Entry::environment(
        "interest_evolution",
        "interests that drift with what is watched",
        vec![
            Key::one_of("user.sampler", Sampler::UtilityModel)
                .with_about("how users are drawn")
                .of_any_type(),
            Key::positive("user.time_budget", 200.0)
                .with_about("minutes")
                .default_when("user.sampler", "distribution", 60.0)
                .of_any_type(),
            Key::one_of("document.sampler", Sampler::UtilityModel)
                .with_about("how documents are drawn")
                .of_any_type(),
            Key::positive("document.video_length", 4.0)
                .with_about("minutes")
                .applies_when("document.sampler", "utility_model")
                .of_any_type(),
            Key::number("document.video_length_mean", 4.3, Bounds::FINITE)
                .with_about("minutes")
                .applies_when("document.sampler", "distribution")
                .of_any_type(),
        ],
    )
}

pub(crate) fn item_transition() -> Entry {
    Entry::environment(
        "item_transition",
        "ten documents that lead from one to the next",
        vec![
            Key::count("slate_size", 1, 1)
                .with_about("documents in a slate")
                .of_any_type(),
            Key::probability("p_exit_accepted", 0.1)
                .with_about("chance to leave after an accepted document")
                .of_any_type(),
        ],
    )
}

pub(crate) fn declarations() -> Declarations {
    Declarations {
        environments: vec![
            long_term_satisfaction(),
            interest_exploration(),
            interest_evolution(),
            item_transition(),
        ],
        choices: Vec::new(),
        policies: vec![
            Entry::policy(
                "random",
                "uniform slates",
                vec![
                    Key::boolean("with_replacement", false)
                        .with_about("duplicates possible")
                        .of_any_type(),
                ],
            ),
            Entry::policy("static", "the first candidates", vec![]),
            Entry::policy(
                "greedy",
                "the best candidates by a feature",
                vec![
                    Key::optional_text("by")
                        .with_about("document feature")
                        .required()
                        .of_any_type(),
                    Key::one_of("order", Order::Max)
                        .with_about("which end is best")
                        .of_any_type(),
                ],
            ),
        ],
        layers: vec![
            Entry::layer(
                "epsilon_greedy",
                "now and then a random slate",
                vec![
                    Key::probability("epsilon", 0.1)
                        .with_about("how often")
                        .of_any_type(),
                ],
            ),
            Entry::layer("statistics", "counts", vec![]),
        ],
    }
}
