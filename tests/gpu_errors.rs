//! A GPU that fails is an error, never a panic.

use crate::common;
use slatesim::backend::gpu::{GpuError, GpuOptions};
use slatesim::backend::{Backend, BackendError, Observation, Unobserved};
use slatesim::validation::cases;

#[test]
fn a_lost_device_is_an_error_of_every_call() {
    let Some(gpu) = common::any_gpu() else { return };
    let simulation = &cases(&slatesim::registry::Registry::built_in()).unwrap()[0].simulation;
    let mut stepper = gpu.stepper(simulation, 64).unwrap();
    stepper.start(&[Some(0); 64]).unwrap();
    gpu.destroy();
    let is_lost =
        |error: BackendError| matches!(error, BackendError::Gpu(GpuError::DeviceLost { .. }));
    assert!(is_lost(
        gpu.rollout(simulation, 0..1000, &Unobserved).unwrap_err()
    ));
    assert!(is_lost(stepper.step(&[0; 128]).unwrap_err()));
    assert!(is_lost(
        stepper.observe(&mut Observation::default()).unwrap_err()
    ));
    assert!(is_lost(
        gpu.stepper(simulation, 64)
            .err()
            .expect("the device is gone")
    ));
}

#[test]
fn more_lanes_than_the_device_has_are_refused_with_the_numbers() {
    let Some(gpu) = common::any_gpu() else { return };
    let simulation = &cases(&slatesim::registry::Registry::built_in()).unwrap()[0].simulation;
    let huge = gpu.with_options(GpuOptions {
        batch_size: Some(u32::MAX),
        ..GpuOptions::default()
    });
    for result in [
        huge.rollout(simulation, 0..1 << 33, &Unobserved).err(),
        gpu.stepper(simulation, 1 << 33).err(),
    ] {
        match result {
            Some(BackendError::Gpu(GpuError::LimitExceeded {
                needed, available, ..
            })) => assert!(needed > available),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn wrong_wgsl_is_reported_with_its_file_and_line() {
    let Some(gpu) = common::any_gpu() else { return };
    let simulation = &cases(&slatesim::registry::Registry::built_in()).unwrap()[0].simulation;
    let patch = slatesim::backend::gpu::Patch {
        path: "shaders/environment/long_term_satisfaction.wgsl".to_owned(),
        find: "user.time_budget - 1.0;".to_owned(),
        replace: "user.time_budget - nonsense;".to_owned(),
    };
    let broken = gpu.with_options(GpuOptions {
        patch: Some(patch),
        ..GpuOptions::default()
    });
    let message = broken
        .rollout(simulation, 0..256, &Unobserved)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("long_term_satisfaction.wgsl") && message.contains("nonsense"),
        "{message}"
    );
}
