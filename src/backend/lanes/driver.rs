//! One step of a vector of users: twin of `shaders/kernel/candidates.wgsl` and `shaders/kernel/drive.wgsl`.

use super::agent::Agent;
use crate::backend::model::{Corpus, Plan};
use crate::choice::{ABSENT, ChoiceTwin};
use crate::distribution::uniform;
use crate::environment::{Blocks, Environment, Fields};
use crate::number::{Mask, Number, Word, vectorized};
use crate::policy::{Feedback, Offer};
use crate::rng::{DOCUMENT, ENVIRONMENT, OBSERVATION, Stream, USER};

/// The documents offered at one step.
#[derive(Debug)]
pub(super) struct Candidates<N: Number, E: Environment<N>> {
    pub(super) environment: E,
    pub(super) num_candidates: u32,
    pub(super) document_blocks: u32,
    pub(super) corpus: Option<Corpus>,
    /// The fields of a document of the corpus, on their way.
    fields: Vec<N>,
    /// The candidate that a policy looks at, and what is observed of it or of the user.
    looked_at: E::Document,
    observation: Vec<N>,
    document_size: usize,
    user_size: usize,
    /// The user that the policy believes in, where it believes in one.
    believed: E::User,
}

/// Makes a candidate of the step that a stream names; a function of its parts, so that it can write into one of them.
#[inline(always)]
fn make_document<N: Number, E: Environment<N>>(
    environment: &E,
    corpus: Option<&Corpus>,
    document_blocks: u32,
    stream: Stream<N::Word>,
    candidate: N::Word,
    fields: &mut [N],
    document: &mut E::Document,
) {
    if let Some(corpus) = corpus {
        for (field, number) in fields.iter_mut().enumerate() {
            *number = N::from_fn(|lane| {
                corpus.fields[candidate.lane(lane) as usize * corpus.num_fields + field]
            });
        }
        document.load(fields);
    } else {
        let blocks = Blocks {
            stream,
            purpose: DOCUMENT,
            first: match document_blocks {
                // Vectors take long to multiply.
                1 => candidate,
                _ => candidate * N::Word::splat(document_blocks),
            },
        };
        environment.sample_document(candidate, &blocks, document);
    }
}

impl<N: Number, E: Environment<N>> Candidates<N, E> {
    pub(super) fn new(environment: E, plan: &Plan) -> Self {
        let looked_at = environment.new_document();
        let outline = &plan.outline;
        let observed = outline
            .document_size()
            .max(outline.user_size())
            .max(outline.response_size());
        let mut believed = environment.new_user();
        if let Some(belief) = plan.policy.belief() {
            let fields: Vec<N> = belief.iter().map(|&field| N::splat(field)).collect();
            believed.load(&fields);
        }
        Self {
            believed,
            fields: vec![N::splat(0.0); looked_at.num_fields()],
            observation: vec![N::splat(0.0); observed],
            document_size: outline.document_size(),
            user_size: outline.user_size(),
            num_candidates: plan.num_candidates,
            document_blocks: plan.outline.document_blocks,
            corpus: plan.corpus.clone(),
            looked_at,
            environment,
        }
    }

    /// Makes a candidate of the step that a stream names.
    #[inline(always)]
    pub(super) fn document(
        &mut self,
        stream: Stream<N::Word>,
        candidate: N::Word,
        document: &mut E::Document,
    ) {
        make_document(
            &self.environment,
            self.corpus.as_ref(),
            self.document_blocks,
            stream,
            candidate,
            &mut self.fields,
            document,
        );
    }

    /// Makes a candidate of the step that a stream names the one that is looked at.
    #[inline(always)]
    fn make_looked_at(&mut self, stream: Stream<N::Word>, candidate: N::Word) {
        make_document(
            &self.environment,
            self.corpus.as_ref(),
            self.document_blocks,
            stream,
            candidate,
            &mut self.fields,
            &mut self.looked_at,
        );
    }

    /// Makes a candidate of the step that a stream names, and writes what is observed of it.
    #[inline(always)]
    pub(super) fn observe(
        &mut self,
        stream: Stream<N::Word>,
        candidate: N::Word,
        observation: &mut [N],
    ) {
        self.make_looked_at(stream, candidate);
        self.environment
            .observe_document(&self.looked_at, observation);
    }

    /// Returns what is observed of a document.
    #[inline(always)]
    fn feature(&mut self, document: &E::Document, feature: usize) -> N {
        let observation = &mut self.observation[..self.document_size];
        self.environment.observe_document(document, observation);
        observation[feature]
    }

    /// Returns what is observed of the user.
    #[inline(always)]
    fn user_feature(&mut self, stream: Stream<N::Word>, user: &E::User, number: usize) -> N {
        let blocks = Blocks {
            stream,
            purpose: OBSERVATION,
            first: N::Word::splat(0),
        };
        let observation = &mut self.observation[..self.user_size];
        self.environment.observe_user(user, &blocks, observation);
        observation[number]
    }
}

/// What a policy sees of a step: the candidates, and what is observed of the user.
#[derive(Debug)]
pub(super) struct Seen<'a, N: Number, E: Environment<N>> {
    pub(super) candidates: &'a mut Candidates<N, E>,
    /// Names the documents and the noise of the step.
    pub(super) stream: Stream<N::Word>,
    pub(super) user: &'a E::User,
}

// Policies are compiled once for all environments, and call these through a table: each is compiled for vectors by itself.
impl<N: Number, E: Environment<N>> Offer<N> for Seen<'_, N, E> {
    #[inline(always)]
    fn num_candidates(&self) -> u32 {
        self.candidates.num_candidates
    }

    fn user(&mut self, number: usize) -> N {
        vectorized!(N, {
            self.candidates.user_feature(self.stream, self.user, number)
        })
    }

    fn look_at(&mut self, candidate: N::Word) {
        vectorized!(N, self.candidates.make_looked_at(self.stream, candidate));
    }

    fn feature(&mut self, feature: usize) -> N {
        vectorized!(N, {
            let Candidates {
                environment,
                looked_at,
                observation,
                document_size,
                ..
            } = &mut *self.candidates;
            let observation = &mut observation[..*document_size];
            environment.observe_document(looked_at, observation);
            observation[feature]
        })
    }

    fn observe_document(&mut self, observation: &mut [N]) {
        vectorized!(N, {
            let candidates = &*self.candidates;
            candidates
                .environment
                .observe_document(&candidates.looked_at, observation);
        });
    }

    fn observe_user(&mut self, observation: &mut [N]) {
        vectorized!(N, {
            if observation.is_empty() {
                return;
            }
            self.candidates.user_feature(self.stream, self.user, 0);
            let length = observation.len();
            observation.copy_from_slice(&self.candidates.observation[..length]);
        });
    }

    fn topic(&mut self) -> N::Word {
        vectorized!(N, {
            let candidates = &*self.candidates;
            candidates.environment.topic(&candidates.looked_at)
        })
    }

    fn quality(&mut self) -> N {
        vectorized!(N, {
            let candidates = &*self.candidates;
            candidates.environment.quality(&candidates.looked_at)
        })
    }

    fn score(&mut self) -> N {
        vectorized!(N, {
            let candidates = &*self.candidates;
            candidates
                .environment
                .score(self.user, &candidates.looked_at)
        })
    }

    fn believed_score(&mut self) -> N {
        vectorized!(N, {
            let candidates = &*self.candidates;
            candidates
                .environment
                .score(&candidates.believed, &candidates.looked_at)
        })
    }
}

/// What a policy sees of a step that has been taken.
#[derive(Debug)]
pub(super) struct Shown<'a, N: Number, E: Environment<N>> {
    pub(super) driver: &'a mut Driver<N, E>,
    pub(super) stepped: &'a Stepped<N>,
    /// What layers have charged for the slate.
    pub(super) penalty: N,
}

impl<N: Number, E: Environment<N>> Feedback<N> for Shown<'_, N, E> {
    #[inline(always)]
    fn num_shown(&self) -> usize {
        self.driver.documents.len()
    }

    #[inline(always)]
    fn num_considered(&self) -> usize {
        self.driver.num_considered as usize
    }

    fn topic(&mut self, position: usize) -> N::Word {
        vectorized!(N, {
            let document = &self.driver.documents[position];
            self.driver.candidates.environment.topic(document)
        })
    }

    fn feature(&mut self, position: usize, feature: usize) -> N {
        vectorized!(N, {
            let document = &self.driver.documents[position];
            self.driver.candidates.feature(document, feature)
        })
    }

    #[inline(always)]
    fn is_clicked(&self, position: usize) -> N::Mask {
        let position = u32::try_from(position).expect("slates are short");
        self.stepped.clicked & self.stepped.chosen.equals(N::Word::splat(position))
    }

    fn observe_response(&mut self, position: usize, observation: &mut [N]) {
        vectorized!(N, {
            let clicked = self.is_clicked(position);
            if let Some(response) = &self.driver.response {
                let environment = &self.driver.candidates.environment;
                let document = &self.driver.documents[position];
                environment.observe_response(document, response, clicked, observation);
            }
        });
    }

    #[inline(always)]
    fn reward(&self) -> N {
        self.stepped.reward
    }

    #[inline(always)]
    fn penalty(&self) -> N {
        self.penalty
    }

    #[inline(always)]
    fn penalise(&mut self, cost: N) {
        self.penalty = self.penalty + cost;
    }
}

/// What a step does to a vector of users.
#[derive(Debug)]
pub(super) struct Stepped<N: Number> {
    pub(super) reward: N,
    pub(super) chosen: N::Word,
    pub(super) clicked: N::Mask,
    /// Whether the choice model could take the scores as they are; not told of short slates.
    pub(super) is_valid: N::Mask,
}

/// Takes steps with a vector of users.
#[derive(Debug)]
pub(super) struct Driver<N: Number, E: Environment<N>> {
    pub(super) candidates: Candidates<N, E>,
    pub(super) choice: ChoiceTwin<N>,
    pub(super) needs_scores: bool,
    pub(super) num_considered: u32,
    pub(super) documents: Vec<E::Document>,
    pub(super) scores: Vec<N>,
    /// The document that was clicked, and the response to it.
    pub(super) clicked_document: E::Document,
    pub(super) response: Option<E::Response>,
}

impl<N: Number, E: Environment<N>> Driver<N, E> {
    pub(super) fn new(environment: E, plan: &Plan, num_examined: u32) -> Self {
        let num_considered = plan.choice.num_considered(plan.slate_size);
        Self {
            choice: plan.choice.twin(),
            needs_scores: plan.choice.needs_scores(),
            num_considered,
            documents: vec![environment.new_document(); num_examined as usize],
            scores: vec![N::splat(0.0); num_considered as usize],
            clicked_document: environment.new_document(),
            response: None,
            candidates: Candidates::new(environment, plan),
        }
    }

    pub(super) fn environment(&self) -> &E {
        &self.candidates.environment
    }

    /// Returns the document that was clicked at the last step; where none was, the first of the slate.
    #[inline(always)]
    pub(super) fn clicked_document(&self) -> &E::Document {
        if self.num_considered > 1 {
            &self.clicked_document
        } else {
            &self.documents[0]
        }
    }

    #[inline(always)]
    pub(super) fn sample_user(&self, stream: Stream<N::Word>, user: &mut E::User) {
        self.environment().sample_user(
            &Blocks {
                stream,
                purpose: USER,
                first: N::Word::splat(0),
            },
            user,
        );
    }

    /// Shows a slate; `words` is the block `STEP` of the stream, and the documents are those of another stream where
    /// users share them. Of a slate that can be short the first `length` documents are shown. The choice may be given,
    /// rather than made.
    #[inline(always)]
    pub(super) fn take_step<A: Agent>(
        &mut self,
        stream: Stream<N::Word>,
        document_stream: Stream<N::Word>,
        words: [N::Word; 4],
        slate: &[N::Word],
        length: Option<N::Word>,
        given: Option<N::Word>,
        user: &mut E::User,
    ) -> Stepped<N> {
        let num_considered = if A::TAKES_FIRST {
            1
        } else {
            self.num_considered
        };
        let needs_scores = self.needs_scores && !A::TAKES_FIRST;
        let Self {
            candidates,
            documents,
            scores,
            clicked_document,
            ..
        } = self;
        for (&candidate, document) in slate.iter().zip(documents.iter_mut()) {
            candidates.document(document_stream, candidate, document);
        }
        if needs_scores {
            for (score, document) in scores.iter_mut().zip(documents.iter()) {
                *score = candidates.environment.score(user, document);
            }
        }
        if let Some(length) = length {
            for (position, score) in (0..).zip(scores.iter_mut()) {
                let is_shown = N::Word::splat(position).less_than(length);
                let shown = if needs_scores { *score } else { N::splat(0.0) };
                *score = N::select(is_shown, shown, N::splat(ABSENT));
            }
        }
        let (mut chosen, is_valid) = match A::TAKES_FIRST {
            true => (N::Word::splat(0), N::Mask::splat(true)),
            false => self.choice.decide(scores, uniform(words[0])),
        };
        if let Some(length) = length {
            // Where something is always clicked, what rounding leaves over is the last document's.
            let (none, zero) = (N::Word::splat(num_considered), N::Word::splat(0));
            let last = length - N::Word::splat(1);
            let is_within = chosen.less_than(none) & zero.less_than(length);
            let within = N::Word::select(chosen.less_than(last), chosen, last);
            chosen = N::Word::select(is_within, within, none);
        }
        chosen = given.unwrap_or(chosen);
        let clicked = chosen.less_than(N::Word::splat(num_considered));
        let mut score = scores[0];
        if num_considered > 1 {
            clicked_document.clone_from(&documents[0]);
            for (position, document) in (0..num_considered).zip(documents.iter()).skip(1) {
                let is_chosen = chosen.equals(N::Word::splat(position));
                clicked_document.take(is_chosen, document);
                score = N::select(is_chosen, scores[position as usize], score);
            }
        }
        let weight = match A::TAKES_FIRST {
            true => N::splat(1.0),
            false => self.choice.weigh(score),
        };
        let clicked_document = match A::TAKES_FIRST {
            true => &self.documents[0],
            false => self.clicked_document(),
        };
        let environment = &self.candidates.environment;
        let blocks = Blocks {
            stream,
            purpose: ENVIRONMENT,
            first: N::Word::splat(0),
        };
        let draws = environment.draw([words[1], words[2]], &blocks);
        let response = environment.respond(user, clicked_document, &draws);
        let reward = N::select(clicked, environment.reward(&response), N::splat(0.0));
        environment.transition(user, clicked_document, &response, weight, clicked, &draws);
        self.response = Some(response);
        Stepped {
            reward,
            chosen,
            clicked,
            is_valid,
        }
    }
}
