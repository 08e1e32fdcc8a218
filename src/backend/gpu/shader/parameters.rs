//! Compares the members of `struct Parameters` with the numbers that the host writes into it, which have no names there.

use crate::backend::Simulation;
use crate::backend::gpu::shader_error::ShaderError;
use wgpu::naga::{Handle, Module, Scalar, StructMember, Type, TypeInner};

/// A `struct Parameters` as the host knows it.
#[derive(Debug, PartialEq)]
pub(super) struct Parameters {
    /// The file that declares it.
    path: String,
    /// The binding of group 0 that has it.
    binding: u32,
    names: Vec<&'static str>,
}

impl Parameters {
    /// Lists the parameters of environment and choice model.
    pub(super) fn of(simulation: &Simulation) -> [Self; 2] {
        let names =
            |named: Vec<(&'static str, f64)>| named.into_iter().map(|(name, _)| name).collect();
        let choice = &simulation.plan.choice;
        [
            Self {
                path: simulation.model.shader().path,
                binding: 1,
                names: names(simulation.model.parameters()),
            },
            Self {
                path: choice.shader().path,
                binding: 2,
                names: names(choice.parameters()),
            },
        ]
    }

    /// Compares with what a kernel binds.
    ///
    /// # Errors
    /// [`ShaderError::Parameters`] if the members have other names or another order, or are not all `f32`.
    pub(super) fn check(&self, module: &Module) -> Result<(), ShaderError> {
        for (_, global) in module.global_variables.iter() {
            let Some(at) = global.binding.as_ref().filter(|at| at.group == 0) else {
                continue;
            };
            let Some(members) = self.members(module, at.binding, global.ty) else {
                continue;
            };
            // Not `TypeInner::scalar`, which vectors have, too.
            let is_f32 = |inner: &TypeInner| matches!(inner, TypeInner::Scalar(Scalar::F32));
            let member = |member: &StructMember| {
                let name = member.name.as_deref().unwrap_or_default();
                match is_f32(&module.types[member.ty].inner) {
                    true => name.to_owned(),
                    false => format!("{name} (no f32)"),
                }
            };
            let found: Vec<String> = members.iter().map(member).collect();
            if found != self.names {
                return Err(ShaderError::Parameters {
                    path: self.path.clone(),
                    found: found.join(", "),
                    expected: self.names.join(", "),
                });
            }
        }
        Ok(())
    }

    /// Returns the members of the struct if they are behind a binding of group 0 with this type. With `MANY_POINTS` there is one
    /// binding, an array of `Point`s (`shaders/kernel/candidates.wgsl`), which have the structs in the order of their bindings.
    fn members<'a>(
        &self,
        module: &'a Module,
        binding: u32,
        ty: Handle<Type>,
    ) -> Option<&'a [StructMember]> {
        let members = |ty| match &module.types[ty].inner {
            TypeInner::Struct { members, .. } => Some(members.as_slice()),
            _ => None,
        };
        match module.types[ty].inner {
            TypeInner::Array { base, .. } if binding == 1 => {
                let of_point = members(base)?.get(self.binding as usize - 1)?;
                members(of_point.ty)
            }
            _ => members(ty).filter(|_| binding == self.binding),
        }
    }
}
