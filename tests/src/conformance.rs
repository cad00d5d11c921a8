//! The checks in `tests/conformance/`, served as virtual endpoints and asked for their results.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Api, Gateway, setup::Setup};

/// Both drivers, the default one first.
pub const DRIVERS: [&str; 2] = ["quickjs", "boa"];

/// What stands before each file of checks.
const HARNESS: &str = "harness.js";
/// Seconds that one check may take; a debug build on a busy machine is slow.
const LIMIT: u64 = 15;

/// The results of one file of checks.
#[derive(Debug)]
pub struct Area {
    /// The name of the file without `.js`.
    pub file: String,
    pub edition: String,
    pub name: String,
    pub outcomes: Vec<Outcome>,
}

/// The result of one check.
#[derive(Debug)]
pub struct Outcome {
    pub name: String,
    pub section: String,
    pub passed: bool,
    pub saw: String,
    pub expected: String,
}

/// A known failure: driver, file and name of the check.
pub type Failure = (String, String, String);

/// The folder with the checks.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// Runs all files under each driver, in one gateway; areas in the order of the editions.
pub fn run() -> BTreeMap<&'static str, Vec<Area>> {
    let harness = fs::read_to_string(folder().join(HARNESS)).unwrap();
    let files = files();
    let mut setup = Setup::new().set("/jsvm_timeout", LIMIT);
    for file in &files {
        let checks = fs::read_to_string(folder().join(format!("{file}.js"))).unwrap();
        let path = format!("middleware/{file}.js");
        setup = setup.file(&path, format!("{harness}\n{checks}"));
        for driver in DRIVERS {
            let api = Api::new(&format!("{file}-{driver}"))
                .set("/custom_middleware/driver", driver)
                .script_file("GET", "/run", "run_conformance", &path);
            setup = setup.api(api);
        }
    }
    let gateway = setup.start();
    let run = |file: &String, driver: &str| area(&gateway, file, driver);
    DRIVERS.map(|driver| (driver, files.iter().map(|file| run(file, driver)).collect())).into()
}

/// Files of checks by edition: `es5-…`, `annex-b`, `es2015-…`, and so on.
fn files() -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().expect("a name in ASCII"));
    let mut files: Vec<String> = names
        .filter(|name| name != HARNESS)
        .filter_map(|name| name.strip_suffix(".js").map(str::to_owned))
        .collect();
    let edition = |file: &str| {
        let digits = file.trim_start_matches("es").split('-').next().unwrap_or_default();
        // Annex B stands between ES5 and ES2015, the first edition that has it.
        digits.parse::<u32>().unwrap_or(6)
    };
    files.sort_by_key(|file| (edition(file), file.clone()));
    files
}

/// Runs each check of a file in a call of its own, so that nothing which it does reaches another.
fn area(gateway: &Gateway, file: &str, driver: &str) -> Area {
    let path = format!("/{file}-{driver}/run");
    let text =
        |value: &Value| value.as_str().unwrap_or_else(|| panic!("{path}: no text: {value}")).to_owned();
    let answer = gateway.get(&path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let list = answer.json();
    let outcome = |(number, check): (usize, &Value)| {
        let answer = gateway.get(&format!("{path}?check={number}"));
        let (passed, saw) = match answer.status {
            200 => (answer.json()["passed"] == true, text(&answer.json()["saw"])),
            status => (false, format!("a failed call, answered {status}")),
        };
        let (name, section) = (text(&check["name"]), text(&check["section"]));
        Outcome { name, section, passed, saw, expected: text(&check["expected"]) }
    };
    let checks = list["checks"].as_array().unwrap_or_else(|| panic!("{path}: no checks: {list}"));
    Area {
        file: file.to_owned(),
        edition: text(&list["edition"]),
        name: text(&list["area"]),
        outcomes: checks.iter().enumerate().map(outcome).collect(),
    }
}

/// `expected_failures.txt`: the known failures and why they are.
pub fn expected_failures() -> BTreeMap<Failure, String> {
    let text = fs::read_to_string(folder().join("expected_failures.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut failures = BTreeMap::new();
    for line in lines {
        let parts = line
            .split_once(" -- ")
            .and_then(|(check, reason)| Some((check.split_once(": ")?, reason)))
            .and_then(|((place, name), reason)| Some((place.split_once(' ')?, name, reason)));
        let Some(((driver, file), name, reason)) = parts else {
            panic!("expected_failures.txt: not `DRIVER FILE: CHECK -- REASON`: {line}");
        };
        let failure = (driver.to_owned(), file.to_owned(), name.to_owned());
        assert!(
            failures.insert(failure, reason.to_owned()).is_none(),
            "expected_failures.txt: twice: {line}"
        );
    }
    failures
}
