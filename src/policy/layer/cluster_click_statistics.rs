//! How often documents of each topic were shown to the user and clicked, in this episode. Twin:
//! `shaders/policy/layer/cluster_click_statistics.wgsl`.
//!
//! ```text
//! state = impressions of topic 0, 1, ..., T - 1, then clicks of topic 0, 1, ..., T - 1
//! ```
//!
//! Every document of a slate is an impression.
//!
//! # Source
//! `RecSim`'s `ClusterClickStatsLayer`.

use super::{Layer, LayerDefinition};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Number, Word};
use crate::policy::{Feedback, PolicyContext};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// Counts stop at 2^24 on every backend, because single precision has no larger consecutive integers.
const MOST: f64 = 16_777_216.0;

/// The name in configurations.
pub(in crate::policy) const NAME: &str = "cluster_click_statistics";

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterClickStatistics {
    /// How many topics there are.
    pub num_topics: u32,
}

impl LayerDefinition for ClusterClickStatistics {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        let about = "counts impressions and clicks of each topic, for the policy to see";
        Entry::layer(NAME, about, Vec::new())
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&[
            "policy.name=greedy",
            "policy.by=quality",
            "policy.layer.name=cluster_click_statistics",
            "policy.layer.layer.name=epsilon_greedy",
        ])]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        match context.outline.num_topics {
            0 => Err(settings.unfit(NAME, "an environment whose documents have topics")),
            num_topics => Ok(Self { num_topics }),
        }
    }

    fn shader(&self) -> ShaderSource {
        embedded!(
            "layer::cluster_click_statistics",
            "policy/layer/cluster_click_statistics.wgsl"
        )
    }

    fn state_size(&self) -> usize {
        2 * self.num_topics as usize
    }
}

impl<N: Number> Layer<N> for ClusterClickStatistics {
    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, state: &mut [N]) {
        let (impressions, clicks) = state.split_at_mut(self.num_topics as usize);
        let (zero, one, most) = (N::splat(0.0), N::splat(1.0), N::splat(MOST));
        for position in 0..feedback.num_shown() {
            let topic = feedback.topic(position);
            let click = N::select(feedback.is_clicked(position), one, zero);
            for (index, (impressions, clicks)) in
                (0..).zip(impressions.iter_mut().zip(clicks.iter_mut()))
            {
                let here = topic.equals(N::Word::splat(index));
                *impressions = (*impressions + N::select(here, one, zero)).min(most);
                *clicks = (*clicks + N::select(here, click, zero)).min(most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::listed::Listed;

    /// `RecSim`'s own test of `ClusterClickStatsLayer`.
    #[test]
    fn two_slates_of_two_topics_count_two_impressions_and_one_click_each() {
        let layer = ClusterClickStatistics { num_topics: 2 };
        let mut state = [0.0; 4];
        for clicked in [0, 1] {
            let mut slate = Listed {
                topics: vec![0, 1],
                clicked: Some(clicked),
                ..Listed::features(&[0.0, 0.0])
            };
            layer.observe(&mut slate, &mut state);
        }
        assert_eq!(state, [2.0, 2.0, 1.0, 1.0]);
        let mut nothing_clicked = Listed {
            topics: vec![1, 1],
            ..Listed::features(&[0.0, 0.0])
        };
        layer.observe(&mut nothing_clicked, &mut state);
        assert_eq!(state, [2.0, 4.0, 1.0, 1.0]);
    }
}
