//! The declared types against what the gateway reads and writes, and against the book.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::declared::{Declarations, Member};
use crate::{
    apidef::events::EventName,
    events::message::{EventMessage, EventMeta, KeyChange},
    js::{
        hook_result::{RequestChanges, ResponseChanges},
        response::VirtualResponse,
    },
    session::session::{AccessRight, Session},
};

/// Values of which each kind of member refuses at least one.
fn wrong() -> [Value; 2] {
    [json!(7), json!("x")]
}

/// The message that refuses a member, when one of the wrong values is refused.
fn refusal(member: &str, read: impl Fn(Value) -> Result<(), String>) -> Option<String> {
    wrong().into_iter().find_map(|value| {
        let mut object = json!({});
        object[member] = value;
        read(object).err()
    })
}

fn request_hook(request: Value) -> Result<(), String> {
    let text = json!({"Request": request}).to_string();
    RequestChanges::parse(&text).map(drop).map_err(|error| error.message)
}

fn response_hook(response: Value) -> Result<(), String> {
    let text = json!({"Response": response}).to_string();
    ResponseChanges::parse(&text).map(drop).map_err(|error| error.message)
}

fn overrides(overrides: Value) -> Result<(), String> {
    request_hook(json!({"ReturnOverrides": overrides}))
}

fn virtual_response(mut response: Value) -> Result<(), String> {
    if response.get("Code").is_none() {
        response["Code"] = 200.into();
    }
    let text = json!({"Response": response}).to_string();
    VirtualResponse::parse(text)
        .and_then(|response| response.headers())
        .map(drop)
        .map_err(|error| error.message)
}

#[test]
fn members_that_scripts_may_change_are_read() {
    let declared = Declarations::read();
    type Reader = fn(Value) -> Result<(), String>;
    let readers: [(&str, Reader); 4] = [
        ("TykHookRequest", request_hook),
        ("TykHookResponse", response_hook),
        ("TykReturnOverrides", overrides),
        ("TykVirtualResponse", virtual_response),
    ];
    for (interface, read) in readers {
        for member in declared.members(interface) {
            let refused = refusal(&member.name, read);
            assert_eq!(refused.is_none(), member.is_to_read(), "{interface}.{}: {refused:?}", member.name);
        }
        assert_eq!(refusal("NoSuchMember", read), None, "{interface}");
    }
}

#[test]
fn members_that_are_read_are_declared() {
    let declared = Declarations::read();
    let source = include_str!("../hook_result.rs");
    let read = read_names(source, &["text", "texts", "flag", "number", "object", "pairs", "lists", "body"]);
    assert!(read.contains("ExtendedParams") && read.contains("IgnoreBody"), "{read:?}");
    let interfaces =
        ["TykHookRequest", "TykHookResponse", "TykReturnOverrides", "TykRequestResult", "TykAuthResult"];
    let mut known: BTreeSet<String> = interfaces.iter().flat_map(|name| declared.names(name)).collect();
    known.insert("BodyKept".to_owned());
    assert_eq!(read.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn sessions_are_declared() {
    let declared = Declarations::read();
    assert_eq!(declared.names("TykSession"), fields(&Session::default()));
    assert_eq!(declared.names("TykAccessRight"), fields(&AccessRight::default()));
}

/// Names of a record's fields, from its form for debugging, without that of the unknown ones.
fn fields(record: &impl std::fmt::Debug) -> BTreeSet<String> {
    let text = format!("{record:#?}");
    let fields = text.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
    let names = fields.map(|(name, _)| name).filter(|name| !name.starts_with(' ') && *name != "other");
    names.map(str::to_owned).collect()
}

#[test]
fn events_are_declared() {
    let declared = Declarations::read();
    let message = EventMessage::of_key(KeyChange::Created { org: "o", key: "k", named: false });
    let message: Value = serde_json::from_str(&message.json()).unwrap();
    let names = message.as_object().unwrap().keys().cloned().collect();
    assert_eq!(declared.names("TykEvent"), names);
    let of = |event| EventMeta::fields(event).iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = EventName::ALL.into_iter().flat_map(of).collect();
    assert_eq!(declared.names("TykEventMeta"), all);
    for Member { name, optional, .. } in declared.members("TykEventMeta") {
        let always = EventName::ALL.into_iter().all(|event| of(event).contains(name));
        assert_eq!(always, !optional, "{name}");
    }
}

#[test]
fn each_function_has_its_section_in_the_book() {
    let page = include_str!("../../../../docs/src/javascript-api.md");
    let sections = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let sections: BTreeSet<String> = sections.map(str::to_owned).collect();
    let declared = Declarations::read().functions.into_iter();
    let expected = declared.map(|(name, parameters)| format!("{name}({})", parameters.join(", ")));
    assert_eq!(sections, expected.collect());
}

/// The names that a source gives to these methods of its `Fields`, outside its tests.
pub(crate) fn read_names(source: &str, methods: &[&str]) -> BTreeSet<String> {
    let product = source.split("#[cfg(test)]").next().unwrap_or_default();
    let calls = methods.iter().flat_map(|method| {
        let call = format!(".{method}(\"");
        product.split(&call).skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    calls.filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned())).collect()
}
