//! What the engine calls: host functions, lazy globals, `Date`, and the look at the clock.
//!
//! All run on the arena's stack, called by the engine. Where they may suspend, no Rust value on their stack needs
//! dropping: arguments are made text by the engine first, and copied out afterwards.
#![allow(unsafe_code, reason = "called by C")]

use std::ffi::{c_int, c_void};

use rquickjs_sys::{
    JS_CallConstructor2, JS_EXCEPTION, JS_FALSE, JS_FreeValue, JS_GetContextOpaque, JS_IsException, JS_NULL,
    JS_NewFloat64, JS_TRUE, JS_ToString, JS_UNDEFINED, JSContext, JSRuntime, JSValue,
};

use crate::{
    control::{Answer, Control, Input, Output},
    js::Js,
    preempt,
};

/// The most arguments that a host function takes.
pub(crate) const MAX_ARGUMENTS: usize = 8;

/// The control of the arena that a context belongs to.
///
/// # Safety
/// The context was made by [`Js::create`], and its arena runs.
pub(crate) unsafe fn control<'a>(context: *mut JSContext) -> &'a Control {
    // SAFETY: `Js::create` set the pointer; the control outlives the context.
    unsafe { &*JS_GetContextOpaque(context).cast::<Control>() }
}

/// Called now and then while bytecode or a regular expression runs.
pub(crate) unsafe extern "C" fn on_poll(_: *mut JSRuntime, opaque: *mut c_void) -> c_int {
    // SAFETY: the pointer that was set together with this function.
    let control = unsafe { &*opaque.cast::<Control>() };
    if preempt::now() >= control.slice_end() {
        let inside = control.is_inside();
        control.set_inside(false);
        let _ = control.suspend(Output::Preempted);
        control.set_inside(inside);
    }
    0
}

/// The host function of index `magic`.
pub(crate) unsafe extern "C" fn host_function(
    context: *mut JSContext,
    _this: JSValue,
    count: c_int,
    arguments: *mut JSValue,
    magic: c_int,
) -> JSValue {
    // SAFETY: the engine calls with its own context and as many arguments as it says; strings are freed once each.
    unsafe {
        let control = control(context);
        let function = magic as usize;
        let takes = control.engine.functions.get(function).map_or(0, |function| function.arguments);
        let given = (count as usize).min(takes).min(MAX_ARGUMENTS);
        let mut texts = [JS_UNDEFINED; MAX_ARGUMENTS];
        for (index, text) in texts.iter_mut().enumerate().take(given) {
            // May run the script's own toString.
            *text = JS_ToString(context, *arguments.add(index));
            if JS_IsException(*text) {
                return JS_EXCEPTION;
            }
        }
        control.set_inside(false);
        let js = Js::of(context, control);
        let value = match texts[..given].iter().map(|text| js.text(*text)).collect::<Option<Vec<String>>>() {
            Some(arguments) => {
                for text in &texts[..given] {
                    JS_FreeValue(context, *text);
                }
                match control.suspend(Output::HostCall { function, arguments }) {
                    Input::Answer(Answer::Text(text)) => js.new_text(&text),
                    Input::Answer(Answer::Throw(message)) => js.throw(&message),
                    Input::Answer(Answer::Null) => JS_NULL,
                    Input::Answer(Answer::Bool(true)) => JS_TRUE,
                    Input::Answer(Answer::Bool(false)) => JS_FALSE,
                    Input::Answer(Answer::Number(number)) => JS_NewFloat64(number),
                    Input::Answer(Answer::Undefined) | Input::Go => JS_UNDEFINED,
                }
            }
            None => JS_EXCEPTION,
        };
        control.set_inside(true);
        value
    }
}

/// Makes the lazy global of index `magic` and gives it.
pub(crate) unsafe extern "C" fn lazy_getter(
    context: *mut JSContext,
    _this: JSValue,
    _count: c_int,
    _arguments: *mut JSValue,
    magic: c_int,
) -> JSValue {
    // SAFETY: the engine calls with its own context.
    let js = unsafe { Js::of(context, control(context)) };
    js.outside(|| js.make_lazy_global(magic as usize)).unwrap_or(JS_EXCEPTION)
}

/// Replaces the lazy global of index `magic` by an ordinary one.
pub(crate) unsafe extern "C" fn lazy_setter(
    context: *mut JSContext,
    _this: JSValue,
    count: c_int,
    arguments: *mut JSValue,
    magic: c_int,
) -> JSValue {
    // SAFETY: as above; there is an argument if the engine says so.
    unsafe {
        let js = Js::of(context, control(context));
        let value = if count > 0 { *arguments } else { JS_UNDEFINED };
        js.outside(|| js.replace_lazy_global(magic as usize, value)).unwrap_or(JS_EXCEPTION)
    }
}

/// `Date`: the engine's own, with our clock.
pub(crate) unsafe extern "C" fn date(
    context: *mut JSContext,
    new_target: JSValue,
    count: c_int,
    arguments: *mut JSValue,
) -> JSValue {
    // SAFETY: the engine calls with its own context and arguments; what is made here is freed here.
    unsafe {
        let control = control(context);
        let js = Js::of(context, control);
        if js.is_undefined(new_target) {
            let mut now = JS_NewFloat64(now_millis(control));
            let date = JS_CallConstructor2(context, control.date.get(), control.date.get(), 1, &raw mut now);
            if JS_IsException(date) {
                return date;
            }
            let text = JS_ToString(context, date);
            JS_FreeValue(context, date);
            return text;
        }
        if count == 0 {
            let mut now = JS_NewFloat64(now_millis(control));
            return JS_CallConstructor2(context, control.date.get(), new_target, 1, &raw mut now);
        }
        JS_CallConstructor2(context, control.date.get(), new_target, count, arguments)
    }
}

/// `Date.now`.
pub(crate) unsafe extern "C" fn date_now(
    context: *mut JSContext,
    _this: JSValue,
    _count: c_int,
    _arguments: *mut JSValue,
) -> JSValue {
    // SAFETY: the engine calls with its own context.
    JS_NewFloat64(now_millis(unsafe { control(context) }))
}

fn now_millis(control: &Control) -> f64 {
    if let Some(millis) = control.clock_millis.get() {
        return millis as f64;
    }
    let mut time = std::mem::MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is valid for writes, and zeroed bytes are a time.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_REALTIME, time.as_mut_ptr());
        time.assume_init()
    };
    (time.tv_sec * 1000 + time.tv_nsec / 1_000_000) as f64
}
