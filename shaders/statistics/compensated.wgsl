// Sums of many terms that keep what rounding takes away: twin of src/statistics/compensated.rs, with formulas.

#define_import_path slatesim::compensated

#import slatesim::job::job

// The sum as it is rounded, and what the last roundings have lost.
struct Sum {
    rounded: f32,
    rest: f32,
}

// The same number. A compiler cannot know that, and therefore cannot reorder the sums around it.
fn opaque(number: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(number) ^ job.zero);
}

fn add(sum: Sum, term: f32) -> Sum {
    let whole = opaque(sum.rest + term);
    let rounded = opaque(sum.rounded + whole);
    let taken = opaque(rounded - sum.rounded);
    return Sum(rounded, whole - taken);
}

fn value(sum: Sum) -> f32 {
    return sum.rounded + sum.rest;
}
