//! `gatehouse plugin …`: what authors are told about their plugins, and a crate from nothing to a call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{fs, path::Path, process::Command};

use gatehouse_tests::{
    Api, Reply, Setup, Upstream,
    plugin::library,
    plugin_command::{Left, PluginCommand},
};
use serde_json::{Value, json};

fn check(file: &Path) -> PluginCommand {
    PluginCommand::new(["check".as_ref(), file.as_os_str()])
}

/// A call of a function of an example.
fn call(example: &str, function: &str, arguments: &[&str]) -> Left {
    let file = library(example);
    PluginCommand::new(["run".as_ref(), file.as_os_str(), function.as_ref()]).arguments(arguments).run()
}

/// What it prints as JSON, of a call that must have succeeded.
fn called(example: &str, function: &str, arguments: &[&str]) -> Value {
    let left = call(example, function, &[arguments, &["--json"]].concat());
    assert_eq!(left.code, Some(0), "{left:#?}");
    left.json()
}

/// The value of a header in a list of pairs.
fn header<'a>(headers: &'a Value, name: &str) -> Option<&'a str> {
    headers.as_array()?.iter().find(|pair| pair[0] == name)?[1].as_str()
}

#[test]
fn check_tells_what_a_library_is() {
    let text = check(&library("hello")).run().success();
    for part in [
        "ABI         1.",
        "SDK         gatehouse-plugin ",
        "compiler    rustc ",
        "panics      unwind",
        "package     example-hello 0.1.0",
        "#[init]     has run",
        "verdict     a gateway loads it",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let place = text.lines().find(|line| line.starts_with("  hello ")).unwrap();
    assert!(place.contains("endpoint or request hook  sync  example-plugins/hello/src/lib.rs:"), "{place}");

    let report = check(&library("aggregate")).arguments(["--json"]).run().json();
    assert_eq!(
        (&report["verdict"], &report["error"], &report["panic"]),
        (&json!("loads"), &Value::Null, &json!("unwind"))
    );
    let function = &report["functions"][0];
    assert_eq!(
        (&function["name"], &function["kind"], &function["mode"]),
        (&json!("dashboard"), &json!("request"), &json!("async"))
    );
}

#[test]
fn check_says_what_a_gateway_would_say() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("libmissing.so");
    let left = check(&missing).run();
    assert_eq!(left.code, Some(2), "{left:#?}");
    assert!(
        left.errors.starts_with(&format!("gatehouse: plugin {}: there is no such file", missing.display())),
        "{left:#?}"
    );

    let cut = folder.path().join("libcut.so");
    let bytes = fs::read(library("hello")).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let left = check(&cut).run();
    assert_eq!(left.code, Some(1), "{left:#?}");
    assert!(
        left.output.contains("verdict     a gateway refuses it")
            && left.output.contains("  remedy: copy it again"),
        "{left:#?}"
    );

    // Its #[init] fails, which only loading shows.
    let partners = |arguments: &[&str]| {
        check(&library("auth")).arguments(arguments).environment("PARTNERS_FILE", &missing).run()
    };
    let left = partners(&[]);
    assert_eq!(left.code, Some(1), "{left:#?}");
    assert!(
        left.output.contains("its #[init] failed: ") && left.output.contains("libmissing.so"),
        "{left:#?}"
    );
    assert!(left.output.contains("  partner  authentication  sync"), "{left:#?}");
    let left = partners(&["--no-load"]);
    assert_eq!(left.code, Some(0), "{left:#?}");
    assert!(left.output.contains("there is one; it was not run"), "{left:#?}");
    assert_eq!(partners(&["--json"]).json()["verdict"], "refused");
}

#[test]
fn load_is_as_in_tyk() {
    let load = |file: &Path, name: &str| {
        PluginCommand::new(["load", "-f"]).arguments([file]).arguments(["-s", name]).run()
    };
    let hello = library("hello");
    let text = load(&hello, "visits").success();
    assert!(
        text.starts_with(&format!("[file={}, symbol=visits] loaded ok, got ", hello.display())),
        "{text}"
    );
    let left = load(&hello, "visit");
    assert_eq!(left.code, Some(1), "{left:#?}");
    assert!(
        left.errors.contains("has no function `visit`; it has ") && left.errors.contains("remedy: "),
        "{left:#?}"
    );
    assert_eq!(load(Path::new("nowhere/libx.so"), "x").code, Some(2));
}

#[test]
fn run_shows_the_answer_of_an_endpoint() {
    let left = call("hello", "hello", &["--request", "/greet?a=1", "-H", "X-Name: Ada"]);
    let text = left.success();
    let expected = "log INFO    greeting Ada\nfunction    hello (endpoint or request hook, sync)\noutcome     it answers\n            \
                    200 OK\n            content-type: application/json\n\n            {\"message\":\"Hello, Ada!\",\"path\":\"/greet\"}\ntime        ";
    assert!(text.starts_with(expected), "{text}");

    let report = called("hello", "hello", &[]);
    assert_eq!((&report["outcome"], &report["response"]["status"]), (&json!("respond"), &json!(200)));
    assert_eq!(report["logs"], json!([{ "level": "INFO", "message": "greeting stranger" }]));
}

#[test]
fn run_shows_what_a_hook_changed() {
    let report = called("hello", "add_foo_bar_header", &["-X", "PUT /a", "-d", "body"]);
    assert_eq!(report["outcome"], "continue");
    assert_eq!(report["request"]["changes"], json!(["header foo: bar (new)"]));
    assert_eq!((&report["request"]["method"], &report["request"]["body"]), (&json!("PUT"), &json!("body")));
    assert_eq!(header(&report["response_headers"], "x-plugin"), Some("hello"));

    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session.json");
    fs::write(&session, r#"{"alias": "ada", "meta_data": {"plan": "gold"}}"#).unwrap();
    let session = format!("@{}", session.display());
    let arguments = ["--config", r#"{"plans": ["gold"]}"#, "--session", &session, "-X", "/reports"];
    let report = called("policy", "by_plan", &arguments);
    assert_eq!(
        report["session"],
        json!({ "alias": "ada", "meta_data": { "plan": "gold", "last_path": "/reports" } })
    );
    assert_eq!(report["metrics"][0]["name"], "policy_decisions_total");
    let text = call("policy", "by_plan", &arguments).success();
    assert!(text.contains("metrics     policy_decisions_total{plan=\"gold\"} +1\n"), "{text}");
    assert!(text.contains("request     header x-plan: gold (new)\n"), "{text}");
}

#[test]
fn run_asks_for_authentication() {
    let folder = tempfile::tempdir().unwrap();
    let partners = folder.path().join("partners");
    fs::write(&partners, "k-1 Ada\n").unwrap();
    let login = |arguments: &[&str]| {
        let file = library("auth");
        let command = PluginCommand::new(["run".as_ref(), file.as_os_str(), "partner".as_ref()]);
        command.arguments(arguments).environment("PARTNERS_FILE", &partners).run().success()
    };
    let text = login(&["-H", "x-partner-key: k-1"]);
    assert!(
        text.contains("outcome     the caller is let in with this session\n")
            && text.contains("\"alias\": \"Ada\""),
        "{text}"
    );
    assert!(text.contains("request     header x-partner-key taken out (was k-1)\n"), "{text}");
    let text = login(&["-H", "x-partner-key: other"]);
    assert!(text.contains("log WARN    an unknown key from 127.0.0.1:"), "{text}");
    assert!(
        text.contains("the caller is refused: 403 Forbidden, \"Access to this API has been disallowed\"\n"),
        "{text}"
    );
}

#[test]
fn run_gives_a_response_hook_an_answer_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("answer.http");
    fs::write(
        &answer,
        "HTTP/1.1 203 Other\nContent-Type: application/json\nServer: x\n\n{\"email\":\"a@x\"}",
    )
    .unwrap();
    let answer = format!("@{}", answer.display());
    let definition = r#"{"api_id": "7", "config_data": {"redact": ["email"]}}"#;
    let arguments = ["--response", &answer, "--definition", definition];
    let report = called("transform_response", "redact", &arguments);
    assert_eq!(report["response"]["body"], r#"{"email":"(redacted)"}"#);
    assert_eq!(
        (&report["response"]["status"], header(&report["response"]["headers"], "x-redacted")),
        (&json!(203), Some("1"))
    );
    let text = call("transform_response", "redact", &arguments).success();
    assert!(text.contains("            header server taken out (was x)\n"), "{text}");
}

#[test]
fn run_makes_outbound_calls() {
    let upstream = Upstream::answering(|request| Reply::json(&json!({ "path": request.path() })));
    let config = json!({ "users": upstream.url(""), "orders": upstream.url("") }).to_string();
    let report = called("aggregate", "dashboard", &["--config", &config, "-H", "x-user: 9"]);
    let body: Value = serde_json::from_str(report["response"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({ "user": { "path": "/users/9" }, "orders": { "path": "/orders" }, "missing": [] })
    );
}

#[test]
fn run_fails_as_the_function_does() {
    let left = call("hello", "fragile", &["-X", "/?0"]);
    assert_eq!(left.code, Some(1), "{left:#?}");
    let (_, place) = left.output.split_once("outcome     it failed: panicked at ").expect("the panic");
    assert!(place.starts_with("example-plugins/hello/src/lib.rs:"), "{place}");
    assert!(place.contains(": attempt to divide by zero\n"), "{place}");

    let left = call("hello", "fragile", &["-X", "/?0", "--json"]);
    assert_eq!(left.code, Some(1), "{left:#?}");
    let failure = &left.json()["failure"];
    assert_eq!(
        (&failure["kind"], &failure["message"]),
        (&json!("panic"), &json!("attempt to divide by zero"))
    );

    // A configuration that the function does not understand.
    let left = call("policy", "by_plan", &["--config", "{}"]);
    assert_eq!(left.code, Some(1), "{left:#?}");
    assert!(
        left.output.contains("it failed: ") && left.output.contains("missing field `plans`"),
        "{left:#?}"
    );
}

#[test]
fn run_says_which_argument_is_wrong() {
    let cases: [(&[&str], &str); 7] = [
        (&["-X", "GET a b c"], "gatehouse: --request: `GET a b c` is neither "),
        (&["-H", "no header"], "gatehouse: --header: `no header` is not a header; write `NAME: VALUE`"),
        (&["--config", "{"], "gatehouse: --config: it is not JSON: "),
        (&["--session", "[]"], "gatehouse: --session: it is not a JSON object"),
        (&["-d", "@no/such/file"], "gatehouse: no/such/file: --data: No such file or directory"),
        (&["--timeout=-1"], "gatehouse: --timeout: -1 is not a number of seconds"),
        (
            &["--response", "200"],
            "gatehouse: --response: only a response hook is given an answer, and `hello` is made with #[endpoint]",
        ),
    ];
    for (arguments, expected) in cases {
        let left = call("hello", "hello", arguments);
        assert_eq!(left.code, Some(2), "{left:#?}");
        assert!(left.errors.starts_with(expected), "{expected}\n{left:#?}");
    }
    let left = call("hello", "helo", &[]);
    assert_eq!(left.code, Some(1), "{left:#?}");
}

#[test]
fn new_depends_on_the_sdk_of_a_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let checkout = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    let dependency = |made: &str, command: PluginCommand| {
        command.folder(folder.path()).run().success();
        let manifest = fs::read_to_string(folder.path().join(made).join("Cargo.toml")).unwrap();
        manifest.lines().find(|line| line.starts_with("gatehouse-plugin = ")).unwrap().to_owned()
    };
    let expected = format!("gatehouse-plugin = {{ path = \"{}\" }}", checkout.join("plugin-api").display());
    let named = PluginCommand::new(["new", "named", "--sdk"]).arguments([&checkout]);
    assert_eq!(dependency("named", named), expected);
    let variable =
        PluginCommand::new(["new", "variable"]).environment("GATEHOUSE_SDK", checkout.join("plugin-api"));
    assert_eq!(dependency("variable", variable), expected);
}

#[test]
fn new_refuses_what_would_not_build_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let new =
        |arguments: &[&str]| PluginCommand::new(["new"]).arguments(arguments).folder(folder.path()).run();
    let refused = |arguments: &[&str], expected: &str| {
        let left = new(arguments);
        assert_eq!(left.code, Some(2), "{left:#?}");
        assert!(left.errors.starts_with(expected), "{expected}\n{left:#?}");
    };
    refused(&["match"], "gatehouse: NAME: `match` is a keyword of Rust");
    refused(&["greeting", "--sdk", "."], "gatehouse: --sdk: . is not the SDK");
    fs::create_dir(folder.path().join("greeting")).unwrap();
    fs::write(folder.path().join("greeting/notes.txt"), "mine").unwrap();
    refused(&["greeting"], "gatehouse: --path: ");
    refused(&["greeting", "--path", "greeting/notes.txt"], "gatehouse: --path: ");
    assert_eq!(fs::read(folder.path().join("greeting/notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(folder.path().join("greeting")).unwrap().count(), 1);
}

#[test]
fn build_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let left = PluginCommand::new(["build"]).folder(folder.path()).run();
    assert_eq!(left.code, Some(2), "{left:#?}");
    assert!(left.errors.starts_with("gatehouse: there is no Cargo.toml in "), "{left:#?}");
    fs::write(folder.path().join("Cargo.toml"), "").unwrap();
    let left =
        PluginCommand::new(["build"]).folder(folder.path()).environment("CARGO", "no-such-cargo").run();
    assert_eq!(left.code, Some(2), "{left:#?}");
    assert!(
        left.errors.starts_with("gatehouse: cargo is not there (looked for `no-such-cargo`): install Rust"),
        "{left:#?}"
    );
}

/// Functions that the crate of `plugin new` does not have: of other kinds, blocking, with the store.
const MORE_FUNCTIONS: &str = r#"
#[analytics]
fn mask(record: &mut Record, _: &Context) {
    record.remove("raw_request");
}

#[endpoint(blocking)]
fn slow(_: &mut Request, context: &Context) -> Response {
    while !context.is_cancelled() {
        std::thread::yield_now();
    }
    Response::new(204)
}

#[endpoint]
fn elsewhere(request: &mut Request, _: &Context) -> gatehouse_plugin::Result<()> {
    request.send_to("https://other.example/a")
}

#[endpoint]
fn crash(_: &mut Request, _: &Context) -> Response {
    std::process::abort()
}

#[endpoint]
async fn count(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<Response> {
    context.storage().increment("calls", 2).await?;
    Ok(Response::text(context.storage().increment("calls", 3).await?.to_string()))
}
"#;

/// What the profiles of this workspace say, so that everything below the SDK is there already and not built again.
const AS_HERE: [&str; 7] = [
    "--offline",
    "--config",
    "profile.dev.debug=\"line-tables-only\"",
    "--config",
    "profile.dev.package.\"*\".opt-level=1",
    "--config",
    "profile.dev.package.\"*\".debug=false",
];

/// One test, because it builds the SDK, once for all that can be seen with it.
#[test]
fn a_crate_goes_from_nothing_to_a_call() {
    // The same folder in each run, so that the next one finds the SDK built.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (made, target) = (folder.join("greeting"), folder.parent().unwrap());
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(folder).unwrap();
    // As with a binary and nothing else.
    let new = PluginCommand::new(["new", "greeting", "--copy-sdk"]).folder(folder).run().success();
    assert!(new.starts_with(&format!("Made the plugin `greeting` in {}\n", made.display())), "{new}");

    let build = || {
        let command = PluginCommand::new(["build", "--debug", "--"]).arguments(AS_HERE).folder(&made);
        command.environment("CARGO_TARGET_DIR", target).run()
    };
    let built = build().success();
    let library = target.join("debug/libgreeting.so");
    assert!(built.starts_with(&format!("{}\nsize ", library.display())), "{built}");
    assert!(built.contains("  greet  endpoint or request hook  sync  src/lib.rs:"), "{built}");
    let (_, definition) = built.split_once("In an API definition:\n\n").expect("what to paste");
    let definition: Value = serde_json::from_str(definition).unwrap();
    let endpoint = &definition["version_data"]["versions"]["Default"]["extended_paths"]["rust_plugin"][0];
    assert_eq!((&endpoint["func_name"], &endpoint["plugin_path"]), (&json!("greet"), &json!(library)));

    // What is printed is what a gateway serves.
    let gateway = Setup::new().api(Api::new("shop").endpoint("rust_plugin", endpoint.clone())).start();
    assert_eq!(gateway.get("/shop/greet").text(), "Hello, stranger!\n");

    let test = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .arg("test")
        .args(AS_HERE)
        .current_dir(&made)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&test.stdout);
    assert!(test.status.success() && said.contains("it_greets_by_name ... ok"), "{said}");

    let source = made.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, format!("{text}{MORE_FUNCTIONS}")).unwrap();
    let built = build().success();
    assert!(built.contains("  slow       endpoint or request hook  blocking  src/lib.rs:"), "{built}");
    let run = |arguments: &[&str]| {
        PluginCommand::new(["run".as_ref(), library.as_os_str()])
            .arguments(arguments)
            .arguments(["--json"])
            .run()
    };
    let masked = run(&["mask", "--record", r#"{"path": "/", "raw_request": "secret"}"#]).json();
    assert_eq!(masked["record"], json!({ "path": "/" }));
    assert_eq!(run(&["count"]).json()["response"]["body"], "5");
    let slow = run(&["slow", "--timeout", "0.05"]);
    // It may notice the end of its time before the command does.
    assert!(
        slow.json()["failure"]["kind"] == "timeout" || slow.json()["response"]["status"] == 204,
        "{slow:#?}"
    );

    let elsewhere = run(&["elsewhere"]).json();
    assert_eq!(elsewhere["request"]["sent_to"], "https://other.example/a");
    let crash = run(&["crash"]);
    assert_eq!(crash.code, Some(1), "{crash:#?}");
    let told = format!("gatehouse: plugin {}: signal 6, SIGABRT ", library.display());
    assert!(
        crash.errors.starts_with(&told) && crash.errors.contains(" ended the process in `crash`\n"),
        "{crash:#?}"
    );

    fs::write(&source, format!("{text}\nfn broken() -> u32 {{ \"not a number\" }}\n")).unwrap();
    let failed = build();
    assert_eq!(failed.code, Some(101), "{failed:#?}");
    assert!(failed.errors.contains("error[E0308]: mismatched types"), "{failed:#?}");
}
