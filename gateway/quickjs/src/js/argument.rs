//! Arguments of calls, and the objects that hold them.
#![allow(unsafe_code, reason = "the engine is C")]

use std::ffi::c_int;

use rquickjs_sys::*;

use super::{Held, Js, PLAIN, Thrown};
use crate::{
    engine::{Engine, Field, FieldKind},
    native,
    value::Value,
};

/// What the base image holds for runs.
pub(crate) struct Handles {
    objects: Vec<Filled>,
}

/// An object that runs fill.
struct Filled {
    object: Held,
    /// Its properties that take a value.
    fields: Vec<JSAtom>,
}

impl Js<'_> {
    pub(super) fn new_handles(&self, engine: &Engine) -> Result<Handles, Thrown> {
        for name in &engine.names {
            self.atom(name)?;
        }
        let objects =
            engine.objects.iter().map(|fields| self.new_filled(fields)).collect::<Result<_, _>>()?;
        Ok(Handles { objects })
    }

    /// An object that runs fill, without what they give.
    fn new_filled(&self, fields: &[Field]) -> Result<Filled, Thrown> {
        // SAFETY: the context's own object.
        let object = self.checked(unsafe { JS_NewObject(self.context) })?;
        let mut taking = Vec::with_capacity(fields.len());
        for field in fields {
            // The names stay with the image.
            let atom = self.atom(&field.name)?;
            match field.kind {
                FieldKind::Visible => self.define(object, atom, JS_UNDEFINED, JS_PROP_C_W_E)?,
                FieldKind::Hidden => self.define(object, atom, JS_UNDEFINED, PLAIN)?,
                FieldKind::Given(json) => {
                    self.define(object, atom, self.parse_json(json)?, JS_PROP_C_W_E)?;
                    continue;
                }
                FieldKind::Asked(function) => {
                    let getter = self.new_magic(&field.name, native::host_function, 0, function)?;
                    self.define_accessor(object, atom, getter, JS_UNDEFINED)?;
                    continue;
                }
            }
            taking.push(atom);
        }
        Ok(Filled { object: Held(object), fields: taking })
    }

    /// Makes an argument; nothing of it is needed afterwards.
    pub(crate) fn argument(
        &self,
        value: &Value<'_>,
        config: Held,
        handles: &Handles,
    ) -> Result<JSValue, Thrown> {
        // SAFETY: values and atoms of this context.
        unsafe {
            self.checked(match value {
                Value::Undefined => JS_UNDEFINED,
                Value::Config => JS_DupValue(self.context, config.0),
                Value::Text(text) => self.new_text(text),
                Value::Json(text) if text.to_bytes() == b"{}" => JS_NewObject(self.context),
                Value::Json(text) => return self.parse_json(text),
                Value::Lists(lists) => {
                    let object = JS_NewObject(self.context);
                    for (name, values) in *lists {
                        let list = self.new_list(values)?;
                        self.define(object, self.atom(name)?, list, JS_PROP_C_W_E)?;
                    }
                    object
                }
                Value::Object(index, values) => {
                    let Some(Filled { object: Held(object), fields }) = handles.objects.get(*index) else {
                        return Ok(JS_UNDEFINED);
                    };
                    let object = *object;
                    for (value, atom) in values.iter().zip(fields) {
                        let value = self.argument(value, config, handles)?;
                        if JS_SetProperty(self.context, object, *atom, value) < 0 {
                            return Err(Thrown);
                        }
                    }
                    JS_DupValue(self.context, object)
                }
            })
        }
    }

    fn new_list(&self, texts: &[String]) -> Result<JSValue, Thrown> {
        // Nearly all have one element.
        let mut few = [JS_UNDEFINED; 4];
        let mut many = Vec::new();
        let values = if texts.len() <= few.len() {
            &mut few[..texts.len()]
        } else {
            many.resize(texts.len(), JS_UNDEFINED);
            &mut many[..]
        };
        for (value, text) in values.iter_mut().zip(texts) {
            *value = self.checked(self.new_text(text))?;
        }
        // SAFETY: as many values as it says.
        self.checked(unsafe { JS_NewArrayFrom(self.context, values.len() as c_int, values.as_ptr()) })
    }
}
