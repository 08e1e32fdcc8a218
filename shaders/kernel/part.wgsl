// Which candidates a dispatch looks at, where a step is more than one dispatch may do.
//
// Some drivers bound the iterations of an invocation (src/backend/gpu/shader/iterations/). A policy that ranks all candidates
// then goes on in the next dispatch where this one ends, with the ranking so far. Defs: IN_PARTS, without which a dispatch
// looks at all candidates.

#define_import_path slatesim::part

#import slatesim::job::job

fn first_candidate() -> u32 {
#ifdef IN_PARTS
    return job.candidate_begin;
#else
    return 0u;
#endif
}

fn end_of_candidates() -> u32 {
#ifdef IN_PARTS
    return job.candidate_end;
#else
    return #{NUM_CANDIDATES}u;
#endif
}
