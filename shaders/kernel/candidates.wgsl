// The documents offered at a step, and the inputs of all kernels that run episodes.
//
// Bindings of group 0, all read: 1 the environment's parameters, 2 the choice model's, 3 the corpus. 0, the job, is in
// job.wgsl; 4 and 5, the tables, are in tables.wgsl. With MANY_POINTS lanes belong to several settings of the parameters,
// the points of a sweep: 1 are the parameters of each, 4 all other numbers of each.
// Defs: HAS_CORPUS, DOCUMENT_BLOCKS, OBSERVES_USER, MANY_POINTS.

#define_import_path slatesim::candidates

#import slatesim::job::job
#import slatesim::rng::{Stream, RandomWords, DOCUMENT, OBSERVATION}
#import environment::{Parameters, User, Document, sample_document, document_from_fields, observe_document}
#ifdef OBSERVES_USER
#import environment::observe_user
#endif
#import choice
#ifdef MANY_POINTS
#import slatesim::tables
#endif

#ifdef MANY_POINTS
// Rust: `Points` in src/backend/gpu/work/points.rs.
struct Point {
    of_environment: Parameters,
    of_choice: choice::Parameters,
}
@group(0) @binding(1) var<storage, read> points: array<Point>;

// The parameters of this lane's point.
var<private> environment_parameters: Parameters;
var<private> choice_parameters: choice::Parameters;

// Loads the parameters of the point of an episode of the dispatch: before anything that depends on them.
fn enter_point(episode: u32) {
    let point = job.first_point + episode / job.lanes_per_point;
    environment_parameters = points[point].of_environment;
    choice_parameters = points[point].of_choice;
    let first = point * job.numbers_per_point;
    tables::enter(first, first + job.policy_numbers, first + job.corpus_numbers);
}

fn corpus_field(index: u32) -> f32 {
    return tables::corpus_field(index);
}

// Counts the episodes of each point from 0.
fn episode_of_point(episode: u32) -> u32 {
    return episode % job.lanes_per_point;
}
#else
@group(0) @binding(1) var<uniform> environment_parameters: Parameters;
@group(0) @binding(2) var<uniform> choice_parameters: choice::Parameters;
// The fields of document 0, of document 1, and so on.
@group(0) @binding(3) var<storage, read> corpus: array<f32>;

fn corpus_field(index: u32) -> f32 {
    return corpus[index];
}
#endif

// Makes candidate `candidate` of a step.
fn document(stream: Stream, candidate: u32) -> Document {
#ifdef HAS_CORPUS
    var fields: array<f32, #{DOCUMENT_FIELDS}>;
    for (var field = 0u; field < #{DOCUMENT_FIELDS}u; field++) {
        fields[field] = corpus_field(candidate * #{DOCUMENT_FIELDS}u + field);
    }
    return document_from_fields(fields);
#else
    return sample_document(environment_parameters, candidate, RandomWords(stream, DOCUMENT, candidate * #{DOCUMENT_BLOCKS}u));
#endif
}

// What is observed of candidate `candidate` of a step.
fn features(stream: Stream, candidate: u32) -> array<f32, #{DOCUMENT_SIZE}> {
    return observe_document(environment_parameters, document(stream, candidate));
}

#ifdef OBSERVES_USER
// What is observed of a user at a step.
fn user_features(stream: Stream, user: User) -> array<f32, #{USER_SIZE}> {
    return observe_user(environment_parameters, user, RandomWords(stream, OBSERVATION, 0u));
}
#endif

// Names the draws of a step of the episode of lane `lane`, counting from the job's first episode.
fn stream_of_lane(lane: u32, step: u32) -> Stream {
    let low = job.first_episode.x + lane;
    let carry = select(0u, 1u, low < lane);
    return Stream(job.key, vec2<u32>(low, job.first_episode.y + carry), step);
}
