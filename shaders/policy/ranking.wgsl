// The best of many candidates, in order: what most policies end with. Twin: src/policy/ranking.rs.
//
// Candidates are inserted into a slate that is kept sorted. A candidate displaces only what is strictly worse, so that
// ties stay in the order of insertion.

#define_import_path slatesim::ranking
#ifdef IN_PARTS
#import slatesim::job::job
#endif

// Less than every key; WGSL does not guarantee infinities.
const WORST: f32 = -3.0e38;
// Stands for a key that is not above WORST or is no number, so that its candidate still takes a free position.
const FLOOR: f32 = -2.9e38;

// A slate with the keys that it is sorted by.
struct Ranking {
    slate: array<u32, #{NUM_SHOWN}>,
    keys: array<f32, #{NUM_SHOWN}>,
}

// A slate that is sorted by the sum of a key and a small number.
struct SumRanking {
    slate: array<u32, #{NUM_SHOWN}>,
    keys: array<f32, #{NUM_SHOWN}>,
    rests: array<f32, #{NUM_SHOWN}>,
}

#ifdef IN_PARTS
// The ranking of the dispatch before, and then of this one: the kernel loads and stores it.
var<private> carried: RankedRanking;
#endif

// A slate that is sorted by rank, and by key among those of a rank.
struct RankedRanking {
    slate: array<u32, #{NUM_SHOWN}>,
    keys: array<f32, #{NUM_SHOWN}>,
    ranks: array<u32, #{NUM_SHOWN}>,
}

// Begins an empty slate, whose keys are below every key that is inserted; with IN_PARTS, goes on with that of the dispatch
// before.
fn begin() -> Ranking {
    var ranking: Ranking;
#ifdef IN_PARTS
    if job.candidate_begin > 0u {
        ranking.slate = carried.slate;
        ranking.keys = carried.keys;
        return ranking;
    }
#endif
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        ranking.keys[position] = WORST;
    }
    return ranking;
}

// Returns the slate when all candidates are in.
fn end(ranking: ptr<function, Ranking>) -> array<u32, #{NUM_SHOWN}> {
#ifdef IN_PARTS
    carried.slate = (*ranking).slate;
    carried.keys = (*ranking).keys;
#endif
    return (*ranking).slate;
}

// Begins an empty slate of sums, which are below every sum that is inserted; with IN_PARTS, goes on with that of the dispatch
// before.
fn begin_sums() -> SumRanking {
    var ranking: SumRanking;
#ifdef IN_PARTS
    if job.candidate_begin > 0u {
        ranking.slate = carried.slate;
        ranking.keys = carried.keys;
        for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
            ranking.rests[position] = bitcast<f32>(carried.ranks[position]);
        }
        return ranking;
    }
#endif
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        ranking.keys[position] = WORST;
    }
    return ranking;
}

// Returns the slate when all candidates are in.
fn end_sums(ranking: ptr<function, SumRanking>) -> array<u32, #{NUM_SHOWN}> {
#ifdef IN_PARTS
    carried.slate = (*ranking).slate;
    carried.keys = (*ranking).keys;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        carried.ranks[position] = bitcast<u32>((*ranking).rests[position]);
    }
#endif
    return (*ranking).slate;
}

// Begins an empty slate of ranks, which are worse than every rank that is inserted; with IN_PARTS, goes on with that of the
// dispatch before.
fn begin_ranked() -> RankedRanking {
    var ranking: RankedRanking;
#ifdef IN_PARTS
    if job.candidate_begin > 0u {
        return carried;
    }
#endif
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        ranking.keys[position] = WORST;
        ranking.ranks[position] = 0xffffffffu;
    }
    return ranking;
}

// Returns the slate when all candidates are in.
fn end_ranked(ranking: ptr<function, RankedRanking>) -> array<u32, #{NUM_SHOWN}> {
#ifdef IN_PARTS
    carried = *ranking;
#endif
    return (*ranking).slate;
}

// Inserts a candidate by its key, the largest first.
fn insert(ranking: ptr<function, Ranking>, key: f32, candidate: u32) {
    insert_above(ranking, key, 0.0, candidate);
}

// Inserts a candidate as `insert` does, where keys nearer than `margin` are ties.
fn insert_above(ranking: ptr<function, Ranking>, given_key: f32, margin: f32, given_candidate: u32) {
    var key = select(FLOOR, given_key, WORST < given_key);
    let below = key - margin;
    // Not by `max`, whose result WGSL leaves open for a margin that is no number.
    let lowered = select(FLOOR, below, FLOOR < below);
    var candidate = given_candidate;
    var is_pushed = false;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        // A candidate that is displaced moves on to the next position, and goes before its equals there: it was inserted
        // before them.
        let is_better = is_pushed || (*ranking).keys[position] < lowered;
        is_pushed = is_better;
        let pushed_key = select(key, (*ranking).keys[position], is_better);
        let pushed_candidate = select(candidate, (*ranking).slate[position], is_better);
        (*ranking).keys[position] = select((*ranking).keys[position], key, is_better);
        (*ranking).slate[position] = select((*ranking).slate[position], candidate, is_better);
        key = pushed_key;
        candidate = pushed_candidate;
    }
}

// Inserts a candidate by the sum of a key and a small number, the largest first, where sums nearer than `margin` are ties.
// Sums are compared by the differences of their parts, so that a large key which two candidates share does not round their
// difference away.
fn insert_sum(ranking: ptr<function, SumRanking>, given_key: f32, given_rest: f32, margin: f32, given_candidate: u32) {
    var key = select(FLOOR, given_key, WORST < given_key);
    var rest = given_rest;
    var candidate = given_candidate;
    var is_pushed = false;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let by_key = (*ranking).keys[position] - key;
        let by_rest = (*ranking).rests[position] - rest;
        let is_better = is_pushed || by_key + by_rest < -margin;
        is_pushed = is_better;
        let pushed_key = select(key, (*ranking).keys[position], is_better);
        let pushed_rest = select(rest, (*ranking).rests[position], is_better);
        let pushed_candidate = select(candidate, (*ranking).slate[position], is_better);
        (*ranking).keys[position] = select((*ranking).keys[position], key, is_better);
        (*ranking).rests[position] = select((*ranking).rests[position], rest, is_better);
        (*ranking).slate[position] = select((*ranking).slate[position], candidate, is_better);
        key = pushed_key;
        rest = pushed_rest;
        candidate = pushed_candidate;
    }
}

// Inserts a candidate by its rank, the smallest first, and among those of a rank by its key, the largest first.
fn insert_ranked(ranking: ptr<function, RankedRanking>, given_rank: u32, given_key: f32, given_candidate: u32) {
    var rank = given_rank;
    var key = given_key;
    var candidate = given_candidate;
    var is_pushed = false;
    for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
        let found = (*ranking).ranks[position];
        let is_better = is_pushed || rank < found || (rank == found && (*ranking).keys[position] < key);
        is_pushed = is_better;
        let pushed_rank = select(rank, found, is_better);
        let pushed_key = select(key, (*ranking).keys[position], is_better);
        let pushed_candidate = select(candidate, (*ranking).slate[position], is_better);
        (*ranking).ranks[position] = select(found, rank, is_better);
        (*ranking).keys[position] = select((*ranking).keys[position], key, is_better);
        (*ranking).slate[position] = select((*ranking).slate[position], candidate, is_better);
        rank = pushed_rank;
        key = pushed_key;
        candidate = pushed_candidate;
    }
}
