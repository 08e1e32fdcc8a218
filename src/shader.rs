//! Shader sources as data: what the rooms of the twins hand to the GPU backend, without knowing it.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A WGSL module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShaderSource {
    /// The name that other modules import it by, such as `slatesim::rng` or `environment`.
    pub module: String,
    /// The file, for error messages.
    pub path: String,
    /// The text.
    pub text: Cow<'static, str>,
}

impl ShaderSource {
    /// Takes the WGSL twin of an environment of one's own; `path` is what errors name.
    ///
    /// ```text
    /// ShaderSource::environment("examples/boredom.wgsl", include_str!("boredom.wgsl"))
    /// ```
    pub fn environment(path: &str, text: &'static str) -> Self {
        Self::of("environment", path, text)
    }

    /// Takes the WGSL twin of a choice model of one's own; `path` is what errors name.
    pub fn choice(path: &str, text: &'static str) -> Self {
        Self::of("choice", path, text)
    }

    fn of(module: &str, path: &str, text: &'static str) -> Self {
        Self {
            module: module.to_owned(),
            path: path.to_owned(),
            text: Cow::Borrowed(text),
        }
    }
}

/// A value that `#ifdef` and `#{NAME}` see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderDef {
    /// Present if true.
    Bool(bool),
    /// A whole number.
    UInt(u32),
}

/// Definitions by name.
pub type ShaderDefs = BTreeMap<String, ShaderDef>;

/// Embeds a file of `shaders/` under a module name.
macro_rules! embedded {
    ($module:expr, $path:literal) => {
        $crate::shader::ShaderSource {
            module: $module.to_owned(),
            path: concat!("shaders/", $path).to_owned(),
            text: std::borrow::Cow::Borrowed(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/shaders/",
                $path
            ))),
        }
    };
}
pub(crate) use embedded;
