//! What can be wrong with the text of a shader.

/// Says why WGSL files could not be made into one shader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShaderError {
    /// A file does not parse, does not validate or imports what is not there.
    #[error("shader does not compile\n{diagnostic}")]
    Invalid {
        /// What is wrong, with file, line and caret; several lines.
        diagnostic: String,
    },

    /// A module lacks something that its interface asks for.
    #[error("{path} lacks `{declaration}`, which every {owner} module defines")]
    Missing {
        /// The file.
        path: String,
        /// What it lacks.
        declaration: &'static str,
        /// What it is a module of.
        owner: String,
    },

    /// Two different modules have the same name.
    #[error("{path} and {other} are both the module `{module}`")]
    SameName {
        /// The file that comes first.
        path: String,
        /// The other one.
        other: String,
        /// The name.
        module: String,
    },

    /// The host would write numbers into the wrong members.
    #[error(
        "{path}: `struct Parameters` has the members {found}; expected {expected}, in this order, each `f32`"
    )]
    Parameters {
        /// The file that declares the struct.
        path: String,
        /// Its members.
        found: String,
        /// What the host writes.
        expected: String,
    },

    /// `@workgroup_size` names an `override` constant, which composition does not preserve.
    #[error(
        "a workgroup size is an override constant, which is lost in composition: \
         write @workgroup_size(#{{WORKGROUP_SIZE}}) and define it, in {path}"
    )]
    OverriddenWorkgroupSize {
        /// The entry file.
        path: String,
    },

    /// A binding is neither a storage nor a uniform buffer.
    #[error(
        "binding {binding} of group {group} ({name:?}) is neither a storage nor a uniform buffer"
    )]
    UnsupportedBinding {
        /// Name of the variable.
        name: String,
        /// `@group`.
        group: u32,
        /// `@binding`.
        binding: u32,
    },

    /// The composer itself gave up.
    #[error("the shader composer failed on {path}: {message}")]
    Composer {
        /// The entry file.
        path: String,
        /// What it said.
        message: String,
    },
}
