//! How the lanes of a dispatch are cut: twin of `shaders/kernel/blocks.wgsl`.

use crate::backend::{BLOCK_EPISODES, BLOCK_SIZE};

/// Lanes of a block: one for each of its episodes.
pub(crate) const BLOCK_LANES: u32 = 256;
const _: () = assert!(
    BLOCK_LANES as u64 == BLOCK_EPISODES,
    "each episode has a lane"
);
/// Lanes in a row whose sums of a step are formed together.
pub(crate) const SPAN: u32 = 64;
/// Spans of a block.
pub(crate) const BLOCK_SPANS: usize = BLOCK_SIZE / SPAN as usize;
/// Lanes that are added up side by side.
pub(crate) const QUAD: usize = 4;
