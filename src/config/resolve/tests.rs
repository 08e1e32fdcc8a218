//! What a resolved configuration holds, and the texts of the errors.

use super::*;
use crate::config::{ConfigFile, Corpus, Override};
use crate::test_support::specimen;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let sources = Sources::new().with_file(ConfigFile::from_text("run.toml", text));
    Config::resolve(&sources, &specimen::declarations())
}

fn from_sets(sets: &[&str]) -> Result<Config, ConfigError> {
    let sources = sets
        .iter()
        .try_fold(Sources::new(), |sources, text| sources.set(text));
    Config::resolve(&sources?, &specimen::declarations())
}

/// Writes a configuration with every parameter, as a report holds it.
fn written(config: &Config) -> String {
    let mut config = config.clone();
    // TOML's integers end at 2^63 - 1, so the seed is written as text.
    let seed = std::mem::take(&mut config.seed).to_string();
    let mut table = toml::Table::try_from(&config).unwrap();
    table.insert("seed".to_owned(), seed.into());
    toml::to_string(&table).unwrap()
}

fn refusal(text: &str) -> String {
    from_file(text).unwrap_err().to_string()
}

/// The example of the documented contract, word for word.
const CONTRACT: &str = r#"
seed = 7
episodes = 1_000_000
max_steps = 1000          # truncation; required for environments that never terminate
[environment]
name = "long_term_satisfaction"
num_candidates = 20
slate_size = 2
resample_documents = true # false: one corpus
[environment.user]        # RecSim's own parameter names
sensitivity = 0.058
[environment.document]
[environment.choice]
[policy]
name = "random"
"#;

#[test]
fn the_file_of_the_contract_resolves() {
    let config = from_file(CONTRACT).unwrap();
    assert_eq!(
        (config.seed, config.episodes, config.max_steps),
        (7, 1_000_000, Some(1000))
    );
    let environment = &config.environment.settings;
    assert_eq!(environment.read::<u32>("num_candidates"), 20);
    assert_eq!(environment.read::<f64>("user.sensitivity"), 0.058);
    assert_eq!(environment.read::<f64>("user.time_budget"), 60.0);
    assert!(!config.policy.settings.read::<bool>("with_replacement"));
}

#[test]
fn nothing_given_is_the_random_baseline_of_long_term_satisfaction() {
    let config = from_file("").unwrap();
    assert_eq!(
        (config.seed, config.episodes, config.max_steps),
        (0, 10_000, None)
    );
    assert_eq!(config.environment.name, "long_term_satisfaction");
    assert_eq!(config.policy.name, "random");
    assert_eq!(from_sets(&[]).unwrap(), config);
}

#[test]
fn flags_go_before_the_file_and_the_file_before_defaults() {
    let sources = Sources::new()
        .with_file(ConfigFile::from_text("run.toml", CONTRACT))
        .set("environment.user.sensitivity=0.5")
        .unwrap()
        .with_override(Override::flag("--episodes", "episodes", 5_u64));
    let config = Config::resolve(&sources, &specimen::declarations()).unwrap();
    assert_eq!(
        config.environment.settings.read::<f64>("user.sensitivity"),
        0.5
    );
    assert_eq!((config.seed, config.episodes), (7, 5));
}

#[test]
fn a_set_reaches_every_key_with_or_without_quotes() {
    let config = from_sets(&[
        "environment.name=interest_exploration",
        "max_steps=100",
        "environment.user.type_distribution=[0.5, 0.5]",
        "policy.name=greedy",
        "policy={ by = \"quality\", order = \"min\" }",
    ])
    .unwrap();
    assert_eq!(
        config
            .environment
            .settings
            .read::<Vec<f64>>("user.type_distribution"),
        [0.5, 0.5]
    );
    assert_eq!(
        config
            .environment
            .settings
            .read::<Vec<Vec<f64>>>("user.mean_affinity")[1],
        [0.7, 0.1]
    );
    assert_eq!(config.policy.settings.read::<String>("by"), "quality");
    assert_eq!(config.policy.settings.read::<String>("order"), "min");
}

#[test]
fn an_unknown_key_names_its_file_the_nearest_key_and_the_keys_there_are() {
    assert_eq!(
        refusal("[environment.user]\nsensitivty = 0.1"),
        "unknown key `environment.user.sensitivty`: environment \"long_term_satisfaction\" has no such key (\
         did you mean `environment.user.sensitivity`?): [environment.user] has memory_discount, sensitivity, \
         innovation_stddev, choc_mean, choc_stddev, kale_mean, kale_stddev, time_budget, observation_noise_stddev \
         (in run.toml)"
    );
    assert_eq!(
        from_sets(&["environment.colour=3"])
            .unwrap_err()
            .to_string(),
        "unknown key `environment.colour`: environment \"long_term_satisfaction\" has no such key: [environment] has \
         name, num_candidates, slate_size, resample_documents, user.*, document.*, choice.* (given by --set)"
    );
    let message = refusal("slate_size = 2");
    assert!(
        message.contains("did you mean `environment.slate_size`?"),
        "{message}"
    );
    assert!(
        message.contains(
            "the top level has seed, episodes, max_steps, discount, environment.*, policy.*"
        ),
        "{message}"
    );
}

#[test]
fn an_unknown_table_is_refused_even_where_it_is_empty() {
    for text in [
        "[enviroment]\nname = \"item_transition\"",
        "[environment.usr]",
        "[output]",
        "[[runs]]\nseed = 1",
    ] {
        let message = refusal(text);
        assert!(message.starts_with("unknown key `"), "{message}");
    }
    assert!(
        refusal("[enviroment]\nslate_size = 1").contains("did you mean `environment.slate_size`?")
    );
}

#[test]
fn a_key_of_another_policy_or_environment_is_said_to_be_so() {
    let message = refusal("[policy]\nname = \"random\"\nby = \"quality\"");
    assert_eq!(
        message,
        "unknown key `policy.by`: policy \"random\" has no such key, but policy \"greedy\" has it: \
         [policy] has name, with_replacement (in run.toml)"
    );
    let sources = Sources::new()
        .with_file(ConfigFile::from_text("run.toml", CONTRACT))
        .with_override(Override::flag(
            "--environment",
            "environment.name",
            "item_transition",
        ));
    let message = Config::resolve(&sources, &specimen::declarations())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("environment \"item_transition\" has no such key"),
        "{message}"
    );
    assert!(
        message.contains("but environment \"long_term_satisfaction\" has it"),
        "{message}"
    );
}

#[test]
fn an_unknown_environment_or_policy_names_the_nearest_and_all() {
    assert_eq!(
        from_sets(&["environment.name=long-term-satisfacton"])
            .unwrap_err()
            .to_string(),
        "`environment.name` = \"long-term-satisfacton\" is unknown (did you mean `long_term_satisfaction`?): known are \
         long_term_satisfaction, interest_exploration, interest_evolution, item_transition (given by --set)"
    );
    let sources = Sources::new().with_override(Override::flag("--policy", "policy.name", "slateq"));
    let message = Config::resolve(&sources, &specimen::declarations())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "`policy.name` = \"slateq\" is unknown: known are random, static, greedy (given by --policy)"
    );
    assert!(
        refusal("[policy]\nname = 3")
            .contains("is an integer; allowed is one of random, static, greedy")
    );
}

#[test]
fn a_wrong_type_names_key_value_and_what_is_allowed() {
    for (text, expected) in [
        (
            "[environment.user]\nsensitivity = \"high\"",
            "`environment.user.sensitivity` = \"high\" is a string; allowed is a finite number of magnitude at most 1e12 (in run.toml)",
        ),
        (
            "[environment]\nresample_documents = 1",
            "`environment.resample_documents` = 1 is an integer; allowed is true or false (in run.toml)",
        ),
        (
            "episodes = 1e6",
            "`episodes` = 1000000.0 is a floating-point number; allowed is an integer from 1 to \
             9223372036854775808 (in run.toml)",
        ),
        (
            "environment = \"item_transition\"",
            "`environment` = \"item_transition\" is a string; allowed is a table with the keys name, num_candidates, \
             slate_size, resample_documents, user.*, document.*, choice.* (in run.toml)",
        ),
        (
            "[[policy]]\nname = \"random\"",
            "`policy` = [{ name = \"random\" }] is a list; allowed is a table with the keys name, with_replacement \
             (in run.toml)",
        ),
        (
            "[environment.user.sensitivity]\nmean = 0.1",
            "`environment.user.sensitivity` = { mean = 0.1 } is a table; allowed is a finite number of magnitude at most 1e12 (in run.toml)",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (text, expected) in [
        (
            "episodes = 0",
            "`episodes` = 0 is not allowed; allowed is an integer from 1 to ",
        ),
        (
            "seed = -1",
            "`seed` = -1 is not allowed; allowed is an integer from 0 to ",
        ),
        (
            "max_steps = 0",
            "`max_steps` = 0 is not allowed; allowed is an integer from 1 to ",
        ),
        (
            "environment.slate_size = 0",
            "`environment.slate_size` = 0 is not allowed",
        ),
        (
            "environment.user.choc_stddev = -1",
            "allowed is a number at least 0 and at most 1e12 (in run.toml)",
        ),
        (
            "environment.user.kale_mean = nan",
            "NaN and infinities are never allowed",
        ),
        (
            "environment.user.time_budget = inf",
            "NaN and infinities are never allowed",
        ),
        (
            "environment.choice.model = \"last\"",
            "allowed is one of \"first\", \"multinomial_logit\" (in run.toml)",
        ),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_slate_is_no_larger_than_the_candidate_set() {
    assert_eq!(
        refusal("environment = { num_candidates = 3, slate_size = 4 }"),
        "`environment.slate_size` = 4 is not allowed; allowed is an integer from 1 to `environment.num_candidates`, \
         which is 3 (in run.toml)"
    );
    let message = refusal("environment.num_candidates = 1");
    assert!(
        message.ends_with("which is 1, in run.toml (the default)"),
        "{message}"
    );
    assert!(from_file("environment = { num_candidates = 3, slate_size = 3 }").is_ok());
}

#[test]
fn a_corpus_needs_fixed_documents_and_one_a_candidate() {
    let corpus = "corpus = [0.1, 0.2, 0.3]";
    let fixed = format!(
        "environment = {{ num_candidates = 3, resample_documents = false, document = {{ {corpus} }} }}"
    );
    let config = from_file(&fixed).unwrap();
    let documents = config
        .environment
        .settings
        .read::<Option<Corpus>>("document.corpus")
        .unwrap();
    assert_eq!(documents.column("clickbait_score"), [0.1, 0.2, 0.3]);

    assert_eq!(
        refusal(&format!(
            "environment.num_candidates = 3\nenvironment.document.{corpus}"
        )),
        "`environment.document.corpus` = a corpus of 3 documents is not allowed; allowed is no corpus unless \
         `environment.resample_documents` = false; it is true, the default (in run.toml)"
    );
    assert_eq!(
        refusal(&format!(
            "environment.num_candidates = 4\nenvironment.resample_documents = false\nenvironment.document.{corpus}"
        )),
        "`environment.document.corpus` = a corpus of 3 documents is not allowed; allowed is one document a candidate, \
         and `environment.num_candidates` is 4; where it is not given, it is the number of documents (in run.toml)"
    );
}

#[test]
fn the_number_of_candidates_follows_from_the_documents_where_nobody_gives_it() {
    let given =
        "environment.resample_documents = false\nenvironment.document.corpus = [0.1, 0.2, 0.3]";
    let config = from_file(given).unwrap();
    assert_eq!(config.environment.settings.read::<u32>("num_candidates"), 3);
    assert!(
        written(&config).contains("num_candidates = 3"),
        "{}",
        written(&config)
    );
    assert_eq!(
        refusal(&format!("{given}\nenvironment.slate_size = 4")),
        "`environment.slate_size` = 4 is not allowed; allowed is an integer from 1 to `environment.num_candidates`, \
         which is 3, as `environment.document.corpus` has it (in run.toml)"
    );
}

#[test]
fn a_path_in_a_file_is_relative_to_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(
        folder.path().join("data/documents.csv"),
        "clickbait_score\n0.25\n0.75\n",
    )
    .unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(
        &path,
        "[environment]\nnum_candidates = 2\nresample_documents = false\ndocument.corpus = \"data/documents.csv\"",
    )
    .unwrap();
    let sources = Sources::new().with_file(ConfigFile::read(&path).unwrap());
    let config = Config::resolve(&sources, &specimen::declarations()).unwrap();
    let corpus = config
        .environment
        .settings
        .read::<Option<Corpus>>("document.corpus")
        .unwrap();
    assert_eq!(corpus.column("clickbait_score"), [0.25, 0.75]);
    // Written out, the documents no longer depend on the file.
    assert!(
        written(&config).contains("corpus = [0.25, 0.75]"),
        "{}",
        written(&config)
    );
}

#[test]
fn a_required_key_that_is_missing_is_named() {
    let message = from_sets(&["policy.name=greedy"]).unwrap_err().to_string();
    assert!(message.starts_with("`policy.by` is missing"), "{message}");
}

#[test]
fn an_environment_without_an_end_needs_max_steps() {
    let message = from_sets(&["environment.name=interest_exploration"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "`max_steps` is missing: episodes of environment \"interest_exploration\" do not end by themselves; \
         allowed is an integer from 1 to 4294967295"
    );
    assert!(from_sets(&["environment.name=interest_exploration", "max_steps=1"]).is_ok());
}

#[test]
fn a_seed_has_all_of_64_bits() {
    assert_eq!(
        from_file("seed = 9_223_372_036_854_775_807").unwrap().seed,
        i64::MAX as u64
    );
    let sources = Sources::new().with_override(Override::flag("--seed", "seed", u64::MAX));
    let config = Config::resolve(&sources, &specimen::declarations()).unwrap();
    assert_eq!(config.seed, u64::MAX);
    assert_eq!(from_file(&written(&config)).unwrap(), config);
    assert!(refusal("seed = \"-7\"").contains("allowed is an integer from 0"));
    assert!(refusal("seed = \"seven\"").contains("is a string"));
    let error = from_file("seed = 9_223_372_036_854_775_808").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { .. }), "{error}");
}

#[test]
fn a_syntax_error_shows_the_file_and_the_place() {
    let error = from_file("seed = 7\nepisodes = = 3\n").unwrap_err();
    assert_eq!(error.to_string(), "run.toml is not valid TOML");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("line 2") && source.contains("episodes = = 3"),
        "{source}"
    );
    let error = from_file("seed = 7\nseed = 8\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { .. }));
}

#[test]
fn a_missing_file_is_named() {
    let error = ConfigFile::read("nowhere/run.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the configuration file nowhere/run.toml"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_configuration_written_down_resolves_to_itself() {
    for sets in [
        vec![],
        vec![
            "environment.user.sensitivity=0.058",
            "environment.user.choc_stddev=1e-7",
            "max_steps=9",
        ],
        vec![
            "environment.resample_documents=false",
            "environment.num_candidates=2",
            "environment.document.corpus=[0.1, 1]",
            "policy={name=\"greedy\", by=\"clickbait_score\"}",
        ],
        vec![
            "environment={name=\"interest_exploration\", num_candidates=2, resample_documents=false}",
            "environment.document.corpus=[{cluster_id=1, quality=-2.49}, {cluster_id=0, quality=3}]",
            "max_steps=5",
        ],
        vec![
            "environment.name=interest_evolution",
            "environment.document.sampler=distribution",
        ],
    ] {
        let config = from_sets(&sets).unwrap();
        let text = written(&config);
        assert_eq!(from_file(&text).unwrap(), config, "{text}");
    }
}

#[test]
fn weights_of_a_file_are_written_down_as_its_path_and_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let data = [0.5_f32, -1.0].map(f32::to_le_bytes).concat();
    let view = TensorView::new(Dtype::F32, vec![1, 2], &data).unwrap();
    let bytes = serialize([("weight", view)], None).unwrap();
    std::fs::write(folder.path().join("w.safetensors"), bytes).unwrap();
    let path = folder.path().join("run.toml");
    let text = "[policy]\nname = \"scorer\"\nweights = \"w.safetensors\"";
    std::fs::write(&path, text).unwrap();
    let mut declarations = specimen::declarations();
    let keys = vec![Key::weights("weights").of_any_type()];
    declarations
        .policies
        .push(Entry::policy("scorer", "", keys));
    let resolve = |file: ConfigFile| {
        let sources = Sources::new().with_file(file);
        Config::resolve(&sources, &declarations).unwrap()
    };

    let config = resolve(ConfigFile::read(&path).unwrap());
    let config = serde_json::to_value(config).unwrap();
    let file = config["policy"]["weights"]["file"].as_str().unwrap();
    assert!(file.ends_with("w.safetensors"), "{file}");
    assert!(config["policy"]["weights"]["fnv1a64"].is_string());
}

#[test]
fn a_configuration_serializes_to_the_objects_of_the_result() {
    let json = serde_json::to_value(from_file(CONTRACT).unwrap()).unwrap();
    assert_eq!(json["seed"], 7);
    assert_eq!(json["episodes"], 1_000_000);
    assert_eq!(json["environment"]["name"], "long_term_satisfaction");
    assert_eq!(json["environment"]["user"]["sensitivity"], 0.058);
    assert_eq!(json["policy"]["with_replacement"], false);
}

#[test]
fn no_given_text_makes_it_panic() {
    let keys = [
        "seed",
        "environment",
        "environment.user",
        "environment.document.corpus",
        "policy.name",
        "a.b",
        "\"\"",
        "é.é",
    ];
    let values = [
        "1",
        "-1",
        "1.5",
        "nan",
        "\"\"",
        "true",
        "[]",
        "[[]]",
        "{}",
        "{a=1}",
        "1979-05-27",
        "[1,\"a\"]",
        "é",
        "\0",
    ];
    for key in keys {
        for value in values {
            let _ = from_sets(&[&format!("{key}={value}")]);
            let _ = from_file(&format!("{key} = {value}"));
        }
    }
}
