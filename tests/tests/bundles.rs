//! Bundles of hooks, and the folders of hooks beside definitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::{Cursor, Write as _};

use gatehouse_tests::{
    Api, Document, Gateway, Reply, Request, Setup, Upstream, log::message, plugin::library,
    script_hook::request_source,
};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A zip file of these entries.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A manifest for one source.
fn manifest(source: &str, middleware: &Value) -> Vec<u8> {
    let manifest = json!({"file_list": ["mine.js"], "checksum": md5(source.as_bytes()), "custom_middleware": middleware});
    manifest.to_string().into_bytes()
}

fn source() -> String {
    request_source("mine", "request.SetHeaders['X-Bundle'] = 'yes';")
}

fn pre() -> Value {
    json!({"driver": "otto", "pre": [{"name": "mine", "path": "mine.js"}]})
}

/// A good bundle.
fn bundle() -> Vec<u8> {
    zip(&[("manifest.json", &manifest(&source(), &pre())), ("mine.js", source().as_bytes())])
}

fn api(upstream: &Upstream) -> Api {
    Api::new("api").target(upstream).set("/custom_middleware_bundle", "mine.zip")
}

/// A gateway that fetches bundles from there.
fn fetching(upstream: &Upstream, base: &str) -> Gateway {
    Setup::new()
        .set("/enable_bundle_downloader", true)
        .set("/bundle_base_url", base)
        .api(api(upstream))
        .start()
}

#[test]
fn a_bundle_is_fetched_once_and_kept() {
    let upstream = Upstream::echo();
    let server = Upstream::fixed(Reply::new(200, bundle()));
    let gateway = fetching(&upstream, &server.url("/bundles/"));
    assert_eq!(gateway.get("/api/a").status, 200);
    assert_eq!(upstream.only_request().header("x-bundle"), Some("yes"));
    assert_eq!(server.only_request().target, "/bundles/mine.zip");
    gateway.reload();
    gateway.get("/api/a");
    assert_eq!((server.count(), upstream.requests().pop().unwrap().header("x-bundle")), (1, Some("yes")));
    // What was changed on the disk is not used.
    let folder = format!("middleware/bundles/{}", md5(b"mine.zip"));
    gateway.write(&format!("{folder}/mine.js"), "var changed = 1;");
    gateway.reload();
    assert_eq!(gateway.get("/api/a").status, 404);
    gateway.wait_for_log(|line| message(line).contains("checksum"));
}

#[test]
fn a_bundle_may_be_there_already_or_in_a_folder() {
    let upstream = Upstream::echo();
    let folder = format!("middleware/bundles/{}", md5(b"mine.zip"));
    let there = Setup::new()
        .file(&format!("{folder}/manifest.json"), manifest(&source(), &pre()))
        .file(&format!("{folder}/mine.js"), source());
    assert_eq!(there.api(api(&upstream)).start().get("/api/a").status, 200);
    let setup = Setup::new().file("from/mine.zip", bundle()).set("/enable_bundle_downloader", true);
    let base = format!("file://{}/from", setup.folder().display());
    let gateway = setup.set("/bundle_base_url", base).api(api(&upstream)).start();
    assert_eq!(gateway.get("/api/a").status, 200);
    assert!(upstream.requests().iter().all(|seen| seen.header("x-bundle") == Some("yes")));
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_bundle_brings_all_kinds_of_hooks_and_plugins_as_well() {
    let upstream = Upstream::echo();
    let library = std::fs::read(library("hello")).unwrap();
    let middleware = json!({
        "auth_check": {"name": "check", "path": "mine.js"},
        "post": [{"name": "add_foo_bar_header", "path": "libhello.so"}],
    });
    let source = request_source("check", "return check.ReturnAuthData(request, {});");
    let checksum = md5(&[source.as_bytes(), &library].concat());
    let manifest = json!({"file_list": ["mine.js", "libhello.so"], "checksum": checksum, "custom_middleware": middleware});
    let bundle = zip(&[
        ("manifest.json", manifest.to_string().as_bytes()),
        ("mine.js", source.as_bytes()),
        ("libhello.so", &library),
    ]);
    let server = Upstream::fixed(Reply::new(200, bundle));
    let api = api(&upstream).set("/use_keyless", false).set("/custom_plugin_auth_enabled", true);
    let gateway = Setup::new()
        .set("/enable_bundle_downloader", true)
        .set("/bundle_base_url", server.url("/"))
        .api(api)
        .start();
    let answer = gateway.get("/api/a");
    assert_eq!((answer.status, answer.header("x-plugin")), (200, "hello"), "{}", answer.text());
}

#[test]
fn a_document_may_name_a_bundle() {
    let upstream = Upstream::echo();
    let server = Upstream::fixed(Reply::new(200, bundle()));
    let document = Document::new("shop")
        .target(&upstream)
        .tyk(
            "/middleware/global/prePlugins",
            json!([{"enabled": true, "functionName": "gone", "path": "gone.js"}]),
        )
        .tyk("/middleware/global/pluginConfig/bundle", json!({"enabled": true, "path": "mine.zip"}));
    let fetching = || Setup::new().set("/enable_bundle_downloader", true).document(&document);
    let gateway = fetching().set("/bundle_base_url", server.url("/")).start();
    assert_eq!(gateway.get("/shop/a").status, 200);
    assert_eq!(upstream.only_request().header("x-bundle"), Some("yes"));
    let gateway = fetching().set("/bundle_base_url", "http://127.0.0.1:1/").start();
    assert_eq!(gateway.get("/shop/a").status, 404);
    gateway.wait_for_log(|line| {
        line["field"] == "x-tyk-api-gateway.middleware.global.pluginConfig.bundle"
            && message(line).contains("127.0.0.1:1")
    });
}

#[test]
fn a_bundle_that_cannot_be_used_keeps_its_api_closed() {
    let source = source();
    let outside = json!({"pre": [{"name": "mine", "path": "../../../../outside.js"}]});
    let entries: [(&str, Vec<u8>, &str); 7] = [
        ("not a zip", b"hello".to_vec(), "not a zip file"),
        ("no manifest", zip(&[("mine.js", source.as_bytes())]), "manifest.json"),
        (
            "checksum",
            zip(&[("manifest.json", &manifest("x", &pre())), ("mine.js", source.as_bytes())]),
            "checksum",
        ),
        (
            "zip slip",
            zip(&[("../../evil.js", b"x"), ("manifest.json", &manifest(&source, &pre()))]),
            "leads elsewhere",
        ),
        ("a file that is missing", zip(&[("manifest.json", &manifest(&source, &pre()))]), "mine.js"),
        (
            "a source outside",
            zip(&[("manifest.json", &manifest(&source, &outside)), ("mine.js", source.as_bytes())]),
            "outside.js",
        ),
        ("a bomb", zip(&[("manifest.json", &vec![b' '; 20 << 20])]), "max_bundle_bytes"),
    ];
    for (what, bytes, words) in entries {
        let upstream = Upstream::echo();
        let server = Upstream::fixed(Reply::new(200, bytes));
        let gateway = fetching(&upstream, &server.url("/"));
        assert_eq!(gateway.get("/api/a").status, 404, "{what}");
        let line = gateway.wait_for_log(|line| line["field"] == "custom_middleware_bundle");
        assert!(message(&line).contains(words), "{what}: {line}");
        assert_eq!(upstream.count(), 0);
        assert!(!gateway.folder().join("evil.js").exists());
        // Nothing is left to be taken for a bundle the next time.
        let left = std::fs::read_dir(gateway.folder().join("middleware/bundles"));
        assert!(left.is_err() || left.unwrap().next().is_none(), "{what}");
    }
}

#[test]
fn a_bundle_that_is_nowhere_keeps_its_api_closed() {
    let upstream = Upstream::echo();
    let closed = |setup: Setup, words: &str| {
        let gateway = setup.api(api(&upstream)).start();
        assert_eq!(gateway.get("/api/a").status, 404);
        gateway.wait_for_log(|line| {
            line["field"] == "custom_middleware_bundle" && message(line).contains(words)
        });
    };
    closed(Setup::new(), "enable_bundle_downloader");
    let server = Upstream::fixed(Reply::new(404, "no"));
    closed(Setup::new().set("/bundle_base_url", server.url("/")), "enable_bundle_downloader");
    assert_eq!(server.count(), 0);
    let fetching = || Setup::new().set("/enable_bundle_downloader", true);
    closed(fetching().set("/bundle_base_url", server.url("/")), "answered 404");
    closed(fetching().set("/bundle_base_url", "http://127.0.0.1:1/"), "127.0.0.1:1");
    let no_key = fetching().set("/bundle_base_url", server.url("/")).set("/public_key_path", "key.pem");
    closed(no_key, "`public_key_path`: key.pem: No such file");
    let weird = fetching().set("/bundle_base_url", server.url("/")).set("/public_key_path", "key.pem");
    closed(
        weird.file("key.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        "is not an RSA key",
    );
    let disabled = api(&upstream).set("/custom_middleware_bundle_disabled", true);
    assert_eq!(Gateway::serving([disabled]).get("/api/a").status, 200);
    let escaping = api(&upstream).set("/custom_middleware_bundle", "../../apps");
    assert_eq!(
        fetching().set("/bundle_base_url", server.url("/")).api(escaping).start().get("/api/a").status,
        404
    );
}

#[test]
fn folders_beside_definitions_have_hooks() {
    let upstream = Upstream::echo();
    let note = |name: &str| {
        request_source(
            name,
            &format!(
                "request.SetHeaders['X-Order'] = (request.Headers['X-Order'] || '') + '{name} ' + typeof session.alias + ';';"
            ),
        )
    };
    let check = request_source("check", "return check.ReturnAuthData(request, {alias: 'Ada'});");
    let api = Api::new("api")
        .target(&upstream)
        .set("/use_keyless", false)
        .set("/custom_plugin_auth_enabled", true)
        .set("/custom_middleware/pre", json!([{"name": "first", "path": "middleware/first.js"}]));
    let gateway = Setup::new()
        .file("middleware/first.js", note("first"))
        .file("middleware/api/pre/b.js", note("b"))
        .file("middleware/api/pre/a.js", note("a"))
        .file("middleware/api/pre/readme.txt", "not a script")
        .file("middleware/api/auth/check.js", check)
        .file("middleware/api/post_auth/c_with_session.js", note("c_with_session"))
        .file("middleware/api/post/d.js", note("d"))
        .api(api)
        .start();
    let answer = gateway.send(Request::get("/api/x"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        upstream.only_request().header("x-order"),
        Some("first undefined;a undefined;b undefined;c_with_session string;d undefined;")
    );
}

/// Runs openssl, which makes keys and signatures here so that nothing of ours does; `None` when it is not installed.
fn openssl(folder: &std::path::Path, arguments: &str) -> Option<Vec<u8>> {
    let done = std::process::Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stderr(std::process::Stdio::null())
        .output();
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: openssl is not installed");
            None
        }
        done => {
            let done = done.unwrap();
            assert!(done.status.success(), "openssl {arguments}");
            Some(done.stdout)
        }
    }
}

/// The good bundle with this signature.
fn signed(signature: &str) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(&manifest(&source(), &pre())).unwrap();
    manifest["signature"] = signature.into();
    zip(&[("manifest.json", manifest.to_string().as_bytes()), ("mine.js", source().as_bytes())])
}

#[test]
fn signed_bundles_count_when_they_are_asked_for() {
    let keys = tempfile::tempdir().unwrap();
    let run = |arguments: &str| openssl(keys.path(), arguments);
    if run("genrsa -out private.pem 2048").is_none() {
        return;
    }
    std::fs::write(keys.path().join("mine.js"), source()).unwrap();
    let good = run("dgst -sha256 -sign private.pem mine.js").unwrap();
    std::fs::write(keys.path().join("other.js"), "var other = 1;").unwrap();
    let of_others = run("dgst -sha256 -sign private.pem other.js").unwrap();
    run("genrsa -out stranger.pem 2048").unwrap();
    let of_stranger = run("dgst -sha256 -sign stranger.pem mine.js").unwrap();
    let spki = run("rsa -in private.pem -pubout").unwrap();
    let pkcs1 = run("rsa -in private.pem -RSAPublicKey_out").unwrap();
    run("genrsa -out weak.pem 1024").unwrap();
    let weak = run("rsa -in weak.pem -pubout").unwrap();
    run("ecparam -name prime256v1 -genkey -noout -out curve.pem").unwrap();
    let curve = run("ec -in curve.pem -pubout").unwrap();
    let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    for (what, key, bundle, refused) in [
        ("signed", &spki, signed(&base64(&good)), None),
        ("signed, the key in its older form", &pkcs1, signed(&base64(&good)), None),
        ("not signed", &spki, bundle(), Some("has no `signature`")),
        ("of other files", &spki, signed(&base64(&of_others)), Some("was not made of these files")),
        ("of another key", &spki, signed(&base64(&of_stranger)), Some("was not made of these files")),
        (
            "of another key, older form",
            &pkcs1,
            signed(&base64(&of_stranger)),
            Some("was not made of these files"),
        ),
        ("not base64", &spki, signed("?"), Some("is not base64")),
        ("a weak key", &weak, signed(&base64(&good)), Some("is not an RSA key of 2,048 to 8,192 bits")),
        (
            "a key of another kind",
            &curve,
            signed(&base64(&good)),
            Some("is not an RSA key of 2,048 to 8,192 bits"),
        ),
    ] {
        let upstream = Upstream::echo();
        let server = Upstream::fixed(Reply::new(200, bundle));
        let gateway = Setup::new()
            .set("/enable_bundle_downloader", true)
            .set("/bundle_base_url", server.url("/"))
            .set("/public_key_path", "key.pem")
            .file("key.pem", key)
            .api(api(&upstream))
            .start();
        let status = gateway.get("/api/a").status;
        match refused {
            None => {
                assert_eq!(status, 200, "{what}");
                assert_eq!(upstream.only_request().header("x-bundle"), Some("yes"), "{what}");
            }
            Some(words) => {
                assert_eq!((status, upstream.count()), (404, 0), "{what}");
                let line = gateway.wait_for_log(|line| line["field"] == "custom_middleware_bundle");
                assert!(message(&line).contains(words), "{what}: {line}");
            }
        }
    }
}

#[test]
fn bundles_that_are_there_are_checked_for_signatures_too() {
    let upstream = Upstream::echo();
    let server = Upstream::fixed(Reply::new(200, bundle()));
    let gateway = fetching(&upstream, &server.url("/"));
    assert_eq!(gateway.get("/api/a").status, 200);
    // The same folder under a configuration that asks for signatures.
    let folder = format!("middleware/bundles/{}", md5(b"mine.zip"));
    let read = |name: &str| std::fs::read(gateway.folder().join(&folder).join(name)).unwrap();
    let there = Setup::new()
        .file(&format!("{folder}/manifest.json"), read("manifest.json"))
        .file(&format!("{folder}/mine.js"), read("mine.js"));
    let keys = tempfile::tempdir().unwrap();
    if openssl(keys.path(), "genrsa -out private.pem 2048").is_none() {
        return;
    }
    let key = openssl(keys.path(), "rsa -in private.pem -pubout").unwrap();
    let gateway = there.file("key.pem", key).set("/public_key_path", "key.pem").api(api(&upstream)).start();
    assert_eq!(gateway.get("/api/a").status, 404);
    gateway.wait_for_log(|line| message(line).contains("has no `signature`"));
}
