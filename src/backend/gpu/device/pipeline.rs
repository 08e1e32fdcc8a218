//! From a composed shader to something that can be dispatched: module, layouts, pipeline, bind groups.
//!
//! Layouts are explicit, and read off the shader's own declarations ([`bind_group_layouts`]). wgpu could
//! derive them too, but its automatic layout drops bindings that an entry point does not use (so that filling
//! all of them is an error which comes and goes with `#ifdef`s), and it is exclusive to one pipeline. Ours
//! holds every declared binding, and one bind group serves all kernels that declare the same ones.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wgpu::naga;

use super::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::shader_error::ShaderError;

/// Says whether a shader runs with the guards that wgpu adds: bounds checks, guarded division, bounded loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuntimeChecks {
    /// With all guards; for shaders that were not written here, and for tests.
    On,
    /// Without them; only for shaders all of whose modules are [trusted](crate::shader::ShaderSource::is_trusted).
    Off,
}

/// Makes a shader module of a composed shader.
///
/// # Errors
/// What [`Gpu::checked`] reports; composition has validated the shader, so only a lacking feature is
/// left.
pub(crate) fn create_module(
    gpu: &Gpu,
    label: &str,
    module: naga::Module,
    checks: RuntimeChecks,
) -> Result<wgpu::ShaderModule, GpuError> {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Naga(Cow::Owned(module)),
    };
    gpu.checked(label, || match checks {
        RuntimeChecks::On => gpu.device().create_shader_module(descriptor),
        RuntimeChecks::Off => {
            let unchecked = wgpu::ShaderRuntimeChecks::unchecked();
            // SAFETY: callers pass `Off` for trusted shaders only. Those of this crate index buffers by lanes, of which
            // buffers hold as many as are dispatched, or compare them with the number of lanes before; they index
            // arrays by counters below the arrays' lengths, never divide by zero, and loop a bounded number of times.
            #[allow(unsafe_code, reason = "wgpu has no safe way to leave its guards out")]
            unsafe {
                gpu.device()
                    .create_shader_module_trusted(descriptor, unchecked)
            }
        }
    })
}

/// Makes the layouts of all groups that a shader declares, in the order of the groups.
///
/// Every declared buffer is in it, used or not: `var<storage, read>`, `var<storage, read_write>` and
/// `var<uniform>`. A group number that is skipped gets an empty layout.
///
/// # Errors
/// [`ShaderError::UnsupportedBinding`] for textures and the like; what [`Gpu::checked`] reports, for example
/// too many storage buffers for the device.
pub(crate) fn bind_group_layouts(
    gpu: &Gpu,
    label: &str,
    module: &naga::Module,
) -> Result<Vec<wgpu::BindGroupLayout>, GpuError> {
    let mut groups: BTreeMap<u32, BTreeMap<u32, wgpu::BindGroupLayoutEntry>> = BTreeMap::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(place) = &variable.binding else {
            continue;
        };
        let ty = match variable.space {
            naga::AddressSpace::Storage { access } => wgpu::BufferBindingType::Storage {
                read_only: !access.contains(naga::StorageAccess::STORE),
            },
            naga::AddressSpace::Uniform => wgpu::BufferBindingType::Uniform,
            _ => {
                return Err(GpuError::from(ShaderError::UnsupportedBinding {
                    name: variable.name.clone().unwrap_or_default(),
                    group: place.group,
                    binding: place.binding,
                }));
            }
        };
        let entry = wgpu::BindGroupLayoutEntry {
            binding: place.binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        groups
            .entry(place.group)
            .or_default()
            .insert(place.binding, entry);
    }
    let count = groups.last_key_value().map_or(0, |(last, _)| last + 1);
    (0..count)
        .map(|group| {
            let entries: Vec<_> = groups
                .get(&group)
                .map(|entries| entries.values().copied().collect())
                .unwrap_or_default();
            gpu.checked(label, || {
                gpu.device()
                    .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                        label: Some(label),
                        entries: &entries,
                    })
            })
        })
        .collect()
}

/// Makes the pipeline of one entry point.
///
/// `overrides` gives values to the shader's `override` constants, by name.
///
/// # Errors
/// What [`Gpu::checked`] reports: an unknown entry point or override, a workgroup too large for the device,
/// layouts that do not fit.
pub(crate) fn create_pipeline(
    gpu: &Gpu,
    label: &str,
    module: &wgpu::ShaderModule,
    entry_point: &str,
    overrides: &[(&str, f64)],
    layouts: &[wgpu::BindGroupLayout],
) -> Result<wgpu::ComputePipeline, GpuError> {
    let layouts: Vec<_> = layouts.iter().map(Some).collect();
    gpu.checked(label, || {
        let layout = gpu
            .device()
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: &layouts,
                immediate_size: 0,
            });
        gpu.device()
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(label),
                layout: Some(&layout),
                module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: overrides,
                    // `rollout` and `tally` rely on it: their counts and tables in this memory begin at zero.
                    zero_initialize_workgroup_memory: true,
                },
                cache: None,
            })
    })
}

/// Binds whole buffers, each to its binding number.
///
/// # Errors
/// What [`Gpu::checked`] reports: a binding missing or too many, a buffer without the usage that its binding
/// needs.
pub(crate) fn bind_group(
    gpu: &Gpu,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    buffers: &[(u32, &wgpu::Buffer)],
) -> Result<wgpu::BindGroup, GpuError> {
    let entries: Vec<_> = buffers
        .iter()
        .map(|&(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    gpu.checked(label, || {
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(label),
            layout,
            entries: &entries,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::super::testing::any_gpu;
    use super::*;
    use crate::backend::gpu::shader::compose::{NATIVE_U64, compose};
    use crate::shader::ShaderDef::{Bool, UInt};
    use crate::shader::{ShaderDefs, ShaderSource};

    fn source(module: &str, path: &str, text: &'static str) -> ShaderSource {
        ShaderSource::with_text(module, path, text, true)
    }

    /// Philox4x32-10 with both forms of the wide product.
    const RNG: &str = "
struct Key { low: u32, high: u32, }
const MULTIPLIERS: vec2<u32> = vec2<u32>(0xD2511F53u, 0xCD9E8D57u);
const WEYL = array<u32, 2>(0x9E3779B9u, 0xBB67AE85u);
const ROUNDS: u32 = 10u;

#ifdef NATIVE_U64
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let product = u64(a) * u64(b);
    return vec2<u32>(u32(product >> 32u), u32(product & 0xFFFFFFFFlu));
}
#else
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xFFFFu; let a_high = a >> 16u;
    let b_low = b & 0xFFFFu; let b_high = b >> 16u;
    let cross = a_high * b_low + ((a_low * b_low) >> 16u);
    let carry = a_low * b_high + (cross & 0xFFFFu);
    return vec2<u32>(a_high * b_high + (cross >> 16u) + (carry >> 16u), a * b);
}
#endif

fn philox(counter: vec4<u32>, key: Key) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < ROUNDS; round++) {
        let even = wide_product(MULTIPLIERS.x, c.x);
        let odd = wide_product(MULTIPLIERS.y, c.z);
        c = vec4<u32>(odd.x ^ c.y ^ k.low, odd.y, even.x ^ c.w ^ k.high, even.y);
        k.low += WEYL[0];
        k.high += WEYL[1];
    }
    return c;
}
";

    /// A stand-in for an environment: no import path of its own, a struct with an array, a pointer argument.
    const ENVIRONMENT: &str = "
#import test::rng
const SCALE: f32 = 5.9604644775390625e-8;
struct User { affinity: array<f32, #{NUM_TOPICS}>, clicks: u32, }

fn sample_user(lane: u32, key: rng::Key) -> User {
    var user: User;
    for (var topic = 0u; topic < #{NUM_TOPICS}u; topic++) {
        let draw = rng::philox(vec4<u32>(lane, 0u, topic, 0u), key);
        user.affinity[topic] = f32(draw.x >> 8u) * SCALE;
    }
    return user;
}

fn transition(user: ptr<function, User>, draw: u32) {
    let topic = draw % #{NUM_TOPICS}u;
    (*user).clicks += draw & 1u;
    (*user).affinity[topic] = max((*user).affinity[topic], 0.5);
}
";

    const KERNEL: &str = "
#import test::rng
#import environment::{User, sample_user}
#import environment

struct Parameters { key_low: u32, key_high: u32, num_users: u32, step: u32, }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> offset: array<u32>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> affinity: array<f32>;
@group(0) @binding(5) var<storage, read> unused: array<u32>;
override flip: u32 = 0u;

@compute @workgroup_size(#{WORKGROUP_SIZE})
fn step(@builtin(global_invocation_id) id: vec3<u32>) {
    let lane = id.x;
    if lane >= parameters.num_users { return; }
    let key = rng::Key(parameters.key_low, parameters.key_high);
    var user: User = sample_user(lane, key);
    let draw = rng::philox(vec4<u32>(lane, 0u, parameters.step, 7u), key);
    environment::transition(&user, draw.y);
    words[2u * lane] = draw.x ^ flip;
    words[2u * lane + 1u] = user.clicks + offset[lane];
    for (var topic = 0u; topic < #{NUM_TOPICS}u; topic++) {
        affinity[topic * parameters.num_users + lane] = user.affinity[topic];
    }
}
";

    const TOPICS: usize = 3;
    const USERS: usize = 1000;
    const KEY: [u32; 2] = [0x0123_4567, 0x89AB_CDEF];
    const FLIP: u32 = 0x5555_5555;

    #[allow(
        clippy::cast_possible_truncation,
        reason = "taking the low half is the point"
    )]
    fn philox(mut c: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
        for _ in 0..10 {
            let even = 0xD251_1F53_u64 * u64::from(c[0]);
            let odd = 0xCD9E_8D57_u64 * u64::from(c[2]);
            let high = |product: u64| (product >> 32) as u32;
            c = [
                high(odd) ^ c[1] ^ k[0],
                odd as u32,
                high(even) ^ c[3] ^ k[1],
                even as u32,
            ];
            k = [
                k[0].wrapping_add(0x9E37_79B9),
                k[1].wrapping_add(0xBB67_AE85),
            ];
        }
        c
    }

    fn expected() -> (Vec<u32>, Vec<f32>) {
        let mut words = Vec::new();
        let mut affinity = vec![0.0; TOPICS * USERS];
        for lane in 0..1000_u32 {
            let user = lane as usize;
            let draw = philox([lane, 0, 4, 7], KEY);
            words.extend([draw[0] ^ FLIP, (draw[1] & 1) + 10 * lane]);
            for topic in 0..3_u32 {
                let bits = philox([lane, 0, topic, 0], KEY)[0] >> 8;
                #[allow(clippy::cast_precision_loss, reason = "24 bits fit")]
                let mut value = bits as f32 * 2.0_f32.powi(-24);
                if draw[1] % 3 == topic {
                    value = value.max(0.5);
                }
                affinity[topic as usize * USERS + user] = value;
            }
        }
        (words, affinity)
    }

    fn composed(native_u64: bool, workgroup_size: u32) -> naga::Module {
        let modules = [
            source("test::rng", "rng.wgsl", RNG),
            source("environment", "my_environment.wgsl", ENVIRONMENT),
        ];
        let defs = ShaderDefs::from([
            (NATIVE_U64.to_owned(), Bool(native_u64)),
            ("NUM_TOPICS".to_owned(), UInt(3)),
            ("WORKGROUP_SIZE".to_owned(), UInt(workgroup_size)),
        ]);
        let entry = source("kernel", "kernel.wgsl", KERNEL);
        compose(&modules, &entry, &defs).unwrap_or_else(|error| panic!("{error}"))
    }

    fn run(gpu: &Gpu, module: naga::Module, checks: RuntimeChecks, size: u32) -> Vec<u8> {
        let layouts = bind_group_layouts(gpu, "step", &module).expect("buffers only");
        let module = create_module(gpu, "step", module, checks).expect("valid");
        let overrides = [("flip", f64::from(FLIP))];
        let pipeline = create_pipeline(gpu, "step", &module, "step", &overrides, &layouts);
        let pipeline = pipeline.expect("fits the device");

        let storage = wgpu::BufferUsages::STORAGE;
        let out = storage | wgpu::BufferUsages::COPY_SRC;
        let parameters = [KEY[0], KEY[1], 1000, 4];
        let offset: Vec<u32> = (0..1000).map(|lane| 10 * lane).collect();
        let uniform = wgpu::BufferUsages::UNIFORM;
        let upload = |usage, words: &[u32]| gpu.upload("input", usage, bytemuck::cast_slice(words));
        let parameters = upload(uniform, &parameters).expect("fits");
        let offset = upload(storage, &offset).expect("fits");
        let words = gpu.buffer("words", 8 * 1000, out).expect("fits");
        let affinity = gpu.buffer("affinity", 12 * 1000, out).expect("fits");
        let buffers = [
            (0, &parameters),
            (1, &offset),
            (2, &words),
            (3, &affinity),
            (5, &offset),
        ];
        let group = bind_group(gpu, "step", &layouts[0], &buffers).expect("all bound");

        let mut encoder = gpu.encoder("step");
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(1000_u32.div_ceil(size), 1, 1);
        }
        let staged = [
            gpu.stage(&mut encoder, "words", &words, 0..words.size()),
            gpu.stage(&mut encoder, "affinity", &affinity, 0..affinity.size()),
        ];
        let submission = gpu.submit("step", encoder).expect("a valid recording");
        let mut bytes = Vec::new();
        for staged in staged {
            let readback = staged.expect("in range").start(&submission);
            bytes.extend(readback.wait(gpu).expect("a healthy device"));
        }
        bytes
    }

    #[test]
    fn a_shader_of_three_modules_computes_what_rust_computes() {
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            "the published vector"
        );
        let Some(gpu) = any_gpu() else { return };
        let (words, affinity) = expected();
        let mut bytes = bytemuck::cast_slice::<u32, u8>(&words).to_vec();
        bytes.extend(bytemuck::cast_slice::<f32, u8>(&affinity));
        for native_u64 in [false, true] {
            if native_u64 && !gpu.native_u64() {
                eprintln!("NOT TESTED: this adapter has no u64");
                continue;
            }
            for checks in [RuntimeChecks::On, RuntimeChecks::Off] {
                for size in [8, 64, 256] {
                    let module = composed(native_u64, size);
                    assert_eq!(module.entry_points[0].workgroup_size, [size, 1, 1]);
                    let found = run(&gpu, module, checks, size);
                    assert!(found == bytes, "u64 {native_u64}, {checks:?}, {size}");
                }
            }
        }
    }

    #[test]
    fn unknown_entry_points_and_overrides_are_errors() {
        let Some(gpu) = any_gpu() else { return };
        let module = composed(false, 64);
        let layouts = bind_group_layouts(&gpu, "step", &module).expect("buffers only");
        let module = create_module(&gpu, "step", module, RuntimeChecks::On).expect("valid");
        let make =
            |entry, values: &[_]| create_pipeline(&gpu, "step", &module, entry, values, &layouts);
        make("step", &[]).expect("overrides have defaults");
        for (entry, name) in [("no_such_entry", "flip"), ("step", "no_such_constant")] {
            match make(entry, &[(name, 1.0)]) {
                Err(GpuError::Validation { what, source }) => {
                    assert_eq!(what, "step");
                    let mut chain = vec![source.to_string()];
                    let mut next = source.source();
                    while let Some(cause) = next {
                        chain.push(cause.to_string());
                        next = cause.source();
                    }
                    assert!(chain.join(": ").contains("no_such"), "{chain:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_workgroup_too_large_for_the_device_is_an_error() {
        let Some(gpu) = any_gpu() else { return };
        let size = gpu.limits().max_compute_invocations_per_workgroup + 1;
        let module = composed(false, size);
        let layouts = bind_group_layouts(&gpu, "step", &module).expect("buffers only");
        let made = create_module(&gpu, "step", module, RuntimeChecks::On)
            .and_then(|module| create_pipeline(&gpu, "step", &module, "step", &[], &layouts));
        assert!(matches!(made, Err(GpuError::Validation { .. })), "{made:?}");
    }

    #[test]
    fn a_missing_binding_and_a_wrong_usage_are_errors() {
        let Some(gpu) = any_gpu() else { return };
        let module = composed(false, 64);
        let layouts = bind_group_layouts(&gpu, "step", &module).expect("buffers only");
        let buffer = gpu.buffer("a buffer", 64, wgpu::BufferUsages::STORAGE);
        let buffer = buffer.expect("fits");
        let few = bind_group(&gpu, "step", &layouts[0], &[(1, &buffer)]);
        assert!(matches!(few, Err(GpuError::Validation { .. })));
        let all = [0, 1, 2, 3, 5].map(|binding| (binding, &buffer));
        let wrong = bind_group(&gpu, "step", &layouts[0], &all);
        assert!(
            matches!(wrong, Err(GpuError::Validation { .. })),
            "0 is a uniform"
        );
    }

    #[test]
    fn textures_are_refused_by_name() {
        let Some(gpu) = any_gpu() else { return };
        let text = "@group(0) @binding(4) var image: texture_2d<f32>;
            @compute @workgroup_size(1) fn step() { _ = textureLoad(image, vec2<u32>(0u, 0u), 0); }";
        let entry = source("kernel", "kernel.wgsl", text);
        let module = compose(&[], &entry, &ShaderDefs::new()).expect("valid WGSL");
        match bind_group_layouts(&gpu, "step", &module) {
            Err(GpuError::Shader(ShaderError::UnsupportedBinding { name, binding, .. })) => {
                assert_eq!((name.as_str(), binding), ("image", 4));
            }
            other => panic!("{other:?}"),
        }
    }
}
