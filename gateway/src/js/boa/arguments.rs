//! The arguments of a call as native objects, without a detour over JSON text.

use boa_engine::{
    Context, JsObject, JsString, JsValue, NativeFunction, js_string,
    object::{FunctionObjectBuilder, builtins::JsArray},
    property::{PropertyDescriptor, PropertyDescriptorBuilder, PropertyKey},
};
use serde_json::Value;

use super::context::ContextState;
use crate::js::{
    engine::{
        Call, CallKind, ErrorClass, HookRequest, RETURN_OVERRIDES, RequestObject, ResponseObject, ScriptError,
    },
    go_base64::{self, Padding},
};

/// The arguments before `config`.
pub(super) fn before_config(
    call: &Call,
    state: &ContextState,
    context: &mut Context,
) -> Result<Vec<JsValue>, ScriptError> {
    if let CallKind::Event(json) = &call.kind {
        return session(Some(json), context).map(|event| vec![event]);
    }
    let mut values = messages(call, state, context);
    values.push(session(call.session_json.as_deref(), context)?);
    Ok(values)
}

fn messages(call: &Call, state: &ContextState, context: &mut Context) -> Vec<JsValue> {
    match &call.kind {
        CallKind::Event(_) => Vec::new(),
        CallKind::VirtualEndpoint => vec![request(&call.request, state, context)],
        CallKind::RequestHook(hook) => vec![hook_request(&call.request, hook, true, state, context)],
        CallKind::ResponseHook(hook, answer) => {
            vec![response(answer, state, context), hook_request(&call.request, hook, false, state, context)]
        }
    }
}

/// The request of a hook: Tyk's fourteen keys in its order.
fn hook_request(
    request: &RequestObject,
    hook: &HookRequest,
    has_body: bool,
    state: &ContextState,
    context: &mut Context,
) -> JsValue {
    let object = JsObject::with_object_proto(context.intrinsics());
    let text = |text: &str| JsValue::from(JsString::from(text));
    let body = match has_body {
        true => text(&String::from_utf8_lossy(&request.body)),
        false => JsValue::null(),
    };
    let overrides = serde_json::from_slice(RETURN_OVERRIDES.to_bytes()).unwrap_or_default();
    let fields = [
        ("Headers", lists(&request.headers, context)),
        ("SetHeaders", JsObject::with_object_proto(context.intrinsics()).into()),
        ("DeleteHeaders", JsArray::from_iter([], context).into()),
        ("Body", body),
        ("URL", text(&request.url)),
        ("Params", lists(&request.params, context)),
        ("AddParams", JsObject::with_object_proto(context.intrinsics()).into()),
        ("ExtendedParams", JsObject::with_object_proto(context.intrinsics()).into()),
        ("DeleteParams", JsArray::from_iter([], context).into()),
        ("ReturnOverrides", value_of_json(&overrides, context)),
        ("IgnoreBody", JsValue::from(false)),
        ("Method", text(&request.method)),
        ("RequestURI", text(&hook.request_uri)),
        ("Scheme", text(&request.scheme)),
    ];
    for (name, value) in fields {
        put(&object, JsString::from(name), value);
    }
    object.insert_property(js_string!("RequestID"), hidden(JsString::from(request.request_id.as_str())));
    *state.body.borrow_mut() = request.body.clone();
    put_getter(&object, body_base64, context);
    object.into()
}

/// The answer that a response hook gets.
fn response(response: &ResponseObject, state: &ContextState, context: &mut Context) -> JsValue {
    let object = JsObject::with_object_proto(context.intrinsics());
    let fields = [
        ("StatusCode", JsValue::from(i32::from(response.status))),
        ("Body", JsString::from(&*String::from_utf8_lossy(&response.body)).into()),
        ("Headers", lists(&response.headers, context)),
        ("SetHeaders", JsObject::with_object_proto(context.intrinsics()).into()),
        ("DeleteHeaders", JsArray::from_iter([], context).into()),
    ];
    for (name, value) in fields {
        put(&object, JsString::from(name), value);
    }
    *state.response_body.borrow_mut() = response.body.clone();
    put_getter(&object, response_body_base64, context);
    object.into()
}

/// The request of a virtual endpoint: Tyk's five keys, and ours where `Object.keys` does not see them.
fn request(request: &RequestObject, state: &ContextState, context: &mut Context) -> JsValue {
    let object = JsObject::with_object_proto(context.intrinsics());
    let headers = lists(&request.headers, context);
    put(&object, js_string!("Headers"), headers);
    let body = String::from_utf8_lossy(&request.body);
    put(&object, js_string!("Body"), JsString::from(&*body).into());
    put(&object, js_string!("URL"), JsString::from(request.url.as_str()).into());
    let params = lists(&request.params, context);
    put(&object, js_string!("Params"), params);
    put(&object, js_string!("Scheme"), JsString::from(&*request.scheme).into());
    object.insert_property(js_string!("Method"), hidden(JsString::from(&*request.method)));
    object.insert_property(js_string!("RequestID"), hidden(JsString::from(request.request_id.as_str())));
    // Few scripts ask for it, and it is a third longer than the body.
    *state.body.borrow_mut() = request.body.clone();
    put_getter(&object, body_base64, context);
    object.into()
}

fn hidden(value: JsString) -> PropertyDescriptorBuilder {
    PropertyDescriptor::builder().value(value).writable(true).enumerable(false).configurable(true)
}

/// `BodyBase64`, made when it is asked for.
fn put_getter(
    object: &JsObject,
    get: fn(&JsValue, &[JsValue], &mut Context) -> boa_engine::JsResult<JsValue>,
    context: &Context,
) {
    let getter = FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(get)).build();
    object.insert_property(
        js_string!("BodyBase64"),
        PropertyDescriptor::builder().get(getter).enumerable(false).configurable(true),
    );
}

fn body_base64(_: &JsValue, _: &[JsValue], context: &mut Context) -> boa_engine::JsResult<JsValue> {
    let state = ContextState::of(context)?;
    let encoded = go_base64::encode(&state.body.borrow(), Padding::Required);
    Ok(JsString::from(encoded.as_str()).into())
}

fn response_body_base64(_: &JsValue, _: &[JsValue], context: &mut Context) -> boa_engine::JsResult<JsValue> {
    let state = ContextState::of(context)?;
    let encoded = go_base64::encode(&state.response_body.borrow(), Padding::Required);
    Ok(JsString::from(encoded.as_str()).into())
}

/// The `session` argument, or another one that is JSON text.
pub(super) fn session(json: Option<&str>, context: &mut Context) -> Result<JsValue, ScriptError> {
    let Some(json) = json else { return Ok(JsObject::with_object_proto(context.intrinsics()).into()) };
    let value = serde_json::from_str(json)
        .map_err(|error| ScriptError::new(ErrorClass::Engine, format!("an argument is not JSON: {error}")))?;
    Ok(value_of_json(&value, context))
}

/// A JSON value; numbers become doubles.
pub(super) fn value_of_json(value: &Value, context: &mut Context) -> JsValue {
    match value {
        Value::Null => JsValue::null(),
        Value::Bool(truth) => JsValue::from(*truth),
        Value::Number(number) => {
            let small = number.as_i64().and_then(|whole| i32::try_from(whole).ok());
            small.map_or_else(|| JsValue::from(number.as_f64().unwrap_or(f64::NAN)), JsValue::from)
        }
        Value::String(text) => JsString::from(text.as_str()).into(),
        Value::Array(values) => {
            let values: Vec<JsValue> = values.iter().map(|value| value_of_json(value, context)).collect();
            JsArray::from_iter(values, context).into()
        }
        Value::Object(fields) => {
            let object = JsObject::with_object_proto(context.intrinsics());
            for (name, value) in fields {
                let value = value_of_json(value, context);
                put(&object, JsString::from(name.as_str()), value);
            }
            object.into()
        }
    }
}

fn lists(fields: &[(String, Vec<String>)], context: &mut Context) -> JsValue {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (name, values) in fields {
        let values = values.iter().map(|value| JsValue::from(JsString::from(value.as_str())));
        let list = JsArray::from_iter(values.collect::<Vec<_>>(), context);
        put(&object, JsString::from(name.as_str()), list.into());
    }
    object.into()
}

/// Sets an ordinary property; a name that is a number goes where indexed properties are.
fn put(object: &JsObject, name: JsString, value: JsValue) {
    object.insert_property(
        PropertyKey::from(name),
        PropertyDescriptor::builder().value(value).writable(true).enumerable(true).configurable(true),
    );
}
