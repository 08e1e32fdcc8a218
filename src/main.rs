use slatesim::{backend::*, config::*, registry};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let backend = args[1].as_str();
    let episodes: u64 = args[2].parse().unwrap();
    let mut layers = Layers::new();
    for set in &args[3..] {
        layers = layers.set(set).unwrap();
    }
    let catalogue = registry::catalogue();
    catalogue.check().unwrap();
    let config = match Config::resolve(&layers, &catalogue) {
        Ok(c) => c,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2)
        }
    };
    let simulation = registry::simulation(&config).unwrap();
    let b: Box<dyn Backend> = match backend {
        "cpu" => Box::new(cpu::cpu(None).unwrap()),
        "reference" => Box::new(reference::reference(None).unwrap()),
        _ => Box::new(gpu::GpuBackend::open(gpu::AdapterSelection::Any).unwrap()),
    };
    eprintln!("{:?}", b.info());
    let start = std::time::Instant::now();
    let statistics = match b.rollout(&simulation, 0..episodes, &Unobserved) {
        Ok(s) => s,
        Err(e) => {
            eprintln!("{e}");
            let mut s: Option<&dyn std::error::Error> = std::error::Error::source(&e);
            while let Some(c) = s {
                eprintln!("  {c}");
                s = c.source();
            }
            std::process::exit(1)
        }
    };
    let s = start.elapsed().as_secs_f64();
    let summary = statistics.summary();
    println!(
        "{:.3} s, {:.3e} steps/s",
        s,
        statistics.user_steps() as f64 / s
    );
    println!("{}", serde_json::to_string(&summary.returns).unwrap());
    println!("{}", serde_json::to_string(&summary.length).unwrap());
    println!(
        "{} {}",
        serde_json::to_string(&summary.click_rate).unwrap(),
        serde_json::to_string(&summary.reward_slope).unwrap()
    );
    println!("{:?}", &summary.reward_per_step[..3]);
    println!(
        "{}",
        serde_json::to_string(&summary.topics).unwrap_or_default()
    );
}
