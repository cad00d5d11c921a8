//! Every route of the admin API. Data only; [`super::routes`] says what the parts of a row are.

use super::{
    apis, cache, keys, oas, plugin_test, policies, reload,
    routes::{
        Query, Route,
        Run::{self, Blocking, Waiting},
    },
    schema, status, versions,
};

const fn query(name: &'static str, meaning: &'static str) -> Query {
    Query { name, meaning }
}

const MODE: Query = query("mode", "`public` leaves `x-tyk-api-gateway` out.");

const LINK: [Query; 4] = [
    query("base_api_id", "Its base: the API whose version it becomes."),
    query("base_api_version_name", "What the base itself is called; needed for its first version."),
    query("new_version_name", "What the version is called."),
    query("set_default", "`true`: requests that name no version get this one."),
];

const WISHES: [Query; 8] = [
    query("upstreamURL", "Where requests go, instead of the document's first server."),
    query("listenPath", "The prefix of its paths; `/` without it."),
    query("customDomain", "The domain that it is served under."),
    query("apiID", "Its id."),
    query(
        "authentication",
        "`true` or `false` switches the schemes of the document's first `security` entry.",
    ),
    query("allowList", "`true`: only the document's operations are served."),
    query("validateRequest", "`true`: requests must be as the document says."),
    query("mockResponse", "`true`: answers are the document's examples."),
];

const IMPORT: [Query; 12] = {
    let [base, base_name, name, default] = LINK;
    let [upstream, listen_path, domain, id, authentication, allow_list, validate, mock] = WISHES;
    [
        upstream,
        listen_path,
        domain,
        id,
        authentication,
        allow_list,
        validate,
        mock,
        base,
        base_name,
        name,
        default,
    ]
};

const VERSION_FILTERS: [Query; 2] = [
    query("searchText", "Only versions whose name or API's name has it."),
    query("accessType", "`internal` or `external`: only those."),
];

const HASHED: Query = query("hashed", "With any value, the key is named by what it is stored under.");
const API_ID: Query = query("api_id", "An API; the key is one of its organisation.");
const ORG_ID: Query = query("org_id", "The organisation of the key, when its name does not have it.");
const SUPPRESS_RESET: Query = query("suppress_reset", "`1`: quota and rate go on as they were.");

const fn get(path: &'static str, operation: &'static str, run: Run) -> Route {
    Route { method: "GET", path, operation, summary: "", query: &[], body: None, gives: "", errors: &[], run }
}

const fn post(path: &'static str, operation: &'static str, run: Run) -> Route {
    Route { method: "POST", ..get(path, operation, run) }
}

const fn put(path: &'static str, operation: &'static str, run: Run) -> Route {
    Route { method: "PUT", ..get(path, operation, run) }
}

const fn patch(path: &'static str, operation: &'static str, run: Run) -> Route {
    Route { method: "PATCH", ..get(path, operation, run) }
}

const fn delete(path: &'static str, operation: &'static str, run: Run) -> Route {
    Route { method: "DELETE", ..get(path, operation, run) }
}

impl Route {
    const fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    const fn query(self, query: &'static [Query]) -> Self {
        Self { query, ..self }
    }

    const fn takes(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn gives(self, gives: &'static str) -> Self {
        Self { gives, ..self }
    }

    const fn errors(self, errors: &'static [u16]) -> Self {
        Self { errors, ..self }
    }
}

/// Everything. A row with a fixed segment stands before one with a parameter at the same place.
// One row, three lines: rustfmt would make it a column of fragments.
#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    get("/tyk/apis", "listApis", Blocking(apis::list))
        .summary("All Tyk Classic definitions in app_path, as written")
        .gives("Definitions"),
    post("/tyk/apis", "addApi", Blocking(apis::add))
        .summary("Adds a Tyk Classic definition; it is served after a reload")
        .query(&LINK).takes("Definition").gives("Modified").errors(&[400, 409, 422]),
    get("/tyk/apis/oas", "listOasApis", Blocking(oas::list))
        .summary("All Tyk OAS definitions in app_path, as written")
        .query(&[MODE]).gives("OasDefinitions"),
    post("/tyk/apis/oas", "addOasApi", Blocking(oas::add))
        .summary("Adds a Tyk OAS definition; it is served after a reload")
        .query(&LINK).takes("OasDefinition").gives("Modified").errors(&[400, 409, 422]),
    post("/tyk/apis/oas/import", "importOasApi", Blocking(oas::import))
        .summary("Adds an OpenAPI document as a Tyk OAS definition; it is served after a reload")
        .query(&IMPORT).takes("OpenApiDocument").gives("Modified").errors(&[400, 409, 422]),
    get("/tyk/apis/oas/export", "exportOasApis", Blocking(oas::export_all))
        .summary("All Tyk OAS definitions, as a file to save")
        .query(&[MODE]).gives("File"),
    get("/tyk/apis/oas/{apiID}", "getOasApi", Blocking(oas::get))
        .summary("A Tyk OAS definition as written")
        .query(&[MODE]).gives("OasDefinition").errors(&[400, 404]),
    put("/tyk/apis/oas/{apiID}", "updateOasApi", Blocking(oas::update))
        .summary("Replaces a Tyk OAS definition; it is served after a reload")
        .takes("OasDefinition").gives("Modified").errors(&[400, 404, 409]),
    patch("/tyk/apis/oas/{apiID}", "patchOasApi", Blocking(oas::patch))
        .summary("Gives a Tyk OAS definition another document and keeps the gateway's part, unless it is sent too; it is served after a reload")
        .query(&WISHES).takes("OpenApiDocument").gives("Modified").errors(&[400, 404, 409]),
    delete("/tyk/apis/oas/{apiID}", "deleteOasApi", Blocking(apis::delete))
        .summary("Removes a definition; it is served until a reload")
        .gives("Modified").errors(&[400, 404]),
    get("/tyk/apis/oas/{apiID}/export", "exportOasApi", Blocking(oas::export))
        .summary("A Tyk OAS definition, as a file to save")
        .query(&[MODE]).gives("File").errors(&[400, 404]),
    get("/tyk/apis/oas/{apiID}/versions", "listOasApiVersions", Blocking(versions::list))
        .summary("The versions of an API that are APIs of their own, itself first")
        .query(&VERSION_FILTERS).gives("Versions").errors(&[400, 404]),
    get("/tyk/apis/{apiID}/versions", "listApiVersions", Blocking(versions::list))
        .summary("The versions of an API that are APIs of their own, itself first")
        .query(&VERSION_FILTERS).gives("Versions").errors(&[400, 404]),
    get("/tyk/apis/{apiID}", "getApi", Blocking(apis::get))
        .summary("A Tyk Classic definition as written")
        .gives("Definition").errors(&[400, 404]),
    post("/tyk/apis/{apiID}", "addApiWithId", Blocking(apis::add))
        .summary("Adds a Tyk Classic definition with this id; it is served after a reload")
        .query(&LINK).takes("Definition").gives("Modified").errors(&[400, 409, 422]),
    put("/tyk/apis/{apiID}", "updateApi", Blocking(apis::update))
        .summary("Replaces a Tyk Classic definition; it is served after a reload")
        .takes("Definition").gives("Modified").errors(&[400, 404, 409]),
    delete("/tyk/apis/{apiID}", "deleteApi", Blocking(apis::delete))
        .summary("Removes a definition; it is served until a reload")
        .gives("Modified").errors(&[400, 404]),
    get("/tyk/keys", "listKeys", Waiting(|call| Box::pin(keys::list(call))))
        .summary("The names of all keys; their hashes, where keys are hashed and enable_hashed_keys_listing is on")
        .query(&[query("filter", "Only keys of this organisation; without effect on hashes.")])
        .gives("Keys").errors(&[404, 503]),
    post("/tyk/keys", "addAnonymousKey", Waiting(|call| Box::pin(keys::add(call))))
        .summary("Makes a key with a random id")
        .query(&[SUPPRESS_RESET, HASHED]).takes("Session").gives("Modified").errors(&[400, 503]),
    post("/tyk/keys/create", "createKey", Waiting(|call| Box::pin(keys::add(call))))
        .summary("Makes a key with a random id")
        .takes("Session").gives("Modified").errors(&[400, 503]),
    post("/tyk/keys/preview", "previewKey", Waiting(|call| Box::pin(keys::preview(call))))
        .summary("What a key would be, with its policies applied; nothing is kept")
        .takes("Session").gives("Session").errors(&[400]),
    post("/tyk/keys/policy/{keyName}", "setPoliciesOfHashedKey", Waiting(|call| Box::pin(keys::set_policies(call))))
        .summary("Gives a key, named by its hash, other policies")
        .takes("PolicyUpdate").gives("Modified").errors(&[400, 404, 503]),
    get("/tyk/keys/{keyName}", "getKey", Waiting(|call| Box::pin(keys::get(call))))
        .summary("The session of a key")
        .query(&[API_ID, ORG_ID, HASHED]).gives("Session").errors(&[400, 404, 503]),
    post("/tyk/keys/{keyName}", "addKey", Waiting(|call| Box::pin(keys::add_named(call))))
        .summary("Makes a key with this id, or replaces it")
        .query(&[SUPPRESS_RESET, HASHED]).takes("Session").gives("Modified").errors(&[400, 503]),
    put("/tyk/keys/{keyName}", "updateKey", Waiting(|call| Box::pin(keys::update(call))))
        .summary("Replaces the session of a key")
        .query(&[SUPPRESS_RESET, HASHED]).takes("Session").gives("Modified").errors(&[400, 404, 503]),
    delete("/tyk/keys/{keyName}", "deleteKey", Waiting(|call| Box::pin(keys::delete(call))))
        .summary("Removes a key")
        .query(&[API_ID, ORG_ID, HASHED]).gives("Modified").errors(&[400, 404, 503]),
    get("/tyk/policies", "listPolicies", Blocking(policies::list))
        .summary("All policies, as written")
        .gives("Policies"),
    post("/tyk/policies", "addPolicy", Blocking(policies::add))
        .summary("Adds a policy; it counts after a reload")
        .takes("Policy").gives("Modified").errors(&[400, 404, 409]),
    get("/tyk/policies/{polID}", "getPolicy", Blocking(policies::get))
        .summary("A policy, as written")
        .gives("Policy").errors(&[400, 404]),
    post("/tyk/policies/{polID}", "addPolicyWithId", Blocking(policies::add))
        .summary("Adds a policy with this id; it counts after a reload")
        .takes("Policy").gives("Modified").errors(&[400, 404, 409]),
    put("/tyk/policies/{polID}", "updatePolicy", Blocking(policies::update))
        .summary("Replaces a policy; it counts after a reload")
        .takes("Policy").gives("Modified").errors(&[400, 404]),
    delete("/tyk/policies/{polID}", "deletePolicy", Blocking(policies::delete))
        .summary("Removes a policy; it counts until a reload")
        .gives("Modified").errors(&[400, 404]),
    delete("/tyk/cache/{apiID}", "dropCache", Waiting(|call| Box::pin(cache::drop_api(call))))
        .summary("Throws away the kept answers of an API, at all gateways of the store")
        .gives("Message").errors(&[400, 503]),
    post("/tyk/plugins/test", "testPlugin", Waiting(|call| Box::pin(plugin_test::test(call))))
        .summary("Calls a hook, a virtual endpoint or a function of a plugin once, without a client")
        .takes("PluginTest").gives("PluginTestResult").errors(&[400, 404]),
    get("/tyk/reload", "reload", Waiting(|call| Box::pin(reload::this(call))))
        .summary("Reloads this gateway: definitions, scripts, plugins; opens endpoints that crashes have closed")
        .query(&[query("block","`true`: the answer comes when the new definitions are served, or says why not.",)])
        .gives("Message"),
    get("/tyk/reload/group", "reloadGroup", Waiting(|call| Box::pin(reload::group(call))))
        .summary("Reloads all gateways of the same store")
        .gives("Message").errors(&[503]),
    get("/tyk/gatehouse/status", "status", Blocking(status::get))
        .summary("What is loaded, what is refused and why; not in Tyk")
        .gives("Status"),
    get("/tyk/schema/admin", "schema", Blocking(schema::get))
        .summary("This document")
        .gives("Object"),
];
