//! Environments: user model, document model, response and reward, written once for one user or a vector of users.
//!
//! An environment is a pair of twins: a Rust type that implements [`Environment`] for every [`Number`], and a WGSL
//! module `shaders/environment/<name>.wgsl` that defines the same functions for one lane of the GPU. A [`Definition`]
//! ties the two together with the environment's checked parameters.
//!
//! An episode goes as `RecSim`'s does (`SingleUserEnvironment.step`): sample the user; then at each step recommend,
//! choose, respond, update the user, test for the end, and offer new candidates.

mod fields;
pub mod interest_evolution;
pub mod interest_exploration;
pub mod item_transition;
pub mod long_term_satisfaction;
pub mod test_mdp;

pub use fields::{Field, Fields, Kind};

use crate::choice::{Choices, Scores};
use crate::config::{ConfigError, Corpus, Entry, Settings};
use crate::exact::FiniteModel;
use crate::number::{Number, Word};
use crate::rng::Stream;
use crate::shader::{ShaderDefs, ShaderSource};
use crate::specimen::Specimen;
use serde::Serialize;
use std::fmt::Debug;

/// The random words of one user, of one document at one step, of the noise of one step, or of one observation.
#[derive(Clone, Copy, Debug)]
pub struct RandomWords<W> {
    /// The episode and the step.
    pub stream: Stream<W>,
    /// The purpose, one of the codes of [`rng`](crate::rng).
    pub purpose: u32,
    /// The number, within the purpose, of the first block.
    pub first: W,
}

impl<W: Word> RandomWords<W> {
    /// Returns the `block`-th block: the four words that one call of Philox gives.
    #[inline(always)]
    pub fn block(&self, block: u32) -> [W; 4] {
        self.stream
            .words(self.purpose, self.first + W::splat(block))
    }
}

/// The host twin of an environment, for one user (`f64`) or a vector of users.
///
/// Results are written into an argument, so that environments whose users or documents have any number of features allocate
/// once and not at every step; the WGSL twins return values instead. Apart from that the two are the same, line for line.
/// Functions may not branch on a number: they compute both cases and select.
pub trait Environment<N: Number>: Debug + Send + Sync {
    /// The hidden and the observed state of a user.
    type User: Fields<N>;
    /// The features of a document, hidden and observed.
    type Document: Fields<N>;
    /// The user's response to the document that was clicked.
    type Response: Copy + Debug + Send;
    /// The noise of one step, already in the distribution that [`respond`](Self::respond) and [`transition`](Self::transition)
    /// need, so that a recorded transition can be replayed.
    type Draws: Copy + Debug + Send;

    /// Makes a user to write into; its values have no meaning.
    fn new_user(&self) -> Self::User;
    /// Makes a document to write into; its values have no meaning.
    fn new_document(&self) -> Self::Document;
    /// Draws the user at the start of an episode.
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut Self::User);
    /// Draws the document that is offered as candidate number `candidate`.
    fn sample_document(
        &self,
        candidate: N::Word,
        random: &RandomWords<N::Word>,
        document: &mut Self::Document,
    );
    /// Turns the environment's random words of a step (words 0 and 1, and further ones from `random`) into noise.
    fn draw(&self, words: [N::Word; 2], random: &RandomWords<N::Word>) -> Self::Draws;
    /// Scores a document for a user; the choice model says what the score means.
    fn score(&self, user: &Self::User, document: &Self::Document) -> N;
    /// Responds to the document that was clicked.
    fn respond(
        &self,
        user: &Self::User,
        document: &Self::Document,
        draws: &Self::Draws,
    ) -> Self::Response;
    /// Updates the user after the slate; `clicked` is false if nothing was clicked.
    ///
    /// `weight` is the choice model's weight for the score of the clicked document alone, see
    /// [`Choice::weigh`](crate::choice::Choice::weigh).
    fn transition(
        &self,
        user: &mut Self::User,
        document: &Self::Document,
        response: &Self::Response,
        weight: N,
        clicked: N::Mask,
        draws: &Self::Draws,
    );
    /// Tells whether the episode has ended.
    fn is_terminal(&self, user: &Self::User) -> N::Mask;
    /// Returns the reward of a clicked document; a slate without a click earns nothing.
    fn reward(&self, response: &Self::Response) -> N;
    /// Returns the topic of a document, below [`Outline::num_topics`]; needed only where that is not 0.
    fn topic(&self, _document: &Self::Document) -> N::Word {
        N::Word::splat(0)
    }
    /// Returns the quality of a document; needed only where [`Outline::has_quality`] is true.
    fn quality(&self, _document: &Self::Document) -> N {
        N::splat(0.0)
    }
    /// Writes what is observed of a user, as [`Outline::user`] lists it; needed only if something is observed.
    fn observe_user(
        &self,
        _user: &Self::User,
        _random: &RandomWords<N::Word>,
        _observation: &mut [N],
    ) {
    }
    /// Writes what is observed of a document, as [`Outline::document`] lists it.
    fn observe_document(&self, document: &Self::Document, observation: &mut [N]);
    /// Writes what is observed of the response to one document of the slate, as [`Outline::response`] lists it.
    fn observe_response(
        &self,
        document: &Self::Document,
        response: &Self::Response,
        clicked: N::Mask,
        observation: &mut [N],
    );
}

/// One observed quantity, or several of a kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observable {
    /// `RecSim`'s name of it.
    pub name: &'static str,
    /// How many numbers it consists of.
    pub length: usize,
    /// The smallest value; minus infinity if there is no limit.
    pub low: f64,
    /// The largest value; infinity if there is no limit.
    pub high: f64,
    /// Whether only whole numbers occur.
    pub discrete: bool,
}

impl Observable {
    /// Describes one real number.
    pub const fn number(name: &'static str, low: f64, high: f64) -> Self {
        Self {
            name,
            length: 1,
            low,
            high,
            discrete: false,
        }
    }

    /// Describes one of the whole numbers 0 to `count` - 1.
    pub fn discrete(name: &'static str, count: u32) -> Self {
        Self {
            name,
            length: 1,
            low: 0.0,
            high: f64::from(count) - 1.0,
            discrete: true,
        }
    }
}

/// The properties of an environment that are known before it runs: sizes, and what is observable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outline {
    /// How many blocks of random words one document takes.
    pub document_blocks: u32,
    /// How many topics documents fall into; 0 if they have none.
    pub num_topics: u32,
    /// Whether documents have a quality.
    pub has_quality: bool,
    /// The number of steps after which every episode has ended by itself, if there is one.
    pub horizon: Option<u32>,
    /// What is observed of a user.
    pub user: Vec<Observable>,
    /// What is observed of a document.
    pub document: Vec<Observable>,
    /// What is observed of each document of the slate after the choice.
    pub response: Vec<Observable>,
}

impl Default for Outline {
    /// Documents of one random block, without topics and quality; no horizon, and nothing observed.
    fn default() -> Self {
        Self {
            document_blocks: 1,
            num_topics: 0,
            has_quality: false,
            horizon: None,
            user: Vec::new(),
            document: Vec::new(),
            response: Vec::new(),
        }
    }
}

impl Outline {
    /// Names the observed numbers of a document in order; those of a vector are numbered, as in `features[3]`.
    pub fn document_features(&self) -> Vec<String> {
        names(&self.document)
    }

    /// Names the observed numbers of a user in order, in the same way.
    pub fn user_features(&self) -> Vec<String> {
        names(&self.user)
    }

    /// Names the observed numbers of the response to one document in order, in the same way.
    pub fn response_features(&self) -> Vec<String> {
        names(&self.response)
    }

    /// Returns how many numbers are observed of a document.
    pub fn document_size(&self) -> usize {
        size(&self.document)
    }

    /// Returns how many numbers are observed of a user.
    pub fn user_size(&self) -> usize {
        size(&self.user)
    }

    /// Returns how many numbers are observed of the response to one document.
    pub fn response_size(&self) -> usize {
        size(&self.response)
    }
}

/// Counts the numbers of a list of observables.
fn size(observables: &[Observable]) -> usize {
    observables.iter().map(|observable| observable.length).sum()
}

/// Names the numbers of a list of observables.
fn names(observables: &[Observable]) -> Vec<String> {
    let name = |observable: &Observable| match observable.length {
        1 => vec![observable.name.to_owned()],
        length => (0..length)
            .map(|index| format!("{}[{index}]", observable.name))
            .collect(),
    };
    observables.iter().flat_map(name).collect()
}

/// The largest magnitude of a standard normal draw: the square root of 2 ln 2^32.
pub(crate) const LARGEST_NORMAL: f64 = 6.67;

/// Refuses parameters of log-normal numbers whose results would leave the range of single precision: `mean` + 6.67 `stddev`,
/// the largest logarithm that can be drawn, must be at most `most`, and the smallest at least -80.
fn check_log_normal(
    settings: &Settings,
    [mean_key, stddev_key]: [&str; 2],
    [mean, stddev]: [f64; 2],
    most: f64,
) -> Result<(), ConfigError> {
    const LEAST: f64 = -80.0;
    let reason = "since single precision overflows or rounds too much beyond";
    for (key, sign, limit) in [(mean_key, 1.0, most), (mean_key, -1.0, -LEAST)] {
        if sign * mean > limit {
            let allowed = format!(
                "{} {}, {reason}",
                if sign > 0.0 { "at most" } else { "at least" },
                sign * limit
            );
            return Err(settings.invalid(key, allowed));
        }
    }
    let room = (most - mean).min(mean - LEAST) / LARGEST_NORMAL;
    if stddev > room {
        let allowed = format!("at most {room:.4} beside a mean of {mean}, {reason}");
        return Err(settings.invalid(stddev_key, allowed));
    }
    Ok(())
}

/// The key of given documents.
const CORPUS: &str = "document.corpus";

/// Refuses given documents with a topic that does not exist.
fn check_topics(
    settings: &Settings,
    corpus: &Corpus,
    num_topics: usize,
) -> Result<(), ConfigError> {
    let Some(topics) = corpus.optional_column("cluster_id") else {
        return Ok(());
    };
    let is_absent = |&topic: &f64| topic >= num_topics as f64;
    if let Some(row) = topics.iter().position(is_absent) {
        let allowed = match num_topics {
            1 => "0: there is one topic, or none".to_owned(),
            _ => format!("a whole number below {num_topics}: topics count from 0"),
        };
        return Err(settings.bad_document(CORPUS, "cluster_id", row, allowed));
    }
    Ok(())
}

/// Refuses given documents that differ from the environment's fixed ones.
fn check_order(
    settings: &Settings,
    corpus: Option<&Corpus>,
    column: &str,
    expected: impl Fn(usize) -> usize,
) -> Result<(), ConfigError> {
    let Some(corpus) = corpus else {
        return Ok(());
    };
    let mut rows = corpus.column(column).iter().enumerate();
    match rows.position(|(row, &value)| value != expected(row) as f64) {
        None => Ok(()),
        Some(row) => {
            let allowed = format!("{}: the documents are always the same", expected(row));
            Err(settings.bad_document(CORPUS, column, row, allowed))
        }
    }
}

/// An environment with its parameters: makes the twins.
///
/// `docs/authoring.md` shows how to write one; `examples/custom_environment.rs` is a whole program.
pub trait Definition: Debug + Send + Sync + 'static {
    /// The host twin.
    type Twin<N: Number>: Environment<N>;
    /// Names the environment and declares its configuration keys.
    fn entry() -> Entry
    where
        Self: Sized;
    /// Lists settings under which the environment is checked: at least one for each of its forms.
    fn specimens() -> Vec<Specimen>
    where
        Self: Sized,
    {
        Vec::new()
    }
    /// Makes the environment from checked settings.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other.
    fn new(settings: &Settings) -> Result<Self, ConfigError>
    where
        Self: Sized;
    /// Says how users choose from a slate: by a fixed model, or by a registered one, whose keys are then the environment's too.
    fn choices() -> Choices
    where
        Self: Sized;
    /// Returns what is known of the scores, so that choice models refuse parameters with which no score is of use. `settings` are
    /// those that the environment was made from; `None` if nothing is known.
    fn scores(&self, _settings: &Settings) -> Option<Scores> {
        None
    }
    /// Makes the host twin for a number type.
    fn twin<N: Number>(&self) -> Self::Twin<N>;
    /// Returns the numbers of the WGSL twin's `struct Parameters` with their names, in its order; WGSL has no struct without any.
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("unused", 0.0)]
    }
    /// Returns the numbers that the WGSL twin reads with `slatesim::tables::table(index)`.
    fn tables(&self) -> Vec<f64> {
        Vec::new()
    }
    /// Returns the WGSL twin.
    fn shader(&self) -> ShaderSource;
    /// Returns the definitions that the WGSL twin is specialised by, besides its sizes.
    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::new()
    }
    /// Describes the environment.
    fn outline(&self) -> Outline;
    /// Returns the fields of a typical user, which a policy that does not know the user can assume. They are in the order of
    /// the user's fields; `None` if there is no such user.
    fn average_user(&self) -> Option<Vec<f64>> {
        None
    }
    /// Describes what is wrong with the fields of a user that were set from outside, if they are no possible state. It has been
    /// checked before that whole numbers are whole.
    fn misfit_of_user(&self, _fields: &[f64]) -> Option<String> {
        None
    }
    /// Returns the environment as a finite model, if it is one; the state of the model is what is observed of the user.
    fn finite_model(&self) -> Option<FiniteModel> {
        None
    }
}
