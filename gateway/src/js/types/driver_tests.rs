// The declared types against what a driver really has, both ways. Included by the tests of each driver.

use std::collections::{BTreeMap, BTreeSet};

use crate::js::{host::HOST_FUNCTIONS, types::declared::Declarations};

/// Globals of the language itself and of its annexes, ES5 to ES2025.
const LANGUAGE: &[&str] = &[
    "AggregateError", "Array", "ArrayBuffer", "AsyncDisposableStack", "Atomics", "BigInt", "BigInt64Array",
    "BigUint64Array", "Boolean", "DataView", "Date", "DisposableStack", "Error", "EvalError", "FinalizationRegistry",
    "Float16Array", "Float32Array", "Float64Array", "Function", "Infinity", "Int16Array", "Int32Array", "Int8Array",
    "Iterator", "JSON", "Map", "Math", "NaN", "Number", "Object", "Promise", "Proxy", "RangeError", "ReferenceError",
    "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String", "SuppressedError", "Symbol", "SyntaxError", "TypeError",
    "URIError", "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap", "WeakRef", "WeakSet",
    "decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "eval", "globalThis", "isFinite",
    "isNaN", "parseFloat", "parseInt", "undefined", "unescape",
];

fn set(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

/// What a script's function `f` says about something, as JSON.
fn told<T: serde::de::DeserializeOwned>(expression: &str) -> T {
    let text = run(&format!("function f() {{ return JSON.stringify({expression}); }}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{expression}: {error}: {text}"))
}

/// Names of an object's own properties, and whether `Object.keys` shows them.
type Shape = BTreeMap<String, bool>;

const SHAPE: &str = "function shape(object) {
    var shape = {};
    Object.getOwnPropertyNames(object).forEach(function (name) {
        shape[name] = Object.prototype.propertyIsEnumerable.call(object, name);
    });
    return shape;
}";

fn declared_shape(declared: &Declarations, interface: &str) -> Shape {
    let required = declared.members(interface).iter().filter(|member| !member.optional);
    required.map(|member| (member.name.clone(), !member.is_hidden())).collect()
}

/// The shapes of what the expressions name within a call of this kind.
fn shapes(kind: CallKind, expressions: &[&str]) -> Vec<Shape> {
    let source = format!(
        "{SHAPE}\nfunction f(first, second, third, fourth) {{ return JSON.stringify([{}].map(shape)); }}",
        expressions.join(", ")
    );
    let call = Call { kind, ..call_of("f") };
    let text = call_within(&mut load(&source), &call, FakeHost::default(), LIMIT).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn declared_globals_are_what_there_is() {
    let declared = Declarations::read();
    let globals: BTreeSet<String> = told("Object.getOwnPropertyNames(globalThis)");
    let mut of_the_gateway = globals;
    of_the_gateway.retain(|name| name != "f" && !LANGUAGE.contains(&name.as_str()));
    for name in GLOBALS_OF_THE_ENGINE {
        assert!(of_the_gateway.remove(*name), "{name} is gone");
    }
    let expected = declared.functions.keys().chain(declared.variables.keys());
    assert_eq!(of_the_gateway, expected.cloned().collect());
    let enumerable: BTreeSet<String> = told("Object.keys(globalThis)");
    assert_eq!(enumerable, set(["f"]));
}

#[test]
fn declared_functions_take_what_the_engine_gives_on() {
    let declared = Declarations::read();
    for entry in HOST_FUNCTIONS {
        let parameters = declared.functions.get(entry.name);
        assert_eq!(parameters.map(Vec::len), Some(entry.arguments), "{}", entry.name);
    }
    for (name, parameters) in &declared.functions {
        assert_eq!(told::<usize>(&format!("{name}.length")), parameters.len(), "{name}");
    }
}

#[test]
fn declared_arguments_are_what_functions_get() {
    let declared = Declarations::read();
    let shape = |interface| declared_shape(&declared, interface);
    assert_eq!(
        shapes(CallKind::VirtualEndpoint, &["first", "second", "third"]),
        [shape("TykVirtualRequest"), Shape::new(), shape("TykConfig")]
    );
    assert_eq!(
        shapes(CallKind::RequestHook(HookRequest::default()), &["first", "first.ReturnOverrides", "third"]),
        [shape("TykHookRequest"), shape("TykReturnOverrides"), shape("TykConfig")]
    );
    let response = CallKind::ResponseHook(HookRequest::default(), ResponseObject::default());
    assert_eq!(
        shapes(response, &["first", "second", "fourth"]),
        [shape("TykHookResponse"), shape("TykHookRequest"), shape("TykConfig")]
    );
}

#[test]
fn declared_members_are_those_of_hooks_and_handlers() {
    let declared = Declarations::read();
    for (object, interface) in [
        ("TykJS", "TykConstructors"),
        ("TykJS.TykMiddleware", "TykMiddlewareConstructors"),
        ("TykJS.TykEventHandlers", "TykEventHandlerConstructors"),
        ("new TykJS.TykMiddleware.NewMiddleware({})", "TykMiddleware"),
        ("new TykJS.TykEventHandlers.NewEventHandler({})", "TykEventHandler"),
        ("new TykJS.TykMiddleware.NewMiddleware({}).ReturnData(1, 2)", "TykRequestResult"),
        ("new TykJS.TykMiddleware.NewMiddleware({}).ReturnAuthData(1, 2)", "TykAuthResult"),
        ("new TykJS.TykMiddleware.NewMiddleware({}).ReturnResponseData(1, 2)", "TykResponseResult"),
    ] {
        let lengths: BTreeMap<String, Option<usize>> = told(&format!(
            "(function (object) {{
                var lengths = {{}};
                for (var name in object) {{
                    lengths[name] = typeof object[name] === 'function' ? object[name].length : null;
                }}
                return lengths;
            }})({object})"
        ));
        let found: BTreeSet<String> = lengths.keys().filter(|name| *name != "constructor").cloned().collect();
        assert_eq!(found, declared.names(interface), "{object}");
        for member in declared.members(interface) {
            if let Some(parameters) = &member.parameters {
                assert_eq!(lengths[&member.name], Some(parameters.len()), "{interface}.{}", member.name);
            }
        }
    }
}

#[test]
fn declared_underscore_is_what_there_is() {
    let declared = Declarations::read();
    let names = declared.names("Underscore");
    assert_eq!(told::<BTreeSet<String>>("Object.keys(_)"), names);
    for member in declared.members("Underscore") {
        let kind: String = told(&format!("typeof _[{:?}]", member.name));
        let is_value = ["templateSettings", "VERSION"].contains(&member.name.as_str());
        assert_eq!(kind == "function", !is_value, "{}", member.name);
    }
    let wrapper: BTreeSet<String> =
        told("(function (wrapper) { var names = []; for (var name in wrapper) names.push(name); return names; })(_([]))");
    let wrapper: BTreeSet<String> = wrapper.difference(&set(["_wrapped", "constructor"])).cloned().collect();
    let mut expected: BTreeSet<String> =
        names.difference(&declared.quoted("UnderscoreMethod")).cloned().collect();
    expected.extend(declared.quoted("UnderscoreArrayMethod"));
    expected.extend(declared.names("UnderscoreValue"));
    assert_eq!(wrapper, expected);
}
