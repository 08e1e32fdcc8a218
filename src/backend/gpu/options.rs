//! How shaders are made and how work is cut: what callers may choose.

/// How shaders are made and work is cut. The defaults suit the adapter; no option but `patch` changes a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// Episodes in one dispatch; `None`: as many as suit the adapter.
    pub batch_size: Option<u32>,
    /// Steps of one dispatch; `None`: as many as take some tens of milliseconds.
    pub fusion_length: Option<u32>,
    /// Invocations in a workgroup; `None`: 64. Rollouts round it up to 64, 128 or 256, and take 256 for anything larger; the
    /// kernel that adds episodes up always has 256.
    pub workgroup_size: Option<u32>,
    /// Whether shaders check array bounds at run time.
    pub is_checked: bool,
    /// Whether shaders do without 64-bit integers even where the adapter has them.
    pub avoids_native_u64: bool,
    /// Whether the device adds episodes up, rather than the host; `None`: if there are enough of them for that to pay. The
    /// host always does it where returns are discounted, and where batches or episodes are too long: above 2^20 lanes or
    /// 65,535 steps.
    pub tallies: Option<bool>,
    /// Iterations that all loops of an invocation may take together; `None`: as many as the driver allows. A dispatch that
    /// could take more is cut into several.
    pub most_iterations: Option<u64>,
    /// Candidates of one step that a dispatch looks at; `None`: all of them, or as many as the driver allows where a whole
    /// step is too much.
    pub part_size: Option<u32>,
    /// A deliberate fault, to see that validation finds it.
    pub patch: Option<Patch>,
}

/// A deliberate change of a shader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The file, as in `shaders/rng.wgsl`.
    pub path: String,
    /// The text to replace; it must occur.
    pub find: String,
    /// The text to put there.
    pub replace: String,
}
