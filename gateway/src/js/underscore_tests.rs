// `_` under a driver against the npm package. Included by the tests of each driver.

/// What the npm package made of the calls in `tests/underscore/cases.mjs`, one after the other.
#[test]
fn underscore_does_as_the_package_did() {
    let recorded = include_str!("../../../tests/underscore/recorded.json");
    let source = format!(
        "{}\n{}\nvar recorded = {recorded};
        function f() {{
            return JSON.stringify(recorded.map(function (row) {{
                var body = row[0].indexOf('do: ') === 0 ? row[0].slice(4) : 'return (' + row[0] + ')';
                return outcome(function () {{
                    return (0, eval)('resetClock(); (function () {{ ' + body + '\\n}})()');
                }});
            }}));
        }}",
        include_str!("../../../tests/underscore/prelude.js"),
        include_str!("../../../tests/underscore/show.js"),
    );
    let limit = Duration::from_secs(240);
    let found = call_within(&mut load(&source), &call_of("f"), FakeHost::default(), limit).unwrap();
    let found: Vec<String> = serde_json::from_str(&found).unwrap();
    let recorded: Vec<(String, String)> = serde_json::from_str(recorded).unwrap();
    assert_eq!(found.len(), recorded.len());
    let rows = recorded.iter().zip(&found).filter(|((_, expected), found)| expected != *found);
    let different: Vec<String> =
        rows.map(|((call, expected), found)| format!("{call}\n    package: {expected}\n    here: {found}")).collect();
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
