//! One step of a vector of users: twin of `shaders/kernel/drive.wgsl`.

use super::candidates::Candidates;
use super::recommender::Recommender;
use crate::backend::plan::Plan;
use crate::choice::{ABSENT, ChoiceTwin};
use crate::distribution::uniform;
use crate::environment::{Environment, Fields, RandomWords};
use crate::number::{Mask, Number, Word, vectorized};
use crate::policy::Feedback;
use crate::rng::{ENVIRONMENT, Stream, USER};

/// What a policy sees of a step that has been taken.
#[derive(Debug)]
pub(super) struct StepFeedback<'a, N: Number, E: Environment<N>> {
    pub(super) driver: &'a mut Driver<N, E>,
    pub(super) stepped: &'a Stepped<N>,
    /// What layers have charged for the slate.
    pub(super) penalty: N,
}

impl<N: Number, E: Environment<N>> Feedback<N> for StepFeedback<'_, N, E> {
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
    /// Whether the choice model could take the scores as they are; meaningless for short slates.
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
            &RandomWords {
                stream,
                purpose: USER,
                first: N::Word::splat(0),
            },
            user,
        );
    }

    /// Shows a slate and computes the reaction to it. `words` is the random block `STEP` of `stream`. The documents are drawn
    /// from `document_stream`, which is that of another user where users share documents. Where `length` is given, only so
    /// many documents of the slate are shown. Where `given` is, it is the choice, and none is drawn.
    #[inline(always)]
    pub(super) fn take_step<R: Recommender>(
        &mut self,
        stream: Stream<N::Word>,
        document_stream: Stream<N::Word>,
        words: [N::Word; 4],
        slate: &[N::Word],
        length: Option<N::Word>,
        given: Option<N::Word>,
        user: &mut E::User,
    ) -> Stepped<N> {
        let num_considered = if R::TAKES_FIRST {
            1
        } else {
            self.num_considered
        };
        let needs_scores = self.needs_scores && !R::TAKES_FIRST;
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
        let (mut chosen, is_valid) = match R::TAKES_FIRST {
            true => (N::Word::splat(0), N::Mask::splat(true)),
            false => self.choice.decide(scores, uniform(words[0])),
        };
        if let Some(length) = length {
            // A model that always clicks gives the last position what rounding leaves over; of a short slate, that is the
            // last document shown.
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
            // Not `skip(1)`: where that is not inlined, the vectors leave their registers for the call.
            for position in 1..num_considered {
                let is_chosen = chosen.equals(N::Word::splat(position));
                clicked_document.take(is_chosen, &documents[position as usize]);
                score = N::select(is_chosen, scores[position as usize], score);
            }
        }
        let weight = match R::TAKES_FIRST {
            true => N::splat(1.0),
            false => self.choice.weigh(score),
        };
        let clicked_document = match R::TAKES_FIRST {
            true => &self.documents[0],
            false => self.clicked_document(),
        };
        let environment = &self.candidates.environment;
        let random = RandomWords {
            stream,
            purpose: ENVIRONMENT,
            first: N::Word::splat(0),
        };
        let draws = environment.draw([words[1], words[2]], &random);
        let response = environment.respond(user, clicked_document, &draws);
        let reward = N::select(clicked, environment.reward(&response), N::splat(0.0));
        environment.transition(user, clicked_document, &response, weight, clicked, &draws);
        // Random slates, which alone are without a choice model, remember nothing of it.
        if !R::TAKES_FIRST {
            self.response = Some(response);
        }
        Stepped {
            reward,
            chosen,
            clicked,
            is_valid,
        }
    }
}
