//! All environments, choice models, policies and layers by name: makes a simulation from a checked configuration.

mod corpus;
mod specimens;

use crate::backend::{Model, Plan, Simulation};
use crate::choice::exponential_cascade::ExponentialCascade;
use crate::choice::first::First;
use crate::choice::multinomial_logit::MultinomialLogit;
use crate::choice::multinomial_proportional::MultinomialProportional;
use crate::choice::proportional_cascade::ProportionalCascade;
use crate::choice::{ChoiceDefinition, ChoiceModel, Choices, Scores};
use crate::config::{
    self, CHOICE_MODEL, CommonKeys, Config, ConfigError, Declarations, Entry, MOST_POSITIONS,
    Point, Section, Settings,
};
use crate::environment::Definition;
use crate::environment::interest_evolution::InterestEvolutionDefinition;
use crate::environment::interest_exploration::InterestExplorationDefinition;
use crate::environment::item_transition::ItemTransitionDefinition;
use crate::environment::long_term_satisfaction::LongTermSatisfactionDefinition;
use crate::environment::test_mdp::TestMdpDefinition;
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
use corpus::{document_seed, draw_corpus};
use std::sync::Arc;

/// If an environment has no horizon and no `max_steps` is given, episodes are truncated here, as by `RecSim`'s runner.
const DEFAULT_MAX_STEPS: u32 = 27_000;

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

/// What is needed to make an environment and the choice model of its users.
#[derive(Clone, Debug)]
struct MakeEnvironment {
    model: fn(&Settings) -> Result<MadeModel, ConfigError>,
    choices: Choices,
}
/// An environment as a value whose type is erased, and what is known of its scores.
type MadeModel = (Arc<dyn Model>, Option<Scores>);
/// Makes a choice model, as a value whose type is erased.
type MakeChoice = fn(&Settings, Option<&Scores>) -> Result<ChoiceModel, ConfigError>;
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
            .with_choice::<First>()
            .with_choice::<MultinomialLogit<f64>>()
            .with_choice::<MultinomialProportional<f64>>()
            .with_choice::<ExponentialCascade<f64>>()
            .with_choice::<ProportionalCascade<f64>>()
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
            model: |settings| {
                let environment = D::new(settings)?;
                let scores = environment.scores(settings);
                Ok((Arc::new(environment), scores))
            },
            choices: D::choices(),
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

    /// Adds a choice model: for the environments that name it, and as a further value of `choice.model` for every environment
    /// that offers several, unless its entry is [`only_where_named`](Entry::only_where_named).
    ///
    /// # Panics
    /// As [`Registry::with_environment`].
    #[must_use]
    pub fn with_choice<C: ChoiceDefinition>(mut self) -> Self {
        let make: MakeChoice = |settings, scores| Ok(C::new(settings, scores)?.into());
        register(
            "a choice model",
            &mut self.choices,
            C::entry(),
            make,
            C::specimens,
        );
        self
    }

    /// Finds a choice model that the environment `environment` names.
    fn choice(&self, environment: &str, name: &str) -> &Registered<MakeChoice> {
        find(&self.choices, name).unwrap_or_else(|| {
            panic!("{environment:?} offers the choice model {name:?}, which is not registered")
        })
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
        let MakeEnvironment { model, choices } = &registered.make;
        let (model, choice) = checked(settings, |settings| {
            let (model, scores) = model(settings)?;
            let choice = match choices {
                Choices::Fixed(choice) => choice.clone(),
                Choices::Registered(models) => {
                    let chosen = settings
                        .declares(CHOICE_MODEL)
                        .then(|| settings.read::<String>(CHOICE_MODEL));
                    let name = chosen.as_deref().unwrap_or(models.names()[0]);
                    let choice = self.choice(environment, name);
                    (choice.make)(settings, scores.as_ref())?
                }
            };
            Ok((model, choice))
        })?;
        let parameters = model.parameters().into_iter();
        for (name, value) in parameters.chain(choice.parameters()) {
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

    /// Lists all environments and policies with their configuration keys; those of choice models are their environments'.
    ///
    /// # Panics
    /// If an environment names a choice model that is not registered, or the keys of the two clash: mistakes of an author.
    pub fn declarations(&self) -> Declarations {
        let environments = self.environments.iter().map(|environment| {
            let mut entry = environment.entry.clone();
            if let Choices::Registered(models) = &environment.make.choices {
                entry.offer(&self.offered(entry.name, models.names()), models);
            }
            entry
        });
        Declarations {
            environments: environments.collect(),
            choices: entries(&self.choices),
            policies: entries(&self.policies),
            layers: entries(&self.layers),
        }
    }

    /// Lists the choice models that an environment offers: those that it names, and if these are several, all others that are
    /// offered everywhere.
    fn offered(&self, environment: &str, named: &[&str]) -> Vec<&Entry> {
        let mut offered: Vec<_> = named
            .iter()
            .map(|name| &self.choice(environment, name).entry)
            .collect();
        if named.len() > 1 {
            let others = self.choices.iter().map(|choice| &choice.entry);
            let is_offered =
                |choice: &&Entry| !choice.is_only_where_named() && !named.contains(&choice.name);
            offered.extend(others.filter(is_offered));
        }
        offered
    }

    /// Makes a simulation from settings alone, as `--set` takes them.
    ///
    /// # Errors
    /// [`ConfigError`] if the settings are not valid.
    ///
    /// # Panics
    /// As [`Registry::declarations`].
    pub fn resolve(&self, settings: &[impl AsRef<str>]) -> Result<Simulation, ConfigError> {
        let mut sources = config::Sources::new();
        for setting in settings {
            sources = sources.set(setting.as_ref())?;
        }
        self.simulation(&Config::resolve(&sources, &self.declarations())?)
    }

    /// Makes a simulation from a checked configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other.
    ///
    /// # Panics
    /// If the configuration was checked against other declarations, whose models are not registered here.
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
            Some(draw_corpus(
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

    /// Makes the simulations of variants, which have labels.
    ///
    /// # Errors
    /// [`ConfigError::Variant`] if the settings of one contradict each other.
    ///
    /// # Panics
    /// As [`Registry::simulation`].
    pub fn of_variants(
        &self,
        variants: &[(String, Config)],
    ) -> Result<Vec<Simulation>, ConfigError> {
        let made = variants.iter().map(|(label, config)| {
            let simulation = self.simulation(config);
            simulation.map_err(|error| error.of_variant(label))
        });
        made.collect()
    }

    /// Makes the simulations of the points of a sweep.
    ///
    /// # Errors
    /// [`ConfigError::Point`] if the settings of one contradict each other.
    ///
    /// # Panics
    /// As [`Registry::simulation`].
    pub fn of_points(&self, points: &[Point]) -> Result<Vec<Simulation>, ConfigError> {
        let made = points.iter().map(|point| {
            let simulation = self.simulation(&point.config);
            simulation.map_err(|error| error.of_point(point.label()))
        });
        made.collect()
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
