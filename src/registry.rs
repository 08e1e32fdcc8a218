//! All environments, choice models, policies and layers by name: makes a simulation from a checked configuration.

use crate::backend::{Corpus, Model, Plan, Simulation};
use crate::choice::{ChoiceModel, ConfiguredChoice};
use crate::config::{
    self, CHOICE_MODEL, CommonKeys, Config, ConfigError, Declarations, Entry, MOST_POSITIONS,
    Section, SeedKeys, Settings,
};
use crate::environment::interest_evolution::InterestEvolutionDefinition;
use crate::environment::interest_exploration::InterestExplorationDefinition;
use crate::environment::item_transition::ItemTransitionDefinition;
use crate::environment::long_term_satisfaction::LongTermSatisfactionDefinition;
use crate::environment::test_mdp::TestMdpDefinition;
use crate::environment::{Definition, Field, Kind};
use crate::memory;
use crate::policy::cluster_bandit::ClusterBandit;
use crate::policy::glm_thompson::GlmThompson;
use crate::policy::glm_ucb::GlmUcb;
use crate::policy::greedy::Greedy;
use crate::policy::greedy_pctr::GreedyPctr;
use crate::policy::layer::cluster_click_statistics::ClusterClickStatistics;
use crate::policy::layer::epsilon_greedy::EpsilonGreedy;
use crate::policy::layer::fixed_length_history::FixedLengthHistory;
use crate::policy::layer::temporal_aggregation::TemporalAggregation;
use crate::policy::layer::{LayerDefinition, LayerModel};
use crate::policy::linear_softmax::LinearSoftmax;
use crate::policy::linear_thompson::LinearThompson;
use crate::policy::linear_ucb::LinearUcb;
use crate::policy::mlp::Mlp;
use crate::policy::random::Random;
use crate::policy::r#static::Static;
use crate::policy::table::Table;
use crate::policy::{Layered, PolicyContext, PolicyDefinition, PolicyModel};
use crate::rng::BLOCKS_PER_PURPOSE;
use crate::specimen::Specimen;
use std::sync::Arc;

/// If an environment has no horizon and no `max_steps` is given, episodes are truncated here, as by `RecSim`'s runner.
const DEFAULT_MAX_STEPS: u32 = 27_000;

/// The same for specimens of environments that do not set `max_steps`.
const SPECIMEN_STEPS: &str = "50";
/// The key that names the environment.
const ENVIRONMENT_NAME: &str = "environment.name";

/// The models that configurations can name.
///
/// One's own models are registered beside the built-in ones, and are then used in the same way:
///
/// ```text
/// let registry = Registry::built_in().with_environment::<BoredomDefinition>().with_policy::<Mmr>();
/// ```
///
/// ```
/// use slatesim::registry::Registry;
///
/// let registry = Registry::built_in();
/// println!("{:?}", registry.environment_names().collect::<Vec<_>>());
/// let simulation = registry.resolve(&["environment.name=interest_exploration", "max_steps=20", "seed=7"])?;
/// assert_eq!((simulation.plan.max_steps, simulation.plan.seed), (20, 7));
/// let error = registry.resolve(&["environment.slate_siz=3"]).unwrap_err();
/// assert!(error.to_string().contains("did you mean `environment.slate_size`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    environments: Vec<Registered<MakeEnvironment>>,
    choices: Vec<Registered<MakeChoice>>,
    policies: Vec<Registered<MakePolicy>>,
    layers: Vec<Registered<MakeLayer>>,
}

/// Makes an environment, as a value whose type is erased.
#[derive(Clone, Copy, Debug)]
struct MakeEnvironment {
    model: fn(&Settings) -> Result<Arc<dyn Model>, ConfigError>,
    /// Makes the environment's own choice model, if none that was registered separately is configured.
    choice: MakeChoice,
}
/// Makes a choice model, as a value whose type is erased.
type MakeChoice = fn(&Settings) -> Result<ChoiceModel, ConfigError>;
/// Makes a policy, as a value whose type is erased.
type MakePolicy = fn(&Settings, &PolicyContext<'_>) -> Result<PolicyModel, ConfigError>;
/// Makes a layer, as a value whose type is erased.
type MakeLayer = fn(&Settings, &PolicyContext<'_>) -> Result<LayerModel, ConfigError>;

/// A registered model: its name and keys, its specimens, and the function that makes it.
#[derive(Clone, Debug)]
struct Registered<M> {
    entry: Entry,
    make: M,
    specimens: fn() -> Vec<Specimen>,
}

/// Adds a model to those of the same kind.
///
/// # Panics
/// If its name is taken, or its keys are not declared as [`Entry::check`] wants them: mistakes of its author.
fn register<M>(
    kind: &str,
    models: &mut Vec<Registered<M>>,
    entry: Entry,
    make: M,
    specimens: fn() -> Vec<Specimen>,
) {
    let is_taken = find(models, entry.name).is_some();
    assert!(!is_taken, "there is {kind} {:?} already", entry.name);
    if let Err(error) = entry.check() {
        panic!("{error}");
    }
    models.push(Registered {
        entry,
        make,
        specimens,
    });
}

fn find<'a, M>(models: &'a [Registered<M>], name: &str) -> Option<&'a Registered<M>> {
    models.iter().find(|model| model.entry.name == name)
}

/// Returns the specimens of a model, or one other if it has none.
fn brought_or(brought: Vec<Specimen>, instead: impl FnOnce() -> Option<Specimen>) -> Vec<Specimen> {
    if brought.is_empty() {
        instead().into_iter().collect()
    } else {
        brought
    }
}

fn entries<M>(models: &[Registered<M>]) -> Vec<Entry> {
    models.iter().map(|model| model.entry.clone()).collect()
}

/// Makes a model twice: first for errors, which quote the values as given, then with all numbers rounded to single precision.
fn checked<T>(
    settings: &Settings,
    make: impl Fn(&Settings) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    make(settings)?;
    make(&settings.in_single_precision())
}

impl Registry {
    /// Returns the registry of the built-in models.
    pub fn built_in() -> Self {
        let none = Self {
            environments: Vec::new(),
            choices: Vec::new(),
            policies: Vec::new(),
            layers: Vec::new(),
        };
        none.with_environment::<LongTermSatisfactionDefinition>()
            .with_environment::<InterestExplorationDefinition>()
            .with_environment::<InterestEvolutionDefinition>()
            .with_environment::<ItemTransitionDefinition>()
            .with_environment::<TestMdpDefinition>()
            .with_policy::<Random>()
            .with_policy::<Static>()
            .with_policy::<Greedy>()
            .with_policy::<GreedyPctr>()
            .with_policy::<ClusterBandit>()
            .with_policy::<Table>()
            .with_policy::<LinearSoftmax>()
            .with_policy::<Mlp>()
            .with_policy::<LinearUcb>()
            .with_policy::<LinearThompson>()
            .with_policy::<GlmUcb>()
            .with_policy::<GlmThompson>()
            .with_layer::<ClusterClickStatistics>()
            .with_layer::<EpsilonGreedy>()
            .with_layer::<FixedLengthHistory>()
            .with_layer::<TemporalAggregation>()
    }

    /// Adds an environment.
    ///
    /// # Panics
    /// If its name is taken, or its keys are not declared as [`Entry::check`] wants them: mistakes of its author.
    #[must_use]
    pub fn with_environment<D: Definition>(mut self) -> Self {
        let make = MakeEnvironment {
            model: |settings| Ok(Arc::new(checked(settings, D::new)?)),
            choice: |settings| checked(settings, D::choice),
        };
        register(
            "an environment",
            &mut self.environments,
            D::entry(),
            make,
            D::specimens,
        );
        self
    }

    /// Adds a choice model: a further value of `choice.model` for every environment that has this key.
    ///
    /// # Panics
    /// As [`Registry::with_environment`].
    #[must_use]
    pub fn with_choice<C: ConfiguredChoice>(mut self) -> Self {
        let make: MakeChoice = |settings| Ok(checked(settings, C::new)?.into());
        register(
            "a choice model",
            &mut self.choices,
            C::entry(),
            make,
            C::specimens,
        );
        self
    }

    /// Makes environment and choice model from settings.
    fn make(
        &self,
        environment: &str,
        settings: &Settings,
    ) -> Result<(Arc<dyn Model>, ChoiceModel), ConfigError> {
        let registered = self
            .entry(environment)
            .unwrap_or_else(|| panic!("the environment {environment:?} is not registered"));
        let named = settings
            .declares(CHOICE_MODEL)
            .then(|| settings.read::<String>(CHOICE_MODEL))
            .and_then(|name| find(&self.choices, &name));
        let choice = match named {
            Some(choice) => (choice.make)(settings)?,
            None => (registered.make.choice)(settings)?,
        };
        let model = (registered.make.model)(settings)?;
        let parameters = model.parameters().into_iter();
        for (name, value) in parameters.chain(choice.definition().parameters()) {
            assert!(
                value.is_finite(),
                "the parameter {name:?} of {environment:?} is {value}: is it worked out?"
            );
        }
        Ok((model, choice))
    }

    /// Adds a policy.
    ///
    /// # Panics
    /// As [`Registry::with_environment`].
    #[must_use]
    pub fn with_policy<P: PolicyDefinition>(mut self) -> Self {
        let make: MakePolicy =
            |settings, context| Ok(checked(settings, |settings| P::new(settings, context))?.into());
        register(
            "a policy",
            &mut self.policies,
            P::entry(),
            make,
            P::specimens,
        );
        self
    }

    /// Adds a layer.
    ///
    /// # Panics
    /// As [`Registry::with_environment`].
    #[must_use]
    pub fn with_layer<L: LayerDefinition>(mut self) -> Self {
        let make: MakeLayer =
            |settings, context| Ok(checked(settings, |settings| L::new(settings, context))?.into());
        register("a layer", &mut self.layers, L::entry(), make, L::specimens);
        self
    }

    fn entry(&self, name: &str) -> Option<&Registered<MakeEnvironment>> {
        find(&self.environments, name)
    }

    /// Names the environments.
    pub fn environment_names(&self) -> impl Iterator<Item = &'static str> {
        self.environments
            .iter()
            .map(|registered| registered.entry.name)
    }

    /// Lists all environments and policies with their configuration keys.
    pub fn declarations(&self) -> Declarations {
        let mut environments = entries(&self.environments);
        for environment in &mut environments {
            for choice in &self.choices {
                environment.offer(&choice.entry);
            }
        }
        Declarations {
            environments,
            policies: entries(&self.policies),
            layers: entries(&self.layers),
        }
    }

    /// Lists the settings under which models are checked, those of environments first: the specimens of each model. A model
    /// without any is checked with its defaults; a policy, in the first environment in which it works.
    pub fn specimens(&self) -> Vec<Specimen> {
        let mut specimens = Vec::new();
        for Registered {
            entry,
            specimens: brought,
            ..
        } in &self.environments
        {
            let brought = brought_or(brought(), || Some(Specimen::new(entry.name, &[])));
            let of_model = |specimen: Specimen| {
                let specimen = specimen.with(ENVIRONMENT_NAME, entry.name);
                if entry.never_terminates {
                    specimen.with("max_steps", SPECIMEN_STEPS)
                } else {
                    specimen
                }
            };
            specimens.extend(brought.into_iter().map(of_model));
        }
        specimens.extend(self.specimens_of(&self.choices, "environment.choice.model"));
        specimens.extend(self.specimens_of(&self.policies, "policy.name"));
        specimens.extend(self.specimens_of(&self.layers, "policy.layer.name"));
        specimens
    }

    /// Lists the specimens of models other than environments; `key` is the key that names such a model.
    fn specimens_of<M>(&self, models: &[Registered<M>], key: &str) -> Vec<Specimen> {
        let of_model = |model: &Registered<M>| {
            let name = model.entry.name;
            let fed = |environment: &Registered<MakeEnvironment>| {
                let alone = Specimen::new(name, &[]).with(key, name);
                let specimen = alone
                    .with(ENVIRONMENT_NAME, environment.entry.name)
                    .with("max_steps", SPECIMEN_STEPS);
                self.resolve(&specimen.settings).is_ok().then_some(specimen)
            };
            let brought = brought_or((model.specimens)(), || {
                self.environments.iter().find_map(fed)
            });
            let first = self
                .environments
                .first()
                .map_or("", |first| first.entry.name);
            let named =
                move |specimen: Specimen| specimen.with(key, name).with(ENVIRONMENT_NAME, first);
            brought.into_iter().map(named)
        };
        models.iter().flat_map(of_model).collect()
    }

    /// Makes a simulation from settings alone, as `--set` takes them.
    ///
    /// # Errors
    /// [`ConfigError`] if the settings are not valid.
    ///
    /// # Panics
    /// Never: what is resolved here names models that are registered here.
    pub fn resolve(&self, settings: &[impl AsRef<str>]) -> Result<Simulation, ConfigError> {
        let mut sources = config::Sources::new();
        for setting in settings {
            sources = sources.set(setting.as_ref())?;
        }
        self.simulation(&Config::resolve(&sources, &self.declarations())?)
    }

    /// Draws the documents of a configuration with `resample_documents` = false, in the form that `document.corpus` takes: with
    /// the columns of that key, or with all fields of a document if an environment has no such key.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other.
    ///
    /// # Panics
    /// As [`Registry::simulation`].
    pub fn corpus(&self, config: &Config) -> Result<config::Corpus, ConfigError> {
        let settings = &config.environment.settings;
        let registered = self
            .entry(&config.environment.name)
            .expect("the environment of a configuration is registered");
        let (model, _) = self.make(&config.environment.name, settings)?;
        let num_candidates = CommonKeys::read(settings).num_candidates;
        let drawn = corpus(
            model.as_ref(),
            document_seed(config),
            num_candidates,
            settings,
        )?;
        let layout = model.document_layout();
        let names: Vec<String> = layout.iter().flat_map(Field::names).collect();
        let column = |name: &str| -> Option<Vec<f64>> {
            let field = names.iter().position(|field| field == name)?;
            let documents = drawn.fields.chunks_exact(drawn.num_fields);
            Some(documents.map(|document| document[field]).collect())
        };
        let fields = names.iter().map(String::as_str);
        let asked_for = registered.entry.corpus_columns(settings, fields.clone());
        let asked_for =
            asked_for.unwrap_or_else(|| fields.map(|name| (name.to_owned(), false)).collect());
        let columns = asked_for.into_iter().filter_map(|(name, is_optional)| {
            let values = column(&name)?;
            // An optional column of zeros means nothing, and is left out.
            let is_nothing = is_optional && values.iter().all(|&value| value == 0.0);
            (!is_nothing).then_some((name, values))
        });
        Ok(config::Corpus::of_columns(columns.collect()))
    }

    /// Makes a simulation from a checked configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other.
    ///
    /// # Panics
    /// If the configuration was checked against other declarations, whose environment is not registered here.
    pub fn simulation(&self, config: &Config) -> Result<Simulation, ConfigError> {
        let settings = &config.environment.settings;
        let name = &config.environment.name;
        let (model, choice) = self.make(name, settings)?;
        let outline = model.outline();
        let CommonKeys {
            num_candidates,
            slate_size,
            resample_documents,
        } = CommonKeys::read(settings);
        let most_candidates = BLOCKS_PER_PURPOSE / outline.document_blocks.max(1);
        if num_candidates > most_candidates {
            return Err(settings.invalid(
                CommonKeys::num_candidates,
                format!("at most {most_candidates}"),
            ));
        }
        if slate_size > MOST_POSITIONS {
            return Err(
                settings.invalid(CommonKeys::slate_size, format!("at most {MOST_POSITIONS}"))
            );
        }
        let corpus = if resample_documents {
            None
        } else {
            Some(corpus(
                model.as_ref(),
                document_seed(config),
                num_candidates,
                settings,
            )?)
        };
        let default_max_steps = if outline.horizon.is_some() {
            u32::MAX
        } else {
            DEFAULT_MAX_STEPS
        };
        let average_user = model.average_user();
        let context = PolicyContext {
            outline: &outline,
            num_candidates,
            slate_size,
            finite_model: &|| model.finite_model(),
            average_user: average_user.as_deref(),
            misfit_of_user: &|fields| model.misfit_of_user(fields),
            num_user_fields: model.num_fields().0,
            has_fixed_documents: corpus.is_some(),
            num_layer_numbers: 0,
        };
        let policy = self.layered(&config.policy, &context)?;
        let plan = Plan {
            seed: config.seed,
            max_steps: config.max_steps.unwrap_or(default_max_steps),
            discounts: config.discounts.clone(),
            num_candidates,
            slate_size,
            corpus,
            choice,
            policy,
            outline,
        };
        Ok(Simulation { model, plan })
    }

    /// Makes a policy and the layers around it: the given ones, and innermost the layer that the policy needs.
    fn layered(
        &self,
        section: &Section,
        context: &PolicyContext<'_>,
    ) -> Result<Layered, ConfigError> {
        let mut layers = section
            .layers()
            .map(|layer| {
                let registered = find(&self.layers, &layer.name);
                let registered = registered.expect("the layers of a configuration are registered");
                (registered.make)(&layer.settings, context)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let read = layers.iter().filter(|layer| layer.is_read());
        let context = PolicyContext {
            num_layer_numbers: read.map(LayerModel::state_size).sum(),
            ..*context
        };
        let registered = find(&self.policies, &section.name);
        let registered = registered.expect("the policy of a configuration is registered");
        let policy = (registered.make)(&section.settings, &context)?;
        if let Some(needed) = policy.needed_layer() {
            layers.retain(|layer| layer.name() != needed.name());
            layers.insert(0, needed);
        }
        Ok(Layered::new(policy, layers))
    }
}

/// Returns the seed of the corpus.
fn document_seed(config: &Config) -> u64 {
    let settings = &config.environment.settings;
    let own = settings
        .declares(SeedKeys::document_seed)
        .then(|| SeedKeys::read(settings).document_seed);
    own.flatten().unwrap_or(config.seed)
}

/// Lists the built-in environments and policies; see [`Registry::declarations`].
pub fn declarations() -> Declarations {
    Registry::built_in().declarations()
}

/// Makes a simulation from a configuration of built-in models; see [`Registry::simulation`].
///
/// # Errors
/// [`ConfigError`] if settings contradict each other.
///
/// # Panics
/// If the configuration was checked against other declarations.
pub fn simulation(config: &Config) -> Result<Simulation, ConfigError> {
    Registry::built_in().simulation(config)
}

/// Rounds to single precision, in which lanes compute, so that the reference has the same documents.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is what this does"
)]
fn single(number: f64) -> f64 {
    f64::from(number as f32)
}

/// Draws the corpus from the seed, and overwrites it with the documents that the configuration gives.
fn corpus(
    model: &dyn Model,
    seed: u64,
    num_candidates: u32,
    settings: &Settings,
) -> Result<Corpus, ConfigError> {
    let num_fields = model.num_fields().1 as u64;
    let bytes = num_fields * u64::from(num_candidates) * 8;
    if let Some(available) = memory::available()
        && bytes > available
    {
        let allowed = format!(
            "as many documents as can be held: these take {}, and {} are available",
            memory::told(bytes),
            memory::told(available)
        );
        return Err(settings.invalid(CommonKeys::num_candidates, allowed));
    }
    let mut corpus = model.sample_corpus(seed, num_candidates);
    let fields = Arc::make_mut(&mut corpus.fields);
    for field in fields.iter_mut() {
        *field = single(*field);
    }
    let given = settings
        .declares("document.corpus")
        .then(|| settings.read::<Option<config::Corpus>>("document.corpus"))
        .flatten();
    let Some(given) = given else {
        return Ok(corpus);
    };
    let layout = model.document_layout();
    let names: Vec<String> = layout.iter().flat_map(Field::names).collect();
    // A list must be given completely, since missing entries would be drawn.
    for field in &layout {
        let entries = field.names();
        let is_given = |name: &String| given.columns.iter().any(|(column, _)| column == name);
        if let (Kind::Numbers(length), true) = (field.kind, entries.iter().any(is_given))
            && !entries.iter().all(is_given)
        {
            let allowed = format!(
                "documents with all {length} of {}[0], {0}[1], ...",
                field.name
            );
            return Err(settings.invalid("document.corpus", allowed));
        }
    }
    for (name, values) in &given.columns {
        let Some(field) = names.iter().position(|field| field == name) else {
            let allowed = format!("documents of {}", names.join(", "));
            return Err(settings.invalid("document.corpus", allowed));
        };
        let documents = fields.chunks_exact_mut(corpus.num_fields);
        for (document, &value) in documents.zip(values) {
            document[field] = single(value);
        }
    }
    Ok(corpus)
}
