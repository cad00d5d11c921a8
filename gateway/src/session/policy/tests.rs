//! Policies on sessions, as Tyk applies them.

use serde_json::json;

use super::*;

fn applied(policies: Value, session: Value) -> Result<Session, PolicyError> {
    let named: BTreeMap<String, Policy> = serde_json::from_value(policies).unwrap();
    let mut session: Session = serde_json::from_value(session).unwrap();
    Policies(named).apply(&mut session, "default")?;
    Ok(session)
}

#[test]
fn a_policy_s_values_take_the_place_of_the_session_s() {
    let session = applied(
        json!({"p": {"id": "p", "org_id": "default", "rate": 5, "per": 10, "quota_max": 7, "quota_renewal_rate": 60,
            "access_rights": {"a": {"api_id": "a", "versions": ["Default"]}}, "tags": ["gold"],
            "meta_data": {"plan": "gold"}}}),
        json!({"apply_policies": ["p"], "rate": 100, "per": 1, "quota_max": 1000, "tags": ["own"],
            "meta_data": {"plan": "own", "x": 1}, "access_rights": {"b": {"api_id": "b"}}}),
    )
    .unwrap();
    assert_eq!(
        (session.rate, session.per, session.quota_max, session.quota_renewal_rate),
        (5.0, 10.0, 7, 60)
    );
    assert_eq!(session.access_rights.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(session.access_rights["a"].limit.quota_max, 7);
    assert_eq!(session.tags, ["own", "gold"]);
    assert_eq!(session.meta_data, json!({"plan": "gold", "x": 1}));
}

#[test]
fn partitions_leave_the_rest_to_the_session_or_other_policies() {
    let policies = json!({
        "acl": {"id": "acl", "org_id": "default", "partitions": {"acl": true}, "access_rights": {"a": {"api_id": "a"}}},
        "rate": {"id": "rate", "org_id": "default", "partitions": {"rate_limit": true}, "rate": 3, "per": 1,
            "access_rights": {"a": {"api_id": "a"}}},
    });
    let session = json!({"apply_policies": ["acl"], "rate": 9, "per": 1, "quota_max": 4});
    let first = applied(policies.clone(), session).unwrap();
    let limit = &first.access_rights["a"].limit;
    assert_eq!((first.rate, first.quota_max, limit.rate, limit.quota_max), (9.0, 4, 9.0, 4));
    let session = json!({"apply_policies": ["acl", "rate"], "rate": 9, "per": 1, "quota_max": 4});
    let both = applied(policies.clone(), session).unwrap();
    assert_eq!((both.rate, both.quota_max, both.access_rights["a"].limit.rate), (3.0, 4, 3.0));
    let session = json!({"apply_policies": ["rate"], "rate": 9, "access_rights": {"b": {}}});
    assert!(matches!(applied(policies, session), Err(PolicyError::NoRights)));
}

#[test]
fn several_policies_give_the_highest_and_join_their_rights() {
    let session = applied(
        json!({
            "a": {"id": "a", "org_id": "default", "rate": 5, "per": 1, "quota_max": 10, "access_rights": {"x": {
                "versions": ["v1"], "allowed_urls": [{"url": "/a", "methods": ["GET"]}]}}},
            "b": {"id": "b", "org_id": "default", "rate": 50, "per": 100, "quota_max": -1, "access_rights": {"x": {
                "versions": ["v2"], "allowed_urls": [{"url": "/a", "methods": ["POST"]}, {"url": "/b", "methods": ["GET"]}]}}},
        }),
        json!({"apply_policies": ["a", "b", "not there"]}),
    )
    .unwrap();
    let right = &session.access_rights["x"];
    assert_eq!((session.rate, session.quota_max, right.limit.quota_max), (5.0, -1, -1));
    assert_eq!(right.versions, ["v1", "v2"]);
    assert_eq!(right.allowed_urls[0].methods, ["GET", "POST"]);
    assert_eq!(right.allowed_urls.len(), 2);
}

#[test]
fn per_api_limits_are_counted_for_each_api() {
    let session = applied(
        json!({"p": {"id": "p", "org_id": "default", "rate": 1, "per": 1, "partitions": {"per_api": true},
            "access_rights": {"x": {"limit": {"rate": 7, "per": 1}}, "y": {}}}}),
        json!({"apply_policy_id": "p"}),
    )
    .unwrap();
    let right = |api: &str| {
        let right = &session.access_rights[api];
        (right.limit.rate, right.allowance_scope.as_str())
    };
    assert_eq!((right("x"), right("y")), ((7.0, "x"), (1.0, "p")));
}

#[test]
fn sessions_with_bad_policies_are_not_used() {
    let policies = json!({"p": {"id": "p", "org_id": "other", "access_rights": {"x": {}}},
        "m": {"id": "m", "org_id": "default", "partitions": {"per_api": true, "acl": true}, "access_rights": {"x": {}}},
        "off": {"id": "off", "org_id": "default", "is_inactive": true, "access_rights": {"x": {}}}});
    let with = |id: &str| applied(policies.clone(), json!({"apply_policies": [id]}));
    assert!(matches!(with("p"), Err(PolicyError::OtherOrganisation { .. })));
    assert!(matches!(with("q"), Err(PolicyError::Missing { .. })));
    assert!(matches!(with("m"), Err(PolicyError::Mixed { .. })));
    assert!(with("off").unwrap().is_inactive);
}

#[test]
fn files_and_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.json");
    fs::write(&file, r#"{"p": {"rate": 5, "unknown": [1]}}"#).unwrap();
    let policies = Policies::read(&file).unwrap();
    assert_eq!(policies.get("p").map(|policy| policy.id.as_str()), Some("p"));
    fs::write(&file, "{\n \"p\": {\"rate\": \"x\"}}").unwrap();
    let error = Policies::read(&file).unwrap_err().to_string();
    assert!(error.contains("policies.json") && error.contains("line 2 column"), "{error}");
    fs::write(&file, r#"{"rate": 5}"#).unwrap();
    assert!(matches!(Policies::read(folder.path()), Err(PolicyError::NoId { .. })));
    fs::write(&file, r#"{"id": "q"}"#).unwrap();
    assert!(Policies::read(folder.path()).unwrap().get("q").is_some());
    assert!(matches!(Policies::read(&folder.path().join("none.json")), Err(PolicyError::Read { .. })));
}

#[test]
fn of_the_rates_of_an_endpoint_the_higher_one_counts() {
    let policy = |id: &str, get: u32, put: u32| {
        let methods = json!([{"name": "GET", "limit": {"rate": get, "per": 10}},
            {"name": "PUT", "limit": {"rate": put, "per": 10}}]);
        json!({"id": id, "org_id": "default", "rate": 100, "per": 1, "partitions": {"per_api": true},
            "access_rights": {"x": {"endpoints": [{"path": "/a", "methods": methods}]}}})
    };
    let policies = json!({"p": policy("p", 5, 9), "q": policy("q", 7, 2)});
    let session = applied(policies, json!({"apply_policies": ["p", "q"]})).unwrap();
    let rates: Vec<f64> =
        session.access_rights["x"].endpoints[0].methods.iter().map(|entry| entry.limit.rate).collect();
    assert_eq!(rates, [7.0, 9.0]);
}
