// The numbers from which a policy computes the score of a candidate: what is observed of the document, what is observed of the user, the
// numbers of the layers. Twin: src/policy/inputs.rs.
// Defs: INPUTS, DOCUMENT_INPUTS and LAYER_INPUTS, how many there are in all and of two kinds; OWN_STATE, where the state of
// the layers begins.

#define_import_path slatesim::inputs

#import environment
#import environment::{User, Document}
#import slatesim::rng::Stream
#import slatesim::candidates

// What all candidates of a step share; the rest is zero.
fn begin(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> array<f32, #{INPUTS}> {
    var x: array<f32, #{INPUTS}>;
    var at = #{DOCUMENT_INPUTS}u;
#ifdef OBSERVES_USER
    var observed = candidates::user_features(stream, user);
    for (var number = 0u; number < #{USER_SIZE}u; number++) {
        x[at] = observed[number];
        at = at + 1u;
    }
#endif
    for (var number = 0u; number < #{LAYER_INPUTS}u; number++) {
        x[at] = (*state)[#{OWN_STATE}u + number];
        at = at + 1u;
    }
    return x;
}

// Writes what is observed of a document.
fn look_at(x: ptr<function, array<f32, #{INPUTS}>>, document: Document) {
    var features = environment::observe_document(candidates::environment_parameters, document);
    for (var feature = 0u; feature < #{DOCUMENT_INPUTS}u; feature++) {
        (*x)[feature] = features[feature];
    }
}
