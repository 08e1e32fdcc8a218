// The ranking of a step's candidates so far, from one dispatch to the next; see part.wgsl.
//
// Binding of group 1: 5 ranked [slate, keys, ranks][position][lane].

#define_import_path slatesim::carried

#import slatesim::ranking

@group(1) @binding(5) var<storage, read_write> ranked: array<u32>;

fn load(lane: u32, stride: u32) {
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let at = position * stride + lane;
        let row = #{NUM_SHOWN}u * stride;
        ranking::carried.slate[position] = ranked[at];
        ranking::carried.keys[position] = bitcast<f32>(ranked[row + at]);
        ranking::carried.ranks[position] = ranked[2u * row + at];
    }
}

fn store(lane: u32, stride: u32) {
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let at = position * stride + lane;
        let row = #{NUM_SHOWN}u * stride;
        ranked[at] = ranking::carried.slate[position];
        ranked[row + at] = bitcast<u32>(ranking::carried.keys[position]);
        ranked[2u * row + at] = ranking::carried.ranks[position];
    }
}
