//! Any text as a definition: Tyk OAS documents, with a valid one around the input where it is not one itself, and Classic.
#![no_main]

use gatehouse::apidef::read::{Read, place, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
    // What is inside of an object gets further than what has to be a whole document.
    check(&format!(
        r##"{{"openapi": "3.0.3", "paths": {{"/a": {{"get": {{"operationId": "a", "responses": {text}, "parameters": [{text}],
            "requestBody": {{"content": {{"application/json": {{"schema": {text}}}}}}}}}}}}},
        "components": {{"schemas": {text}}}, "x-tyk-api-gateway": {{"info": {{"id": "a", "state": {{"active": true}}}},
        "upstream": {{"url": "http://a/"}}, "server": {{"listenPath": {{"value": "/a/"}}}},
        "middleware": {{"global": {{}}, "operations": {{"a": {text}}}}}}}}}"##
    ));
    // A schema that requests are checked against, which may refer to itself.
    check(&format!(
        r##"{{"openapi": "3.0.3", "paths": {{"/a": {{"post": {{"operationId": "a", "requestBody":
        {{"content": {{"application/json": {{"schema": {{"$ref": "#/components/schemas/a"}}}}}}}}}}}}}},
        "components": {{"schemas": {{"a": {text}}}}}, "x-tyk-api-gateway": {{"info": {{"id": "a", "state": {{"active": true}}}},
        "upstream": {{"url": "http://a/"}}, "server": {{"listenPath": {{"value": "/a/"}}}},
        "middleware": {{"operations": {{"a": {{"validateRequest": {{"enabled": true}}}}}}}}}}}}"##
    ));
});

fn check(text: &str) {
    let Read { definition, inactive, problems, .. } = read(text);
    assert_eq!(definition.is_none(), inactive || !problems.refusals.is_empty(), "{problems:?}");
    for problem in problems.refusals.iter().chain(&problems.warnings) {
        place(text, &problem.field);
    }
}
