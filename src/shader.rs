//! Shader sources as data: models hand them to the GPU backend without knowing it.

mod declares;

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
    /// Modules that this one imports and that do not belong to slatesim.
    helpers: Vec<Self>,
    /// Whether all its indices and loops are known to be in bounds, so that a release build may omit the GPU's guards.
    is_trusted: bool,
}

impl ShaderSource {
    /// Makes the WGSL twin of an environment of one's own; errors name it by `path`.
    ///
    /// ```text
    /// ShaderSource::environment("examples/boredom.wgsl", include_str!("boredom.wgsl"))
    /// ```
    pub fn environment(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("environment", path, text, false)
    }

    /// Makes the WGSL twin of a choice model of one's own; errors name it by `path`.
    pub fn choice(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("choice", path, text, false)
    }

    /// Makes the WGSL twin of a policy of one's own; errors name it by `path`.
    pub fn policy(path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text("policy", path, text, false)
    }

    /// Makes the WGSL twin of a layer of one's own, given the layer's name; errors name it by `path`.
    pub fn layer(name: &str, path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text(&format!("layer::{name}"), path, text, false)
    }

    /// Makes a module that several of one's own models import, by `#import` and its name, such as `my_models::topics`; errors
    /// name it by `path`. Add it to a model by [`with_helper`](Self::with_helper).
    pub fn helper(name: &str, path: &str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::with_text(name, path, text, false)
    }

    /// Adds a module that this one imports; slatesim's own modules need not be added.
    #[must_use]
    pub fn with_helper(mut self, helper: Self) -> Self {
        self.helpers.push(helper);
        self
    }

    /// Lists the modules added by [`with_helper`](Self::with_helper), and those added to them.
    pub fn helpers(&self) -> Vec<&Self> {
        let brought = self.helpers.iter();
        brought
            .flat_map(|helper| [helper.helpers(), vec![helper]].concat())
            .collect()
    }

    /// Omits the guards with which a GPU otherwise runs this module, on the bounds of arrays and loops, if all other modules of
    /// the simulation are trusted too: guards can take most of the time.
    ///
    /// # Safety
    /// No index of an array is out of bounds, whatever the state of a user and whatever the words drawn; no division of whole
    /// numbers is by zero; and every loop ends.
    #[allow(unsafe_code, reason = "wgpu has no safe way to leave its guards out")]
    #[must_use]
    pub unsafe fn trusted(mut self) -> Self {
        self.is_trusted = true;
        self
    }

    /// Tells whether the module runs without guards in a release build.
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Makes a module of this crate from a text, which may have been generated.
    pub(crate) fn with_text(
        module: &str,
        path: &str,
        text: impl Into<Cow<'static, str>>,
        is_trusted: bool,
    ) -> Self {
        Self {
            module: module.to_owned(),
            path: path.to_owned(),
            text: text.into(),
            helpers: Vec::new(),
            is_trusted,
        }
    }
}

/// The value of a name in `#ifdef` and `#{NAME}`.
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
        $crate::shader::ShaderSource::with_text(
            $module,
            concat!("shaders/", $path),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path)),
            true,
        )
    };
}
pub(crate) use embedded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_modules_of_this_crate_and_those_vouched_for_are_trusted() {
        let own = ShaderSource::environment("own.wgsl", "");
        assert!(!own.is_trusted() && !ShaderSource::choice("own.wgsl", "").is_trusted());
        // SAFETY: the module is never run.
        #[allow(unsafe_code, reason = "what is tested")]
        let own = unsafe { own.trusted() };
        assert!(own.is_trusted() && embedded!("rng", "rng.wgsl").is_trusted());
    }
}
