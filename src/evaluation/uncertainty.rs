//! What a standard error covers, where it does not cover everything that one might expect.

use serde_json::Value;

/// Where the documents of an environment come from; the environment is given as `{"name", ...}`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Documents {
    /// Every step draws new documents, or the environment always has the same.
    NotFixed,
    /// The configuration lists them.
    Given,
    /// They are drawn once; from a seed of their own, if it is given.
    Drawn(Option<String>),
}

impl Documents {
    fn of(environment: &Value) -> Self {
        // An environment that draws no documents has no such table.
        let Some(document) = environment.get("document").filter(|one| one.is_object()) else {
            return Self::NotFixed;
        };
        // An environment without a key for their seed always has the same documents.
        let Some(seed) = document.get("seed") else {
            return Self::NotFixed;
        };
        if environment.get("resample_documents") != Some(&Value::Bool(false)) {
            return Self::NotFixed;
        }
        if document
            .get("corpus")
            .is_some_and(|corpus| !corpus.is_null())
        {
            return Self::Given;
        }
        Self::Drawn(match seed {
            Value::Null => None,
            Value::String(seed) => Some(seed.clone()),
            seed => Some(seed.to_string()),
        })
    }
}

/// Says what ± covers in a run of one seed; `None` where it covers everything that the environment draws.
pub(super) fn of_run(environment: &Value, seed: u64) -> Option<String> {
    match Documents::of(environment) {
        Documents::NotFixed => None,
        Documents::Given => {
            Some("± is for these documents, which the configuration lists".to_owned())
        }
        Documents::Drawn(own) => Some(format!(
            "± is for these documents, drawn once from the seed {}; another `environment.document.seed` draws others",
            own.unwrap_or_else(|| seed.to_string())
        )),
    }
}

/// Says what ± covers in several runs: in one sentence if it is the same for all.
pub(super) fn of_runs<'a>(runs: impl Iterator<Item = (&'a Value, u64)>) -> Option<String> {
    let mut all: Vec<Option<String>> = runs
        .map(|(environment, seed)| of_run(environment, seed))
        .collect();
    all.dedup();
    match all.as_slice() {
        [one] => one.clone(),
        several if several.iter().any(Option::is_some) => Some(
            "± is for these documents: those of each line by itself, where they are drawn once or given".to_owned(),
        ),
        _ => None,
    }
}

/// Says what ± covers where several seeds were pooled.
pub(super) fn of_pool(environment: &Value, num_seeds: usize) -> String {
    match Documents::of(environment) {
        Documents::NotFixed => format!(
            "± is of all episodes of {num_seeds} seeds together, as of one run: each draws users and documents of its own"
        ),
        Documents::Given | Documents::Drawn(Some(_)) => format!(
            "± is for these documents, the same for all {num_seeds} seeds, and of all episodes together"
        ),
        Documents::Drawn(None) => format!(
            "± is for these documents, {num_seeds} corpora, one a seed: it leaves out that other seeds would draw others, which \
             the error across seeds includes"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fixed_documents_are_told_with_where_they_come_from() {
        let environment = |resample: bool, document: Value| json!({"name": "x", "resample_documents": resample, "document": document});
        let told = |environment| of_run(&environment, 7).unwrap_or_default();
        assert_eq!(told(environment(true, json!({"seed": null}))), "");
        // The documents of such an environment are always the same.
        assert_eq!(told(environment(false, json!({"corpus": null}))), "");
        assert_eq!(told(json!({"name": "x", "resample_documents": false})), "");
        assert!(told(environment(false, json!({"seed": null}))).contains("the seed 7"));
        assert!(told(environment(false, json!({"seed": 3}))).contains("the seed 3"));
        let large = environment(false, json!({"seed": "18446744073709551615"}));
        assert!(told(large).contains("the seed 18446744073709551615"));
        let given = environment(false, json!({"seed": null, "corpus": [0.5]}));
        assert!(told(given).contains("these documents, which the configuration lists"));
        // The documents of each seed are its own.
        let drawn = environment(false, json!({"seed": null}));
        let several = of_runs([(&drawn, 1), (&drawn, 2)].into_iter()).unwrap();
        assert!(several.contains("each line by itself"), "{several}");
        let one = of_runs([(&drawn, 1), (&drawn, 1)].into_iter());
        assert_eq!(one, of_run(&drawn, 1));
    }
}
