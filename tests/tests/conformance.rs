//! The JavaScript of both drivers, feature by feature: the checks in `tests/conformance/` against the list of known
//! failures, and the page that shows it.
//!
//! With `GATEHOUSE_WRITE_PAGE` in the environment the page is written instead of compared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use gatehouse_tests::{
    Api, Gateway,
    conformance::{Area, DRIVERS, Failure, expected_failures, run},
};

/// Checks that there are at least.
const LEAST: usize = 300;
/// What the page begins with; tables and lists are added.
const HEAD: &str = include_str!("../conformance/page_head.txt");

#[test]
fn both_drivers_do_what_the_page_says() {
    let results = run();
    let expected = expected_failures();
    for areas in results.values() {
        let checks: Vec<_> = checks(areas).collect();
        assert!(checks.len() >= LEAST, "{} checks", checks.len());
        assert_eq!(checks.iter().collect::<BTreeSet<_>>().len(), checks.len(), "two checks of one name");
    }
    let [first, second] = DRIVERS.map(|driver| checks(&results[driver]).collect::<Vec<_>>());
    assert_eq!(first, second, "the drivers ran different checks");

    let faults = faults(&results, &expected);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/javascript-conformance.md");
    let page = page(&results, &expected);
    if std::env::var_os("GATEHOUSE_WRITE_PAGE").is_some() {
        fs::write(&path, page).unwrap();
    } else {
        let written = fs::read_to_string(&path).unwrap();
        assert!(
            written == page,
            "docs/src/javascript-conformance.md is not what the checks give; `just conformance` writes it anew"
        );
    }
}

/// What the page says of `Intl`, which is another standard.
#[test]
fn there_is_no_intl() {
    let api = |driver: &str| {
        let body = "return TykJsResponse({Body: typeof Intl, Code: 200}, session.meta_data);";
        Api::new(driver).set("/custom_middleware/driver", driver).virtual_endpoint("GET", "/intl", body)
    };
    let gateway = Gateway::serving(DRIVERS.map(api));
    for driver in DRIVERS {
        gateway.get(&format!("/{driver}/intl")).assert_text("undefined");
    }
}

/// File and name of each check.
fn checks(areas: &[Area]) -> impl Iterator<Item = (&str, &str)> {
    areas
        .iter()
        .flat_map(|area| area.outcomes.iter().map(|outcome| (area.file.as_str(), outcome.name.as_str())))
}

/// Failures that the list does not have, and entries of the list that pass or do not exist.
fn faults(results: &BTreeMap<&str, Vec<Area>>, expected: &BTreeMap<Failure, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known: BTreeSet<_> = expected.keys().collect();
    for (driver, areas) in results {
        for area in areas {
            for outcome in &area.outcomes {
                let failure = ((*driver).to_owned(), area.file.clone(), outcome.name.clone());
                let listed = known.remove(&failure);
                let check = format!("{driver} {}: {}", area.file, outcome.name);
                if outcome.passed && listed {
                    faults.push(format!("passes, but is in expected_failures.txt: {check}"));
                } else if !outcome.passed && !listed {
                    faults.push(format!(
                        "fails: {check} ({}): saw {}, expected {}",
                        outcome.section, outcome.saw, outcome.expected
                    ));
                }
            }
        }
    }
    faults.extend(known.iter().map(|(driver, file, name)| {
        format!("is in expected_failures.txt, but there is no such check: {driver} {file}: {name}")
    }));
    faults
}

/// The whole page.
fn page(results: &BTreeMap<&str, Vec<Area>>, expected: &BTreeMap<Failure, String>) -> String {
    let mut page = HEAD.to_owned();
    let areas = &results[DRIVERS[0]];
    let count = |areas: &[Area]| {
        let outcomes = areas.iter().flat_map(|area| &area.outcomes);
        let passed = outcomes.clone().filter(|outcome| outcome.passed).count();
        format!("{passed} / {}", outcomes.count())
    };
    page.push_str("\n## Results\n\nChecks passed, of all.\n\n| Edition | Area |");
    for driver in DRIVERS {
        write!(page, " `{driver}` |").unwrap();
    }
    page.push_str("\n|---|---|---|---|\n");
    for (place, area) in areas.iter().enumerate() {
        let counts = DRIVERS.map(|driver| count(&results[driver][place..=place])).join(" | ");
        writeln!(page, "| {} | {} | {counts} |", area.edition, area.name).unwrap();
    }
    let counts = DRIVERS.map(|driver| count(&results[driver])).join(" | ");
    writeln!(page, "| all | | {counts} |").unwrap();

    page.push_str("\n## What each lacks\n");
    for driver in DRIVERS {
        write!(page, "\n### {driver}\n\n").unwrap();
        for area in &results[driver] {
            for outcome in area.outcomes.iter().filter(|outcome| !outcome.passed) {
                let failure = (driver.to_owned(), area.file.clone(), outcome.name.clone());
                let (name, reason) = (escaped(&outcome.name), &expected[&failure]);
                writeln!(page, "- {}, {name}: {reason}", area.edition).unwrap();
            }
        }
    }

    page.push_str("\n## All checks\n");
    for area in areas {
        let names: Vec<_> = area.outcomes.iter().map(|outcome| escaped(&outcome.name)).collect();
        write!(page, "\n### {}: {}\n\n{}.\n", area.edition, area.name, names.join("; ")).unwrap();
    }
    page
}

/// A text in which Markdown finds nothing to do.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '$' | '&') {
            escaped.push('\\');
        }
        escaped.push(letter);
        escaped
    })
}
