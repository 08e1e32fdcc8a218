//! One step of a vector of users: twin of `shaders/kernel/candidates.wgsl` and `shaders/kernel/drive.wgsl`.

use crate::backend::model::{Corpus, Plan};
use crate::choice::{ABSENT, Choice, ChoiceTwin};
use crate::distribution::uniform;
use crate::environment::{Blocks, Environment, Fields};
use crate::number::{Number, Word};
use crate::policy::Offer;
use crate::rng::{DOCUMENT, ENVIRONMENT, OBSERVATION, Stream, USER};

/// The documents offered at one step.
#[derive(Debug)]
pub(super) struct Candidates<N: Number, E: Environment<N>> {
    pub(super) environment: E,
    pub(super) num_candidates: u32,
    pub(super) document_blocks: u32,
    pub(super) corpus: Option<Corpus>,
    pub(super) stream: Stream<N::Word>,
    pub(super) document: E::Document,
    pub(super) fields: Vec<N>,
    pub(super) observation: Vec<N>,
}

impl<N: Number, E: Environment<N>> Candidates<N, E> {
    pub(super) fn new(environment: E, plan: &Plan) -> Self {
        let document = environment.new_document();
        let outline = &plan.outline;
        let observed = outline.document_features().len().max(outline.user_size());
        Self {
            fields: vec![N::splat(0.0); document.num_fields()],
            observation: vec![N::splat(0.0); observed],
            num_candidates: plan.num_candidates,
            document_blocks: plan.outline.document_blocks,
            corpus: plan.corpus.clone(),
            stream: Stream {
                key: [0; 2],
                episode: [N::Word::splat(0); 2],
                step: N::Word::splat(0),
            },
            document,
            environment,
        }
    }

    /// Makes candidate `candidate` of the current step.
    #[inline(always)]
    pub(super) fn document(&mut self, candidate: N::Word, document: &mut E::Document) {
        if let Some(corpus) = &self.corpus {
            for field in 0..corpus.num_fields {
                self.fields[field] = N::from_fn(|lane| {
                    corpus.fields[candidate.lane(lane) as usize * corpus.num_fields + field]
                });
            }
            document.load(&self.fields);
        } else {
            let first = candidate * N::Word::splat(self.document_blocks);
            self.environment.sample_document(
                candidate,
                &Blocks {
                    stream: self.stream,
                    purpose: DOCUMENT,
                    first,
                },
                document,
            );
        }
    }
}

impl<N: Number, E: Environment<N>> Candidates<N, E> {
    /// Returns what is observed of a candidate.
    #[inline(always)]
    fn feature(&mut self, candidate: N::Word, feature: usize) -> N {
        let mut document = self.document.clone();
        self.document(candidate, &mut document);
        self.environment
            .observe_document(&document, &mut self.observation);
        self.observation[feature]
    }

    /// Returns what is observed of the user.
    #[inline(always)]
    fn user_feature(&mut self, user: &E::User, number: usize) -> N {
        let blocks = Blocks {
            stream: self.stream,
            purpose: OBSERVATION,
            first: N::Word::splat(0),
        };
        self.environment
            .observe_user(user, &blocks, &mut self.observation);
        self.observation[number]
    }
}

/// What a policy sees of a step: the candidates, and what is observed of the user.
#[derive(Debug)]
pub(super) struct Seen<'a, N: Number, E: Environment<N>> {
    pub(super) candidates: &'a mut Candidates<N, E>,
    pub(super) user: &'a E::User,
}

impl<N: Number, E: Environment<N>> Offer<N> for Seen<'_, N, E> {
    #[inline(always)]
    fn num_candidates(&self) -> u32 {
        self.candidates.num_candidates
    }

    #[inline(always)]
    fn feature(&mut self, candidate: N::Word, feature: usize) -> N {
        self.candidates.feature(candidate, feature)
    }

    #[inline(always)]
    fn user(&mut self, number: usize) -> N {
        self.candidates.user_feature(self.user, number)
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
    /// users share them. Of a slate that can be short the first `length` documents are shown.
    #[inline(always)]
    pub(super) fn take_step(
        &mut self,
        stream: Stream<N::Word>,
        document_stream: Stream<N::Word>,
        words: [N::Word; 4],
        slate: &[N::Word],
        length: Option<N::Word>,
        user: &mut E::User,
    ) -> Stepped<N> {
        let Self {
            candidates,
            documents,
            scores,
            clicked_document,
            ..
        } = self;
        candidates.stream = document_stream;
        for (&candidate, document) in slate.iter().zip(documents.iter_mut()) {
            candidates.document(candidate, document);
        }
        if self.needs_scores {
            for (score, document) in scores.iter_mut().zip(documents.iter()) {
                *score = candidates.environment.score(user, document);
            }
        }
        if let Some(length) = length {
            for (position, score) in (0..).zip(scores.iter_mut()) {
                let is_shown = N::Word::splat(position).less_than(length);
                let shown = if self.needs_scores {
                    *score
                } else {
                    N::splat(0.0)
                };
                *score = N::select(is_shown, shown, N::splat(ABSENT));
            }
        }
        let mut chosen = self.choice.choose(scores, uniform(words[0]));
        if let Some(length) = length {
            // Where something is always clicked, what rounding leaves over is the last document's.
            let (none, zero) = (N::Word::splat(self.num_considered), N::Word::splat(0));
            let last = length - N::Word::splat(1);
            let is_within = chosen.less_than(none) & zero.less_than(length);
            let within = N::Word::select(chosen.less_than(last), chosen, last);
            chosen = N::Word::select(is_within, within, none);
        }
        let is_valid = self.choice.are_valid(scores);
        let clicked = chosen.less_than(N::Word::splat(self.num_considered));
        clicked_document.clone_from(&documents[0]);
        let mut score = scores[0];
        for (position, document) in (0..self.num_considered).zip(documents.iter()).skip(1) {
            let is_chosen = chosen.equals(N::Word::splat(position));
            clicked_document.take(is_chosen, document);
            score = N::select(is_chosen, scores[position as usize], score);
        }
        let weight = self.choice.weigh(score);
        let environment = &candidates.environment;
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
