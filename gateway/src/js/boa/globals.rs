//! The gateway's functions in a context's global object.

use boa_engine::{
    Context, JsNativeError, JsObject, JsResult, JsString, JsValue, NativeFunction, Source, js_string,
    object::{FunctionObjectBuilder, builtins::JsFunction},
    property::PropertyDescriptor,
};

use super::{
    context::{ContextState, WarmParts},
    run::ARGUMENT_SOURCE,
};
use crate::js::{
    engine::HostReturn,
    host::{HOST_FUNCTIONS, HostFunction},
};

const UNDERSCORE: &str = include_str!("../underscore.js");
const TYK_JS: &str = include_str!("../tyk_js.js");

/// The context's own `JSON.stringify`; asked for before any script can replace it.
pub(super) fn stringify(context: &mut Context) -> JsResult<JsObject> {
    let json = context.global_object().get(js_string!("JSON"), context)?;
    let stringify = json.as_object().map(|json| json.get(js_string!("stringify"), context)).transpose()?;
    let stringify = stringify.and_then(|stringify| stringify.as_object());
    stringify.ok_or_else(|| JsNativeError::error().with_message("JSON.stringify is missing").into())
}

/// Puts everything in place; parts that are not warm are made at first touch.
pub(super) fn install(context: &mut Context, warm: WarmParts) -> JsResult<()> {
    for entry in HOST_FUNCTIONS {
        let (function, arity) = (entry.function, entry.arguments);
        let native = NativeFunction::from_copy_closure(move |_, arguments, context| {
            host_call(function, arguments.get(..arity).unwrap_or(arguments), context)
        });
        put_function(JsString::from(entry.name), arity, native, context);
    }
    put_random(context)?;
    put_function(js_string!("TykJsResponse"), 2, NativeFunction::from_fn_ptr(response), context);
    if warm.underscore {
        make_underscore(context)?;
    } else {
        put_lazy(js_string!("_"), underscore_getter, underscore_setter, context);
    }
    if warm.tyk_js {
        make_tyk_js(context)?;
    } else {
        put_lazy(js_string!("TykJS"), tyk_js_getter, tyk_js_setter, context);
    }
    Ok(())
}

/// Puts our own `Math.random` in place: the engine's cannot be given a seed.
fn put_random(context: &mut Context) -> JsResult<()> {
    let math = context.global_object().get(js_string!("Math"), context)?;
    let Some(math) = math.as_object() else { return Ok(()) };
    let random = FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(random))
        .name(js_string!("random"))
        .length(0)
        .build();
    let property =
        PropertyDescriptor::builder().value(random).writable(true).enumerable(false).configurable(true);
    math.define_property_or_throw(js_string!("random"), property, context)?;
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood, 2014): passes the usual statistical tests, not for secrets.
fn random(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = ContextState::of(context)?;
    let next = state.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
    state.random.set(next);
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let mixed = mixed ^ (mixed >> 31);
    // The upper 53 bits are a double's precision.
    Ok(JsValue::from((mixed >> 11) as f64 / (1_u64 << 53) as f64))
}

/// Puts the function in place from which the call script takes the arguments.
pub(super) fn offer_arguments(context: &mut Context) {
    let take = NativeFunction::from_fn_ptr(take_argument);
    put_function(JsString::from(ARGUMENT_SOURCE), 1, take, context);
}

fn take_argument(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = ContextState::of(context)?;
    let index = arguments.first().and_then(JsValue::as_number).unwrap_or(0.0) as usize;
    let argument = state.arguments.borrow().get(index).cloned().unwrap_or_default();
    state.taken.set(index + 1);
    if index + 1 == state.arguments.borrow().len() {
        state.arguments.borrow_mut().clear();
        context.global_object().delete_property_or_throw(JsString::from(ARGUMENT_SOURCE), context)?;
    }
    Ok(argument)
}

fn host_call(function: HostFunction, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let mut texts = Vec::with_capacity(arguments.len());
    for argument in arguments {
        // May run the script's own toString, so before the host is borrowed.
        texts.push(argument.to_string(context)?.to_std_string_lossy());
    }
    match ContextState::of(context)?.host_call(function, &texts)? {
        HostReturn::Text(text) => Ok(JsString::from(text.as_str()).into()),
        HostReturn::Null => Ok(JsValue::null()),
        HostReturn::Bool(value) => Ok(JsValue::from(value)),
        HostReturn::Number(number) => Ok(JsValue::from(number)),
        HostReturn::Throw(message) => Err(JsNativeError::error().with_message(message).into()),
        HostReturn::Undefined | HostReturn::Abort(_) => Ok(JsValue::undefined()),
    }
}

/// `TykJsResponse(response, session_meta)`.
fn response(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_default();
    let object = JsObject::with_object_proto(context.intrinsics());
    for (name, value) in [(js_string!("Response"), argument(0)), (js_string!("SessionMeta"), argument(1))] {
        object.insert_property(
            name,
            PropertyDescriptor::builder().value(value).writable(true).enumerable(true).configurable(true),
        );
    }
    let state = ContextState::of(context)?;
    state.stringify.call(&JsValue::undefined(), &[object.into()], context)
}

fn put_function(name: JsString, arity: usize, native: NativeFunction, context: &mut Context) {
    let function =
        FunctionObjectBuilder::new(context.realm(), native).name(name.clone()).length(arity).build();
    put_value(name, function.into(), context);
}

fn put_value(name: JsString, value: JsValue, context: &mut Context) {
    context.global_object().insert_property(
        name,
        PropertyDescriptor::builder().value(value).writable(true).enumerable(false).configurable(true),
    );
}

type Native = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

fn put_lazy(name: JsString, get: Native, set: Native, context: &mut Context) {
    let function = |native: Native, context: &Context| -> JsFunction {
        FunctionObjectBuilder::new(context.realm(), NativeFunction::from_fn_ptr(native)).build()
    };
    let (get, set) = (function(get, context), function(set, context));
    context.global_object().insert_property(
        name,
        PropertyDescriptor::builder().get(get).set(set).enumerable(false).configurable(true),
    );
}

fn underscore_getter(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    make_underscore(context)?;
    context.global_object().get(js_string!("_"), context)
}

fn underscore_setter(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    put_value(js_string!("_"), arguments.first().cloned().unwrap_or_default(), context);
    Ok(JsValue::undefined())
}

fn tyk_js_getter(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    make_tyk_js(context)?;
    context.global_object().get(js_string!("TykJS"), context)
}

fn tyk_js_setter(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    put_value(js_string!("TykJS"), arguments.first().cloned().unwrap_or_default(), context);
    Ok(JsValue::undefined())
}

fn make_underscore(context: &mut Context) -> JsResult<()> {
    touch(context, |touched| touched.underscore = true)?;
    // A plain property first: the source assigns to it.
    put_value(js_string!("_"), JsValue::undefined(), context);
    evaluate(UNDERSCORE, "gatehouse:underscore.js", context)
}

fn make_tyk_js(context: &mut Context) -> JsResult<()> {
    touch(context, |touched| touched.tyk_js = true)?;
    put_value(js_string!("TykJS"), JsValue::undefined(), context);
    evaluate(TYK_JS, "gatehouse:tyk_js.js", context)
}

fn touch(context: &Context, set: impl FnOnce(&mut WarmParts)) -> JsResult<()> {
    let state = ContextState::of(context)?;
    let mut touched = state.touched.get();
    set(&mut touched);
    state.touched.set(touched);
    Ok(())
}

fn evaluate(text: &str, name: &str, context: &mut Context) -> JsResult<()> {
    context.eval(Source::from_bytes(text).with_path(std::path::Path::new(name)))?;
    Ok(())
}
