//! Item transition: the user moves from document to document, and the session ends at random.
//!
//! ```text
//! start      s uniform over the documents
//! offer      all documents, in order; a slate of one, d
//! accepted   with probability acceptance[s][d]: reward 1, s <- d, the session ends with probability p_exit_accepted
//! else       reward 0, s <- uniform over the documents, the session ends with probability p_exit_not_accepted
//! ```
//!
//! The state is finite: [`exact`](crate::exact) solves it. The acceptance is a proportional cascade over a slate of one.
//! Twin: `shaders/environment/item_transition.wgsl`.
//!
//! # Source
//! The ten-document environment of the `RecSim` and Catalyst tutorials, "Wolpertinger" and "slate recommendation".

mod specimens;

use super::{Definition, Environment, Observable, Outline, RandomWords};
use crate::choice::{Choices, proportional_cascade::ProportionalCascade};
use crate::config::{Bounds, Column, ConfigError, Corpus, Entry, Settings};
use crate::distribution::{bounded_integer, uniform};
use crate::exact::{FiniteModel, Outcome};
use crate::number::{Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, parameters, twin_struct};

/// The most documents: a larger matrix would not fit into the buffers of every GPU.
const MAX_DOCUMENTS: u32 = 4096;
/// The most documents for the exact solver, which lists every outcome: their number grows with the cube of the documents.
const MAX_SOLVED_DOCUMENTS: usize = 128;

/// The tutorials' matrix: off the diagonal U(0, 0.2), on it U(0.9, 1), then the columns permuted, with `NumPy`'s legacy
/// generator and seed 42.
pub const TUTORIAL_ACCEPTANCE: [[f64; 10]; 10] = [
    [
        0.17323522915498704,
        0.1416145155592091,
        0.9031429185686735,
        0.12022300234864176,
        0.031203728088487304,
        0.011616722433639893,
        0.19014286128198324,
        0.11973169683940732,
        0.031198904067240532,
        0.146398788362281,
    ],
    [
        0.10495128632644757,
        0.058245828039608386,
        0.004116898859160489,
        0.08638900372842316,
        0.03636499344142013,
        0.06084844859190755,
        0.963641041126378,
        0.04246782213565523,
        0.03668090197068676,
        0.16648852816008436,
    ],
    [
        0.10284688768272232,
        0.009290082543999545,
        0.1223705789444759,
        0.1184829137724085,
        0.0912139968434072,
        0.03993475643167195,
        0.027898772130408367,
        0.07327236865873835,
        0.15703519227860274,
        0.9314355981076327,
    ],
    [
        0.019534422801276777,
        0.08803049874792027,
        0.12150897038028768,
        0.1368466053024314,
        0.19312640661491187,
        0.06092275383467414,
        0.03410482473745831,
        0.9508570691164703,
        0.16167946962329224,
        0.013010318597055905,
    ],
    [
        0.10401360423556216,
        0.03697089110510541,
        0.024407646968955768,
        0.10934205586865593,
        0.9907566473926093,
        0.06234221521788219,
        0.09903538202225404,
        0.1818640804157564,
        0.1325044568707964,
        0.006877704223043679,
    ],
    [
        0.039196572483829045,
        0.06506606615265287,
        0.19391692555291173,
        0.009045457782107613,
        0.11957999576221703,
        0.0176985004103839,
        0.15502656467222292,
        0.17896547008552977,
        0.9249292229148875,
        0.18789978831283782,
    ],
    [
        0.16043939615080793,
        0.19737738732010346,
        0.07773545793789641,
        0.014910128735954166,
        0.05618690193747616,
        0.941038292303563,
        0.05426980635477918,
        0.07135066533871785,
        0.1085392166316497,
        0.1657475018303859,
    ],
    [
        0.9755551138543048,
        0.023173811905025946,
        0.1544489538593315,
        0.07169314570885453,
        0.14137146876952342,
        0.15425406933718916,
        0.03974313630683449,
        0.16309228569096684,
        0.14580143360819747,
        0.00110442342472048,
    ],
    [
        0.12751149427104264,
        0.09444298503238986,
        0.17262068517511872,
        0.9228798165491623,
        0.062196464343132446,
        0.1459212356676128,
        0.12465962536551159,
        0.012711670057204728,
        0.06503666440534941,
        0.06617960497052984,
    ],
    [
        0.08550820367170993,
        0.9076979909828793,
        0.02391884918766034,
        0.005083825348819038,
        0.1541934359909122,
        0.10454656587639882,
        0.14264895744459902,
        0.11225543951389926,
        0.09875911927287816,
        0.1521570097233795,
    ],
];

keys! {
    /// The keys of the documents and of the user model.
    pub struct Keys {
        /// documents; as many as `user.acceptance` has rows
        num_candidates: u32 = integer("num_candidates", 10, 1, MAX_DOCUMENTS).in_unit("documents"),
        /// documents in a slate; always 1
        slate_size: u32 = integer("slate_size", 1, 1, 1).in_unit("documents"),
        /// of no consequence: every step offers all documents in order
        resample_documents: bool = boolean("resample_documents", false),
        /// of no consequence: the documents by their numbers, in order, as they always are
        corpus: Option<Corpus> = corpus("document.corpus", &[Column::index("document")]),
        /// probability that a document is accepted, a row a current document, a column an offered one
        acceptance: Vec<Vec<f64>> = matrix("user.acceptance", TUTORIAL_ACCEPTANCE, Bounds::PROBABILITY)
            .from_source("the RecSim tutorial of the Wolpertinger agent"),
    }
}

parameters! {
    /// The parameters of the user model.
    pub struct Parameters from "the RecSim tutorial of the Wolpertinger agent" {
        /// probability that the session ends after an accepted document
        p_exit_accepted = probability("user.p_exit_accepted", 0.1),
        /// probability that the session ends after a document that was not accepted
        p_exit_not_accepted = probability("user.p_exit_not_accepted", 0.2),
    }
}

twin_struct! {
    /// A user: the current document, and whether the session has ended.
    pub struct User {
        /// The current document.
        document: Word,
        /// 1 if the session has ended.
        has_left: Word,
    }
}

twin_struct! {
    /// A document.
    pub struct Document {
        /// Its index.
        document: Word,
    }
}

/// A user's response to a document: the acceptance, and no other number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response<N> {
    /// The reward of acceptance, 1.
    pub accept: N,
}

/// The noise of a step.
#[derive(Clone, Copy, Debug)]
pub struct Draws<N: Number> {
    /// Uniform: if it is below the probability of leaving, the session ends.
    pub exit: N,
    /// The next document of a user who has not accepted.
    pub jump: N::Word,
}

/// The host twin.
#[derive(Clone, Debug)]
pub struct ItemTransition<N: Number> {
    /// The parameters of the user model.
    pub parameters: Parameters<N>,
    /// How many documents there are.
    pub num_documents: u32,
    /// Probability that a document is accepted. Shape `[current][offered]`, row by row.
    pub acceptance: Vec<N::Element>,
}

impl<N: Number> ItemTransition<N> {
    /// Limits an index to existing documents: a state that was set from outside may hold any number.
    #[inline(always)]
    fn existing(&self, document: N::Word) -> N::Word {
        let last = N::Word::splat(self.num_documents - 1);
        N::Word::select(document.less_than(last), document, last)
    }
}

impl<N: Number> Environment<N> for ItemTransition<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = Response<N>;
    type Draws = Draws<N>;

    fn new_user(&self) -> User<N> {
        User::zero()
    }

    fn new_document(&self) -> Document<N> {
        Document::zero()
    }

    #[inline(always)]
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut User<N>) {
        let num_documents = N::Word::splat(self.num_documents);
        user.document = bounded_integer(random.block(0)[0], num_documents);
        user.has_left = N::Word::splat(0);
    }

    #[inline(always)]
    fn sample_document(
        &self,
        candidate: N::Word,
        _random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        document.document = candidate;
    }

    #[inline(always)]
    fn draw(&self, words: [N::Word; 2], _random: &RandomWords<N::Word>) -> Draws<N> {
        Draws {
            exit: uniform(words[0]),
            jump: bounded_integer(words[1], N::Word::splat(self.num_documents)),
        }
    }

    #[inline(always)]
    fn score(&self, user: &User<N>, document: &Document<N>) -> N {
        let row = self.existing(user.document) * N::Word::splat(self.num_documents);
        N::gather(&self.acceptance, row + self.existing(document.document))
    }

    #[inline(always)]
    fn respond(&self, _user: &User<N>, _document: &Document<N>, _draws: &Draws<N>) -> Response<N> {
        Response {
            accept: N::splat(1.0),
        }
    }

    #[inline(always)]
    fn transition(
        &self,
        user: &mut User<N>,
        document: &Document<N>,
        _response: &Response<N>,
        _weight: N,
        clicked: N::Mask,
        draws: &Draws<N>,
    ) {
        let parameters = &self.parameters;
        user.document = N::Word::select(clicked, document.document, draws.jump);
        let p_exit = N::select(
            clicked,
            parameters.p_exit_accepted,
            parameters.p_exit_not_accepted,
        );
        let leaves = draws.exit.less_than(p_exit);
        user.has_left = N::Word::select(leaves, N::Word::splat(1), N::Word::splat(0));
    }

    #[inline(always)]
    fn is_terminal(&self, user: &User<N>) -> N::Mask {
        !user.has_left.equals(N::Word::splat(0))
    }

    #[inline(always)]
    fn reward(&self, response: &Response<N>) -> N {
        response.accept
    }

    #[inline(always)]
    fn observe_user(&self, user: &User<N>, _random: &RandomWords<N::Word>, observation: &mut [N]) {
        observation[0] = N::from_word(user.document);
    }

    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        observation[0] = N::from_word(document.document);
    }

    #[inline(always)]
    fn observe_response(
        &self,
        _document: &Document<N>,
        response: &Response<N>,
        clicked: N::Mask,
        observation: &mut [N],
    ) {
        observation[0] = N::select(clicked, response.accept, N::splat(0.0));
    }
}

/// The environment with its parameters.
#[derive(Clone, Debug)]
pub struct ItemTransitionDefinition {
    parameters: Parameters<f64>,
    acceptance: Vec<Vec<f64>>,
}

impl Definition for ItemTransitionDefinition {
    type Twin<N: Number> = ItemTransition<N>;

    fn entry() -> Entry {
        let about = "a user who moves from document to document, until the session ends at random";
        let keys = [Keys::declared(), Parameters::declared()].concat();
        Entry::environment("item_transition", about, keys).draws_no_documents()
    }

    fn specimens() -> Vec<Specimen> {
        specimens::specimens()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        let num_documents = keys.acceptance.len();
        if num_documents > MAX_DOCUMENTS as usize || keys.acceptance[0].len() != num_documents {
            let allowed = format!("a square matrix of at most {MAX_DOCUMENTS} rows");
            return Err(settings.invalid(Keys::acceptance, allowed));
        }
        if keys.num_candidates as usize != num_documents {
            let allowed = format!("{num_documents}, as many as `user.acceptance` has rows");
            return Err(settings.invalid(Keys::num_candidates, allowed));
        }
        super::check_order(settings, keys.corpus.as_ref(), "document", |row| row)?;
        if keys.slate_size != 1 {
            return Err(settings.invalid(Keys::slate_size, "1"));
        }
        Ok(Self {
            parameters: Parameters::read(settings),
            acceptance: keys.acceptance,
        })
    }

    // With a slate of one, the document's score is the probability that it is accepted.
    fn choices() -> Choices {
        Choices::fixed(ProportionalCascade {
            attention_prob: 1.0,
            score_scaling: 1.0,
            min_normalizer: 0.0,
        })
    }

    fn twin<N: Number>(&self) -> ItemTransition<N> {
        let acceptance = self.acceptance.concat();
        ItemTransition {
            parameters: self.parameters.map(N::splat),
            num_documents: u32::try_from(self.acceptance.len()).expect("documents are few"),
            acceptance: acceptance.into_iter().map(N::element).collect(),
        }
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.parameters.named()
    }

    fn tables(&self) -> Vec<f64> {
        self.acceptance.concat()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("environment", "environment/item_transition.wgsl")
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let (document, documents) = (*fields.first()?, self.acceptance.len());
        if document >= documents as f64 {
            return Some(format!(
                "`document` is {document}, allowed is a whole number below {documents}"
            ));
        }
        let has_left = *fields.get(1)?;
        (has_left > 1.0).then(|| format!("`has_left` is {has_left}, allowed is 0 or 1"))
    }

    fn outline(&self) -> Outline {
        let num_documents = u32::try_from(self.acceptance.len()).expect("documents are few");
        let document = Observable::discrete("document", num_documents);
        Outline {
            document_blocks: 1,
            num_topics: 0,
            has_quality: false,
            horizon: None,
            user: vec![document.clone()],
            document: vec![document],
            response: vec![Observable::discrete("accept", 2)],
        }
    }

    fn finite_model(&self) -> Option<FiniteModel> {
        let num_documents = self.acceptance.len();
        if num_documents > MAX_SOLVED_DOCUMENTS {
            return None;
        }
        let Parameters {
            p_exit_accepted,
            p_exit_not_accepted,
        } = self.parameters;
        let outcomes = |state: usize, action: usize| {
            let accepted = self.acceptance[state][action];
            let missed = (1.0 - accepted) / num_documents as f64;
            let mut outcomes = vec![Outcome {
                probability: accepted,
                reward: 1.0,
                next: action,
                p_end: p_exit_accepted,
            }];
            outcomes.extend((0..num_documents).map(|next| Outcome {
                probability: missed,
                reward: 0.0,
                next,
                p_end: p_exit_not_accepted,
            }));
            outcomes
        };
        Some(FiniteModel {
            start: vec![1.0 / num_documents as f64; num_documents],
            outcomes: (0..num_documents)
                .map(|state| {
                    (0..num_documents)
                        .map(|action| outcomes(state, action))
                        .collect()
                })
                .collect(),
        })
    }
}
