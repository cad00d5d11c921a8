//! Any text as a definition: Tyk OAS documents, with a valid one around the input where it is not one itself, and Classic.
#![no_main]

use gatehouse::apidef::read::{Read, place, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
    // What is inside of an object gets further than what has to be a whole document.
    check(&format!(
        r##"{{"openapi": "3.0.3", "paths": {{"/a": {{"get": {{"operationId": "a", "responses": {text}}}}}}},
        "components": {{"schemas": {text}}}, "x-tyk-api-gateway": {{"info": {{"id": "a", "state": {{"active": true}}}},
        "upstream": {{"url": "http://a/"}}, "server": {{"listenPath": {{"value": "/a/"}}}},
        "middleware": {{"global": {{}}, "operations": {{"a": {text}}}}}}}}}"##
    ));
});

fn check(text: &str) {
    let Read { definition, inactive, problems, .. } = read(text);
    assert_eq!(definition.is_none(), inactive || !problems.refusals.is_empty(), "{problems:?}");
    for problem in problems.refusals.iter().chain(&problems.warnings) {
        place(text, &problem.field);
    }
}
