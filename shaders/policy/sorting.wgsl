// The value that documents are sorted by: a feature, or a value that only an oracle knows. Twin: `By` in
// src/policy/sorting.rs. Defs: FEATURE, BY_QUALITY, BY_SCORE.

#define_import_path slatesim::sorting

#import environment
#import environment::{User, Document}
#import slatesim::candidates::environment_parameters

fn value(user: User, document: Document) -> f32 {
#ifdef BY_SCORE
    return environment::score(environment_parameters, user, document);
#else ifdef BY_QUALITY
    return environment::quality(environment_parameters, document);
#else
    return environment::observe_document(environment_parameters, document)[#{FEATURE}];
#endif
}
