//! The documents offered at a step, made one by one as a policy looks at them: twin of `shaders/kernel/candidates.wgsl`.

use crate::backend::plan::{Corpus, Plan};
use crate::environment::{Environment, Fields, RandomWords};
use crate::number::{Number, Word, vectorized};
use crate::policy::Offer;
use crate::rng::{DOCUMENT, OBSERVATION, Stream};

/// The documents offered at one step.
#[derive(Debug)]
pub(super) struct Candidates<N: Number, E: Environment<N>> {
    pub(super) environment: E,
    pub(super) num_candidates: u32,
    pub(super) document_blocks: u32,
    pub(super) corpus: Option<Corpus>,
    /// Holds the fields of a document of the corpus while it is loaded.
    fields: Vec<N>,
    /// The candidate that a policy looks at, and the numbers observed of it or of the user.
    looked_at: E::Document,
    observation: Vec<N>,
    document_size: usize,
    user_size: usize,
    /// The user that the policy assumes in place of the actual one, if it assumes one.
    believed: E::User,
}

/// Makes a candidate of the step that a stream names. It takes parts of [`Candidates`], so that it can write into another
/// part.
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
        let random = RandomWords {
            stream,
            purpose: DOCUMENT,
            first: match document_blocks {
                // Multiplying vectors of integers is slow.
                1 => candidate,
                _ => candidate * N::Word::splat(document_blocks),
            },
        };
        environment.sample_document(candidate, &random, document);
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

    /// Makes a candidate of the step that a stream names, in `looked_at`.
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
    pub(super) fn feature(&mut self, document: &E::Document, feature: usize) -> N {
        let observation = &mut self.observation[..self.document_size];
        self.environment.observe_document(document, observation);
        observation[feature]
    }

    /// Returns what is observed of the user.
    #[inline(always)]
    fn user_feature(&mut self, stream: Stream<N::Word>, user: &E::User, number: usize) -> N {
        let random = RandomWords {
            stream,
            purpose: OBSERVATION,
            first: N::Word::splat(0),
        };
        let observation = &mut self.observation[..self.user_size];
        self.environment.observe_user(user, &random, observation);
        observation[number]
    }
}

/// What a policy sees of a step: the candidates, and what is observed of the user.
#[derive(Debug)]
pub(super) struct StepOffer<'a, N: Number, E: Environment<N>> {
    pub(super) candidates: &'a mut Candidates<N, E>,
    /// Names the documents and the noise of the step.
    pub(super) stream: Stream<N::Word>,
    pub(super) user: &'a E::User,
}

// Policies are compiled once for all environments and call these functions through a table, so each is compiled for the
// registers of the vectors by itself.
impl<N: Number, E: Environment<N>> Offer<N> for StepOffer<'_, N, E> {
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
