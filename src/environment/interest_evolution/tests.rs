use super::*;
use crate::choice::exponential_cascade::ExponentialCascade;
use crate::config::{ConfigError, Settings};
use crate::environment::Definition;
use crate::number::ScalarWord;
use crate::registry::{self, Registry};

/// Resolves settings with the keys of the environment and of its choice models.
fn settings(given: &[&str]) -> Result<Settings, ConfigError> {
    let declarations = registry::declarations();
    let entry = declarations.environment("interest_evolution").unwrap();
    entry.settings_with(given)
}

fn definition(given: &[&str]) -> Result<InterestEvolutionDefinition, String> {
    let settings = settings(given).map_err(|error| error.to_string())?;
    InterestEvolutionDefinition::new(&settings).map_err(|error| error.to_string())
}

/// Values from running `RecSim`: section 3.1.2 of the notes on it; see tests/data/README.md.
#[test]
fn topics_have_the_mean_qualities_of_the_original() {
    let expected = [
        -3.0, -2.769_231, -2.538_462, -2.307_692, -2.076_923, -1.846_154, -1.615_385, -1.384_615,
        -1.153_846, -0.923_077, -0.692_308, -0.461_538, -0.230_769, 0.0, 0.0, 0.6, 1.2, 1.8, 2.4,
        3.0,
    ];
    let found = definition(&[]).unwrap().tables();
    approx::assert_abs_diff_eq!(found.as_slice(), expected.as_slice(), epsilon = 1e-6);
}

/// `RecSim`'s unit tests of the user model: a forced click on a document of features 1.
#[test]
fn watching_is_cut_to_the_budget_and_its_bonus_is_added() {
    let twin = definition(&[
        "document.sampler=distribution",
        "document.num_features=2",
        "user.user_quality_factor=0.3",
        "user.document_quality_factor=0.7",
        "user.user_update_alpha=1",
        "user.time_budget=0.5",
    ])
    .unwrap()
    .twin::<f64>();
    let mut user = User {
        user_interests: vec![0.0; 2],
        time_budget: 0.5,
        time_budget_rest: 0.0,
    };
    let document = Document {
        features: vec![1.0; 2],
        cluster_id: ScalarWord(0),
        quality: 3.0,
        video_length: 1.0,
    };
    let draws = Draws { flip: 0.5 };
    assert_eq!(twin.respond(&user, &document, &draws).watch_time, 0.5);
    assert!(!twin.is_terminal(&user));
    let response = Response { watch_time: 0.3 };
    twin.transition(&mut user, &document, &response, 2.0, true, &draws);
    approx::assert_abs_diff_eq!(user.time_budget, 1.01, epsilon = 1e-12);
    user.time_budget = 0.0;
    assert!(twin.is_terminal(&user));
}

#[test]
fn a_topic_is_the_one_hot_vector_of_its_features() {
    let one_hot = definition(&["document.num_features=10"])
        .unwrap()
        .twin::<f64>();
    let free = definition(&["document.num_features=10", "document.sampler=distribution"]);
    let free = InterestEvolution {
        parameters: one_hot.parameters,
        ..free.unwrap().twin::<f64>()
    };
    let interests: Vec<f64> = (0..10).map(|i| 0.19 * f64::from(i) - 0.9).collect();
    for topic in 0..10_u32 {
        for flip in [0.2, 0.8] {
            let document = |features: Vec<f64>| Document {
                features,
                cluster_id: ScalarWord(topic),
                quality: 1.5,
                video_length: 4.0,
            };
            let mut features = vec![0.0; 10];
            features[topic as usize] = 1.0;
            let user = User {
                user_interests: interests.clone(),
                time_budget: 7.0,
                time_budget_rest: 0.0,
            };
            let after = |twin: &InterestEvolution<f64>, document: &Document<f64>| {
                let mut user = user.clone();
                let draws = Draws { flip };
                let response = twin.respond(&user, document, &draws);
                let score = twin.score(&user, document);
                twin.transition(&mut user, document, &response, score, true, &draws);
                (score, user.user_interests, user.time_budget)
            };
            assert_eq!(
                after(&one_hot, &document(vec![])),
                after(&free, &document(features))
            );
        }
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    for (given, expected) in [
        (
            "document.num_features=15",
            "`environment.document.num_features` = 15 is not allowed; allowed is a multiple of 10",
        ),
        (
            "document.min_feature_value=0",
            "`environment.document.min_feature_value` has no effect unless `environment.document.sampler` = \
             \"distribution\"",
        ),
        (
            "choice.score_scaling=0.1",
            "`environment.choice.score_scaling` has no effect unless `environment.choice.model` = \
             \"exponential_cascade\" or \"proportional_cascade\"",
        ),
    ] {
        let error = definition(&[given]).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn choices_that_could_never_be_valid_are_refused() {
    for (given, expected) in [
        (
            &["choice.no_click_mass=-2"][..],
            "`environment.choice.no_click_mass` = -2 is not allowed; allowed is at least min_normalizer = -1 \
             (given by --set)",
        ),
        (
            &["choice.min_normalizer=1.5", "choice.no_click_mass=2"],
            "`environment.choice.min_normalizer` = 1.5 is not allowed; allowed is at most 1, the highest score there \
             can be (given by --set)",
        ),
        (
            &[
                "choice.model=exponential_cascade",
                "choice.score_scaling=2.8",
            ],
            "`environment.choice.score_scaling` = 2.8 is not allowed; allowed is at most 2.718281828459045, above \
             which no score gives a probability (given by --set)",
        ),
        (
            &[
                "choice.model=proportional_cascade",
                "choice.min_normalizer=-5",
                "choice.score_scaling=0.3",
            ],
            "`environment.choice.score_scaling` = 0.3 is not allowed; allowed is at most 0.25, above which no score \
             gives a probability (given by --set)",
        ),
    ] {
        let given = given.iter().map(|setting| format!("environment.{setting}"));
        let settings =
            std::iter::once("environment.name=interest_evolution".to_owned()).chain(given);
        let error = Registry::built_in()
            .resolve(&settings.collect::<Vec<_>>())
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_distribution_sampler_of_users_changes_their_defaults() {
    let settings = settings(&[
        "user.sampler=distribution",
        "choice.model=exponential_cascade",
    ])
    .unwrap();
    let user = Parameters::read(&settings);
    assert_eq!(user.time_budget, 30.0);
    assert_eq!(user.step_penalty, 1.0);
    assert_eq!(user.user_quality_factor, 1.0);
    assert_eq!(user.user_update_alpha, 0.0);
    assert_eq!(ExponentialCascade::read(&settings).attention_prob, 0.9);
}
