//! A bandit over the topics: the clicks of the episode decide which topic's documents come first. Twin:
//! `shaders/policy/cluster_bandit.wgsl`.
//!
//! Arm *a* lists the candidates of topic *a* sorted by a feature. The bandit scores the arms by their impressions and
//! clicks of this episode, and the slate is filled from the arms in the order of their scores:
//!
//! ```text
//! n_a, r_a = impressions and clicks of topic a, t = n_1 + ... + n_T
//! score_a  = index(n_a, r_a, t)    if every arm has an impression
//!          = -n_a                  else: the arm that was shown least comes first
//! ```
//!
//! Arms of equal score come in descending order of their number, as do documents of equal feature.
//!
//! | algorithm | index |
//! | --- | --- |
//! | `ucb1` | [`bandit::ucb`] |
//! | `kl_ucb` | [`bandit::kl_ucb`]; if faithful [`bandit::kl_ucb_aliased`], `RecSim`'s numbers as coded |
//! | `thompson_sampling` | a draw of `Beta(1 + r_a / s^2, 1 + (n_a - r_a) / s^2)`, by [`bandit::beta_quantile`] |
//!
//! where s is `ci_scaling`. With `faithful` there are two more differences:
//!
//! - The first slate of an episode is filled from arm 0 upwards, without the bandit (`begin_episode`).
//! - The draws of Thompson sampling are those of step 0 at every step, because `RecSim` seeds the generator anew each
//!   time. `RecSim` uses one seed for all episodes; here each episode has draws of its own.
//!
//! # Source
//! `RecSim`'s `ClusterClickStatsLayer` over `ClusterBanditAgent`; the arms of its tutorial "Developing an environment",
//! which sort a topic either way, by `pro_educ`.

use super::layer::LayerModel;
use super::layer::cluster_click_statistics::ClusterClickStatistics;
use super::ranking::{begin, insert_ranked};
use super::sorting::By;
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::bandit;
use crate::config::{Bounds, ConfigError, Entry, OneOf, Settings};
use crate::distribution::uniform;
use crate::number::{Mask, Number, Word};
use crate::rng::PolicyWords;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, words};

words! {
    /// How arms are scored.
    #[derive(PartialEq, Eq)]
    pub enum Algorithm {
        /// Upper confidence bound.
        Ucb = "ucb1",
        /// Upper confidence bound by the Kullback-Leibler divergence.
        KlUcb = "kl_ucb",
        /// Draws from the posterior.
        ThompsonSampling = "thompson_sampling",
    }
}

keys! {
    /// The keys of the policy.
    pub struct Keys from "RecSim 0.2.4, ClusterBanditAgent" {
        /// how topics are scored by their impressions and clicks
        algorithm: Algorithm = one_of("algorithm", Algorithm::Ucb),
        /// scale of the confidence intervals
        ci_scaling: f64 = number("ci_scaling", 1.0, SCALINGS),
        /// keep RecSim's first slate, its KL-UCB as coded, and the repeated draws of its Thompson sampling
        faithful: bool = boolean("faithful", false).from_source("slatesim"),
        /// what the documents of a topic are sorted by, as greedy's; absent: quality if it is observed, else the
        /// first feature that is not the topic
        by: Option<String> = optional_text("by").from_source("slatesim"),
        /// for each topic, whether its documents come in descending order; absent: all do
        pro_educ: Option<Vec<bool>> = optional_booleans("pro_educ")
            .from_source("RecSim's tutorial \"Developing an environment\""),
    }
}

/// Means are between 0 and 1. Beside a larger width single precision loses the differences of means, and beside means a smaller
/// width.
const SCALINGS: Bounds = Bounds::between(1e-4, 1e3);

/// The smallest `ci_scaling` of algorithms other than `ucb1`: single precision loses bounds and quantiles that are nearer to
/// the mean.
const SMALLEST_SCALING: f64 = 0.01;

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterBandit {
    /// How arms are scored.
    pub algorithm: Algorithm,
    /// Scale of the confidence intervals.
    pub ci_scaling: f64,
    /// Whether the deviations of `RecSim`'s code from its intent are kept.
    pub is_faithful: bool,
    /// What the documents of an arm are sorted by.
    pub by: By,
    /// For each topic, whether the largest value comes first.
    pub descending: Vec<bool>,
}

impl ClusterBandit {
    fn num_topics(&self) -> u32 {
        u32::try_from(self.descending.len()).expect("topics are few")
    }
}

impl PolicyDefinition for ClusterBandit {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let about = "a bandit over topics, whose documents are sorted by a feature";
        Entry::policy("cluster_bandit", about, Keys::declared())
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::composed(&[]),
            Specimen::composed(&["policy.faithful=true"]),
            Specimen::composed(&["policy.algorithm=kl_ucb", "policy.by=score"]),
            Specimen::composed(&["policy.algorithm=kl_ucb", "policy.faithful=true"]),
            Specimen::composed(&["policy.algorithm=thompson_sampling", "policy.by=quality"]),
            Specimen::composed(&["policy.algorithm=thompson_sampling", "policy.faithful=true"]),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let num_topics = context.outline.num_topics as usize;
        if num_topics < 2 {
            let needs = format!(
                "an environment whose documents have at least two topics, and there are {num_topics}"
            );
            return Err(settings.unfit("cluster_bandit", needs));
        }
        let keys = Keys::read(settings);
        let by = match &keys.by {
            None if context.outline.document_size() > 0 => {
                By::Feature(default_feature(&context.outline.document_features()))
            }
            name => By::find(name.as_deref(), context.outline)
                .map_err(|allowed| settings.invalid(Keys::by, allowed))?,
        };
        let descending = keys.pro_educ.unwrap_or_else(|| vec![true; num_topics]);
        if descending.len() != num_topics {
            let allowed = format!("a list of {num_topics} switches, one a topic");
            return Err(settings.invalid(Keys::pro_educ, allowed));
        }
        let (algorithm, ci_scaling) = (keys.algorithm, keys.ci_scaling);
        if algorithm != Algorithm::Ucb && ci_scaling < SMALLEST_SCALING {
            let allowed = format!(
                "at least {SMALLEST_SCALING} for `{}`: bounds and quantiles that are nearer to the mean are lost in single \
                 precision",
                algorithm.word()
            );
            return Err(settings.invalid(Keys::ci_scaling, allowed));
        }
        Ok(Self {
            algorithm,
            ci_scaling,
            is_faithful: keys.faithful,
            by,
            descending,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/cluster_bandit.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        let flag = |name: &str, value| (name.to_owned(), ShaderDef::Bool(value));
        let mut defs = self.by.shader_defs();
        defs.extend([
            flag("KL_UCB", self.algorithm == Algorithm::KlUcb),
            flag(
                "THOMPSON_SAMPLING",
                self.algorithm == Algorithm::ThompsonSampling,
            ),
            flag("FAITHFUL", self.is_faithful),
        ]);
        defs
    }

    /// The scale, then 1 for each topic in descending order and 0 for others.
    fn tables(&self) -> Vec<f64> {
        let orders = self
            .descending
            .iter()
            .map(|&descending| f64::from(descending));
        std::iter::once(self.ci_scaling).chain(orders).collect()
    }

    fn needed_layer(&self) -> Option<LayerModel> {
        let num_topics = self.num_topics();
        Some(LayerModel::from(ClusterClickStatistics { num_topics }))
    }

    fn is_deterministic(&self) -> bool {
        match self.algorithm {
            Algorithm::Ucb | Algorithm::KlUcb => true,
            Algorithm::ThompsonSampling => false,
        }
    }
}

/// Chooses the feature to sort by if none is named.
fn default_feature(names: &[String]) -> usize {
    let quality = names.iter().position(|name| name == "quality");
    let other = || names.iter().position(|name| name != "cluster_id");
    quality.or_else(other).unwrap_or(0)
}

impl<N: Number> Policy<N> for ClusterBandit {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let num_topics = self.num_topics();
        self.rank_arms(draws, state, scratch);
        begin(scratch, slate.len());
        // The words are the ranks of the arms, then those of the slate.
        let last_rank = N::Word::splat(u32::MAX);
        scratch
            .words
            .resize(num_topics as usize + slate.len(), last_rank);
        let (arm_ranks, ranks) = scratch.words.split_at_mut(num_topics as usize);
        // Candidates are inserted from the last to the first, so that among equals the higher index comes first.
        for index in (0..offer.num_candidates()).rev() {
            let candidate = N::Word::splat(index);
            offer.look_at(candidate);
            let topic = offer.topic();
            let value = self.by.value(offer);
            let mut rank = last_rank;
            let mut is_descending = N::Mask::splat(true);
            for arm in 0..num_topics {
                let is_here = topic.equals(N::Word::splat(arm));
                rank = N::Word::select(is_here, arm_ranks[arm as usize], rank);
                if !self.descending[arm as usize] {
                    is_descending = is_descending & !is_here;
                }
            }
            let key = N::select(is_descending, value, -value);
            insert_ranked(ranks, &mut scratch.numbers, slate, rank, key, candidate);
        }
    }
}

impl ClusterBandit {
    /// Writes the rank of each arm, 0 for the arm that fills the slate first, into the words of the scratch memory.
    #[inline(always)]
    fn rank_arms<N: Number>(&self, draws: &Draws<N::Word>, state: &[N], scratch: &mut Scratch<N>) {
        let num_topics = self.num_topics();
        let (impressions, clicks) = state.split_at(num_topics as usize);
        let scores = &mut scratch.numbers;
        let mut total = N::splat(0.0);
        let mut are_pulled = N::Mask::splat(true);
        for &impressions in impressions {
            total = total + impressions;
            are_pulled = are_pulled & N::splat(0.0).less_than(impressions);
        }
        scores.clear();
        let mut of_words = *draws;
        if self.is_faithful {
            // `RecSim` uses the draws of step 0 at every step.
            of_words.stream = draws.stream.at(N::Word::splat(0));
        }
        let mut words = of_words.words();
        for (arm, (&pulls, &reward)) in (0..).zip(impressions.iter().zip(clicks)) {
            let index = self.index(&mut words, arm, pulls, reward, total);
            scores.push(N::select(are_pulled, index, -pulls));
        }
        let starts = draws.stream.step().equals(N::Word::splat(0));
        scratch.words.clear();
        for arm in 0..num_topics {
            let mut rank = N::Word::splat(0);
            for other in 0..num_topics {
                let (score, rival) = (scores[arm as usize], scores[other as usize]);
                let is_before = if other > arm {
                    score.at_most(rival)
                } else {
                    score.less_than(rival)
                };
                rank = rank + N::Word::select(is_before, N::Word::splat(1), N::Word::splat(0));
            }
            if self.is_faithful {
                rank = N::Word::select(starts, N::Word::splat(arm), rank);
            }
            scratch.words.push(rank);
        }
    }

    /// Scores an arm that has been shown.
    #[inline(always)]
    fn index<N: Number>(
        &self,
        words: &mut PolicyWords<N::Word>,
        arm: u32,
        pulls: N,
        reward: N,
        total: N,
    ) -> N {
        let scale = N::splat(self.ci_scaling);
        match (self.algorithm, self.is_faithful) {
            (Algorithm::Ucb, _) => bandit::ucb(pulls, reward, total, scale),
            (Algorithm::KlUcb, false) => bandit::kl_ucb(pulls, reward, total, scale),
            // The gap is how far an index is below 1: it orders arms as their indices do, also where these round to the same value.
            (Algorithm::KlUcb, true) => -bandit::kl_ucb_aliased_gap(pulls, reward, total, scale),
            (Algorithm::ThompsonSampling, _) => {
                // Arms use words from 1 on: word 0 is of the current step, even where the other words are those of step 0.
                let draw = uniform::<N>(words.word(1 + arm));
                let square = scale * scale;
                let one = N::splat(1.0);
                bandit::beta_quantile(draw, one + reward / square, one + (pulls - reward) / square)
            }
        }
    }
}
