//! Draws random configurations that resolve, knowing only the declared keys: models that are added later are drawn without a
//! change here.

use super::draw::{Draw, Surroundings};
use crate::backend::Simulation;
use crate::config::{
    Allowed, Config, ConfigError, ConfigFile, Declarations, Entry, Key, Sources, Value, run_keys,
};
use crate::environment::Field;
use crate::registry::Registry;
use crate::rng::Philox;
use crate::shader::ShaderDef;
use rand::RngExt;
use std::collections::BTreeMap;
use toml::Value as Toml;

/// How often a configuration is drawn from the start before the case is given up.
const ATTEMPTS: u64 = 60;
/// How often a refused value is drawn again or left out.
const REPAIRS: usize = 40;
/// How many policies are tried in one configuration.
const POLICIES: usize = 8;
/// The most steps of an episode: the built-in limit for episodes that never end by themselves.
pub(super) const MOST_STEPS: u32 = 27_000;

/// Limits of what may be drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest value of whole numbers that cost time or memory: candidates, features, entries of a history.
    pub(super) largest_count: u32,
    /// The most positions of a slate.
    pub(super) longest_slate: u32,
    /// The most inputs of a regression.
    pub(super) largest_regression: u32,
}

/// A configuration that has been drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    /// The settings, in dotted keys.
    pub(super) given: Given,
    /// The simulation that the settings make.
    pub(super) simulation: Simulation,
    /// The models that it is made of.
    pub(super) parts: Parts,
}

/// Names the models of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) environment: String,
    pub(super) choice_model: String,
    pub(super) documents: String,
    pub(super) policy: String,
    pub(super) layers: Vec<String>,
}

/// Settings: dotted keys with their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Given(pub(super) Vec<(String, Toml)>);

impl Given {
    pub(super) fn set(&mut self, key: String, value: Toml) {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Toml> {
        let found = self.0.iter().find(|(other, _)| other == key);
        found.map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(other, _)| other != key);
        self.0.len() < before
    }

    /// Nudges the numbers of the policy by this share of their size, and tells whether there are any.
    pub(super) fn nudge_policy(&mut self, by: f64, rng: &mut Philox) -> bool {
        let prefix = full(POLICY, "");
        let own = self
            .0
            .iter_mut()
            .filter(|(key, _)| key.starts_with(&prefix));
        own.fold(false, |is_any, (_, value)| nudge(value, by, rng) || is_any)
    }

    /// Writes the settings as a configuration file.
    pub(super) fn to_toml(&self) -> String {
        let mut root = toml::Table::new();
        for (key, value) in &self.0 {
            let mut table = &mut root;
            let mut parts = key.split('.').peekable();
            while let Some(part) = parts.next() {
                if parts.peek().is_none() {
                    table.insert(part.to_owned(), value.clone());
                    break;
                }
                let inner = table
                    .entry(part)
                    .or_insert_with(|| Toml::Table(toml::Table::new()));
                match inner {
                    Toml::Table(inner) => table = inner,
                    _ => break,
                }
            }
        }
        toml::to_string(&root).expect("a table of TOML values is TOML")
    }

    /// Resolves the settings, and makes the simulation.
    pub(super) fn resolve(
        &self,
        registry: &Registry,
        declarations: &Declarations,
    ) -> Result<Simulation, ConfigError> {
        let file = ConfigFile::from_text("case.toml", self.to_toml());
        let config = Config::resolve(&Sources::new().with_file(file), declarations)?;
        registry.simulation(&config)
    }
}

fn nudge(value: &mut Toml, by: f64, rng: &mut Philox) -> bool {
    match value {
        Toml::Float(number) => {
            let share = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
            *number *= 1.0 + by * share;
            *number != 0.0
        }
        Toml::Array(values) => {
            let nudged = values.iter_mut().map(|value| nudge(value, by, rng));
            // `any` would stop at the first one, and all have to be nudged.
            nudged.filter(|&is_nudged| is_nudged).count() > 0
        }
        _ => false,
    }
}

/// Counts refused configurations by reason.
pub(super) type Refusals = BTreeMap<String, u64>;

/// Draws the configuration of a case; `None` if no attempt gives one that resolves.
pub(super) fn draw(
    registry: &Registry,
    declarations: &Declarations,
    limits: Limits,
    (seed, case): (u64, u64),
    refusals: &mut Refusals,
) -> Option<Drawn> {
    let [a, b, ..] = Philox::block(seed, case);
    let of_case = u64::from(a) | u64::from(b) << 32;
    // The environment is the same in all attempts: one that rarely resolves would else occur too rarely.
    let mut draw = Draw {
        rng: Philox::new(of_case),
        wildness: 0.0,
    };
    let environment = draw.one_of(&declarations.environments);
    (1..=ATTEMPTS).find_map(|attempt| {
        let draw = Draw {
            rng: Philox::new(of_case.wrapping_add(attempt)),
            wildness: 0.0,
        };
        let generator = Generator {
            registry,
            declarations,
            limits,
            draw,
            refusals,
            given: Given::default(),
            around: Surroundings::default(),
        };
        generator.run(environment)
    })
}

struct Generator<'a> {
    registry: &'a Registry,
    declarations: &'a Declarations,
    limits: Limits,
    draw: Draw,
    refusals: &'a mut Refusals,
    given: Given,
    around: Surroundings,
}

/// A section of the configuration: its place, and the models that it may name.
#[derive(Clone, Copy)]
struct Place<'a> {
    section: &'a str,
    keys: &'a [Key],
}

fn full(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        _ => format!("{section}.{key}"),
    }
}

const ENVIRONMENT: &str = "environment";
const POLICY: &str = "policy";

impl Generator<'_> {
    fn run(mut self, environment: &Entry) -> Option<Drawn> {
        let declarations = self.declarations;
        let draw = &mut self.draw;
        draw.wildness = *draw.one_of(&[0.05, 0.2, 0.5, 0.9]);
        let share_set = *draw.one_of(&[0.1, 0.3, 0.6, 0.95]);
        let sizes = [1, 2, 2, 3, 4, 6, 9];
        let (rows, columns) = (*draw.one_of(&sizes), *draw.one_of(&sizes));
        let is_square = draw.happens(0.4);
        self.around = Surroundings {
            rows: if is_square { columns } else { rows },
            columns,
            keeps_shapes: draw.happens(0.5),
            largest_count: match draw.below(8) {
                0 => self.limits.largest_count.into(),
                1..4 => (self.limits.largest_count / 8).max(4).into(),
                _ => 12,
            },
            ..Surroundings::default()
        };
        let name = |name: &str| Toml::String(name.to_owned());
        self.given
            .set(full(ENVIRONMENT, "name"), name(environment.name));
        self.given.set(full(POLICY, "name"), name("static"));
        let run = run_keys();
        let run = Place {
            section: "",
            keys: &run,
        };
        self.draw_run(run, environment);
        let place = Place {
            section: ENVIRONMENT,
            keys: &environment.keys,
        };
        self.draw_keys(place, share_set, |key| !is_corpus(key));
        if is_square && !self.around.keeps_shapes && self.draw.happens(0.8) {
            // If documents are rows and columns of a matrix, there are as many candidates as columns.
            let candidates = i64::try_from(columns).expect("few");
            self.given.set(
                full(ENVIRONMENT, "num_candidates"),
                Toml::Integer(candidates),
            );
        }
        let simulation = self.repaired(&[run, place])?;
        let simulation = self.draw_documents(run, place, simulation)?;
        self.look_around(&simulation);

        let mut sections = Vec::new();
        let mut layers = Vec::new();
        let mut section = POLICY.to_owned();
        for _ in 0..*self.draw.one_of(&[0, 0, 0, 1, 1, 2, 3, 4]) {
            let layer = self.draw.one_of(&declarations.layers);
            if layers.contains(&layer.name) {
                continue;
            }
            section += ".layer";
            self.given.set(full(&section, "name"), name(layer.name));
            layers.push(layer.name);
            sections.push((section.clone(), layer));
        }
        let mut places = vec![run, place];
        for (section, layer) in &sections {
            let place = Place {
                section,
                keys: &layer.keys,
            };
            self.draw_keys(place, share_set, |_| true);
            places.push(place);
        }
        let simulation = self.repaired(&places)?;
        let layers = simulation.plan.policy.layers();
        let read = layers.iter().filter(|layer| layer.is_read());
        let numbers: usize = read.map(|layer| layer.state_size()).sum();
        self.around.inputs += numbers;

        let without_policy = self.given.clone();
        let (policy, simulation) = (0..POLICIES).find_map(|_| {
            self.given.clone_from(&without_policy);
            let policy = self.draw.one_of(&declarations.policies);
            self.given.set(full(POLICY, "name"), name(policy.name));
            let place = Place {
                section: POLICY,
                keys: &policy.keys,
            };
            self.draw_keys(place, share_set, |_| true);
            let places = [places.as_slice(), &[place]].concat();
            Some((policy, self.repaired(&places)?))
        })?;
        let parts = Parts {
            environment: environment.name.to_owned(),
            choice_model: simulation.plan.choice.name().to_owned(),
            documents: self.documents(place_of(environment)).to_owned(),
            policy: policy.name.to_owned(),
            layers: sections
                .iter()
                .filter(|(section, _)| self.given.get(&full(section, "name")).is_some())
                .map(|(_, layer)| layer.name.to_owned())
                .collect(),
        };
        Some(Drawn {
            given: self.given,
            simulation,
            parts,
        })
    }

    /// Names the source of the documents.
    fn documents(&self, environment: Place<'_>) -> &'static str {
        let mut corpora = environment.keys.iter().filter(|key| is_corpus(key));
        let is_fixed = self.default_text(environment, "resample_documents") == "false";
        if corpora.any(|key| self.given.get(&full(ENVIRONMENT, key.name())).is_some()) {
            "a corpus that is given"
        } else if is_fixed {
            "a corpus that is drawn"
        } else {
            "resampled"
        }
    }

    /// Draws the keys of the run, except for the number of episodes, which follows from the cost.
    fn draw_run(&mut self, run: Place<'_>, environment: &Entry) {
        for key in run.keys.iter().filter(|key| key.name() != "episodes") {
            if key.name() == "max_steps" {
                if environment.never_terminates || self.draw.happens(0.6) {
                    let steps = *self.draw.one_of(&[
                        1,
                        2,
                        3,
                        7,
                        20,
                        33,
                        60,
                        100,
                        500,
                        3000,
                        i64::from(MOST_STEPS),
                    ]);
                    self.given.set("max_steps".to_owned(), Toml::Integer(steps));
                }
            } else if key.default().is_some() || self.draw.happens(0.2) {
                let mut around = self.around.clone();
                around.largest_count = i128::from(u64::MAX);
                let value = self.draw.value(key, key.default(), &around);
                self.given.set(key.name().to_owned(), value);
            }
        }
    }

    /// Sets a share of the keys that have an effect, and all that must be set.
    fn draw_keys(&mut self, place: Place<'_>, share: f64, wanted: impl Fn(&Key) -> bool) {
        for key in place.keys.iter().filter(|key| wanted(key)) {
            // Keys on which others depend are set more often, so that the others can have an effect.
            let is_switch = matches!(key.allowed(), Allowed::OneOf(_) | Allowed::Boolean);
            let share = if is_switch { share.max(0.5) } else { share };
            if key.is_required() || self.draw.happens(share) {
                self.draw_key(place, key);
            }
        }
    }

    /// Sets a key if it has an effect.
    fn draw_key(&mut self, place: Place<'_>, key: &Key) {
        self.around.texts = (place.keys.iter())
            .filter(|other| matches!(other.allowed(), Allowed::OneOf(_)))
            .map(|other| (other.name(), self.default_text(place, other.name())))
            .collect();
        let around = &self.around;
        if key.applies_under(|name| around.text_of(name)) {
            let default = key.default_under(|name| around.text_of(name));
            let value = self.draw.value(key, default, around);
            self.given.set(full(place.section, key.name()), value);
        }
    }

    /// Returns the value of a key, given or default, as text.
    fn default_text(&self, place: Place<'_>, name: &str) -> String {
        match self.given.get(&full(place.section, name)) {
            Some(Toml::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => {
                let key = place.keys.iter().find(|key| key.name() == name);
                match key.and_then(Key::default) {
                    Some(Value::Text(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => String::new(),
                }
            }
        }
    }

    /// Lists documents, if they are fixed and there is a key for them.
    fn draw_documents(
        &mut self,
        run: Place<'_>,
        place: Place<'_>,
        simulation: Simulation,
    ) -> Option<Simulation> {
        self.around.num_topics = simulation.plan.outline.num_topics;
        self.around.num_documents = simulation.plan.num_candidates as usize;
        let layout = simulation.model.document_layout();
        self.around.fields = layout.iter().flat_map(Field::names).collect();
        let mut is_drawn = false;
        for key in place.keys.iter().filter(|key| is_corpus(key)) {
            if simulation.plan.corpus.is_some() && self.draw.happens(0.5) {
                self.draw_key(place, key);
                is_drawn = true;
            }
        }
        match is_drawn {
            true => self.repaired(&[run, place]),
            false => Some(simulation),
        }
    }

    /// Collects the facts that the policy's keys may have to fit.
    fn look_around(&mut self, simulation: &Simulation) {
        let outline = &simulation.plan.outline;
        let model = &simulation.model;
        let around = &mut self.around;
        around.names = outline.document_features();
        around.names.extend(["quality", "score"].map(str::to_owned));
        around.inputs = outline.document_size() + outline.user_size();
        around.columns = simulation.plan.num_candidates as usize;
        if let Some(finite) = model.finite_model() {
            around.rows = finite.num_states();
        }
        let of_users = model.user_layout();
        let num_fields = of_users.iter().map(|field| field.names().len()).sum();
        around.examples = vec![
            model
                .average_user()
                .unwrap_or_else(|| vec![0.5; num_fields]),
            vec![0.0; num_fields],
        ];
        around.num_topics = outline.num_topics;
    }

    /// Makes the simulation, and draws again or leaves out the values that are refused.
    fn repaired(&mut self, places: &[Place<'_>]) -> Option<Simulation> {
        for round in 0..REPAIRS {
            let error = match self.checked() {
                Ok(simulation) => return Some(simulation),
                Err(error) => error,
            };
            let key = error.key().unwrap_or("").to_owned();
            *self.refusals.entry(reason(&error, &key)).or_default() += 1;
            // A layer or a policy that the environment cannot have.
            if let ConfigError::Unfit { .. } = error {
                return None;
            }
            let declared = places.iter().find_map(|place| {
                let mut keys = place.keys.iter();
                let key = keys.find(|declared| full(place.section, declared.name()) == key)?;
                Some((*place, key))
            });
            match declared {
                Some((place, key))
                    if key.is_required() || matches!(error, ConfigError::Missing { .. }) =>
                {
                    self.draw_key(place, key);
                }
                Some((place, declared)) if self.given.get(&key).is_some() => {
                    if round < REPAIRS / 2 && self.draw.happens(0.7) {
                        self.draw_key(place, declared);
                    } else {
                        self.given.remove(&key);
                    }
                }
                _ => {
                    // A default contradicts the given values: one of these has to be removed.
                    let removable: Vec<String> = (self.given.0.iter())
                        .map(|(key, _)| key)
                        .filter(|key| !key.ends_with("name") && *key != "max_steps")
                        .cloned()
                        .collect();
                    if removable.is_empty() {
                        return None;
                    }
                    let gone = self.draw.one_of(&removable).clone();
                    self.given.remove(&gone);
                }
            }
        }
        None
    }

    /// Makes the simulation, and refuses values that are allowed but too costly.
    fn checked(&self) -> Result<Simulation, ConfigError> {
        let simulation = self.given.resolve(self.registry, self.declarations)?;
        let plan = &simulation.plan;
        let too_costly = [
            (
                "environment.num_candidates",
                plan.num_candidates,
                self.limits.largest_count,
            ),
            (
                "environment.slate_size",
                plan.slate_size,
                self.limits.longest_slate,
            ),
        ];
        for (key, value, most) in too_costly {
            if value > most {
                let allowed = format!("at most {most} here, because of the cost");
                return Err(ConfigError::invalid(
                    key,
                    value,
                    allowed,
                    crate::config::Origin::Default,
                ));
            }
        }
        if let Some(&ShaderDef::UInt(inputs)) = plan.policy.shader_defs().get("DIM")
            && inputs > self.limits.largest_regression
        {
            return Err(ConfigError::Unfit {
                section: "policy".to_owned(),
                name: "a regression".to_owned(),
                needs: format!("at most {} inputs here", self.limits.largest_regression),
            });
        }
        Ok(simulation)
    }
}

fn place_of(environment: &Entry) -> Place<'_> {
    Place {
        section: ENVIRONMENT,
        keys: &environment.keys,
    }
}

fn is_corpus(key: &Key) -> bool {
    matches!(key.allowed(), Allowed::Corpus(_))
}

/// Says in a few words why a configuration was refused, without its values.
fn reason(error: &ConfigError, key: &str) -> String {
    let kind = match error {
        ConfigError::Unfit { name, .. } => return format!("`{key}.name` = {name:?} does not fit"),
        ConfigError::Invalid { .. } => "has a value that does not go with the others",
        ConfigError::NoEffect { .. } => "has no effect",
        ConfigError::Missing { .. } => "is missing",
        ConfigError::Weights { .. } => "does not fit the policy",
        ConfigError::Corpus { .. } => "is no corpus",
        _ => return error.to_string(),
    };
    format!("`{key}` {kind}")
}
