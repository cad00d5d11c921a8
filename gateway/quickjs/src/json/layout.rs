//! How the engine's objects lie in memory, as far as they are made and read here.
//!
//! The engine's interface does not say; its source does. [`is_as_described`] compares objects that the engine made with
//! what is described here when an engine is made, and nothing of this is used where they differ.
#![allow(unsafe_code, reason = "looks into the engine's objects")]

use std::{ffi::c_void, ops::Range, ptr, slice};

use rquickjs_sys::*;

use super::Json;
use crate::js::{Js, Thrown};

/// Kind of a property that has a value of its own, in [`ShapeProperty`]; the mask of all kinds.
const NORMAL: u32 = 0;
const KINDS: u32 = 3 << 4;

/// A link of the list of all objects, in which the garbage collector finds them.
#[repr(C)]
pub(super) struct Link {
    previous: *mut Self,
    next: *mut Self,
}

/// What stands before each allocation of the engine.
#[repr(C)]
struct Head {
    block: u16,
    size: u8,
    /// What the garbage collector knows of it.
    kind: u8,
    count: i32,
}

/// An object; the last fields are those of arrays.
#[repr(C)]
pub(super) struct Object {
    link: Link,
    flags: u8,
    more_flags: u8,
    class: u16,
    shape: *mut Shape,
    values: *mut JSValue,
    weak: *mut c_void,
    size: u32,
    elements: *mut JSValue,
    count: u32,
}

/// Bits of [`Object::flags`].
const EXTENSIBLE: u8 = 2;
const EXOTIC: u8 = 8;
const FAST_ARRAY: u8 = 16;

/// Prototype and properties' names of objects alike.
#[repr(C)]
pub(super) struct Shape {
    link: Link,
    is_hashed: u8,
    hash: u32,
    hash_mask: u32,
    /// How many properties there is room for.
    size: i32,
    /// How many there are, those that were deleted included.
    count: i32,
    deleted: i32,
    next: *mut Self,
    prototype: *mut Object,
    // The table of hashes, then the properties.
}

/// A property of a shape.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ShapeProperty {
    bits: u32,
    pub(super) atom: JSAtom,
}

impl ShapeProperty {
    fn flags(self) -> u32 {
        self.bits >> 26
    }

    /// Whether it has a value of its own, and nothing else.
    pub(super) fn is_normal(self) -> bool {
        self.flags() & KINDS == NORMAL
    }

    pub(super) fn is_enumerable(self) -> bool {
        self.flags() & JS_PROP_ENUMERABLE != 0
    }
}

/// The head of an allocation.
///
/// # Safety
/// It is one of the engine's.
unsafe fn head<T>(allocation: *mut T) -> *mut Head {
    // SAFETY: the engine puts a head before each.
    unsafe { allocation.cast::<Head>().sub(1) }
}

/// # Safety
/// For all functions here: the object is one of the engine's, alive, and lies as described; so for its shape.
impl Object {
    /// The object of a value.
    pub(super) unsafe fn of(value: JSValue) -> *mut Self {
        // SAFETY: the caller's value is an object.
        unsafe { JS_VALUE_GET_PTR(value).cast() }
    }

    /// The properties' names and values of a plain object.
    pub(super) unsafe fn plain(&self, json: &Json) -> Option<(*const Shape, &[ShapeProperty], &[JSValue])> {
        // SAFETY: a shape has as many properties as it says, and each object of it as many values.
        unsafe {
            let usual = self.class == json.object_class
                && self.flags & EXOTIC == 0
                && (*self.shape).prototype == json.object_prototype;
            let count = (*self.shape).count.max(0) as usize;
            usual.then(|| {
                (
                    self.shape.cast_const(),
                    Shape::properties(self.shape),
                    slice::from_raw_parts(self.values, count),
                )
            })
        }
    }

    /// The elements of an array that has nothing but these.
    pub(super) unsafe fn elements(&self, json: &Json) -> Option<&[JSValue]> {
        // SAFETY: the first property of an array is its length; it has as many elements as it says.
        unsafe {
            if self.class != json.array_class
                || self.flags & FAST_ARRAY == 0
                || (*self.shape).prototype != json.array_prototype
                || (*self.shape).count != 1
            {
                return None;
            }
            let length = *self.values;
            if JS_VALUE_GET_NORM_TAG(length) != JS_TAG_INT || JS_VALUE_GET_INT(length) as u32 != self.count {
                return None;
            }
            Some(if self.count == 0 {
                &[]
            } else {
                slice::from_raw_parts(self.elements, self.count as usize)
            })
        }
    }

    /// The prototype.
    pub(super) unsafe fn prototype(&self) -> *mut Self {
        // SAFETY: as above.
        unsafe { (*self.shape).prototype }
    }

    /// Whether [`Object::copy`] may copy it: a plain object of so many ordinary properties.
    pub(super) unsafe fn is_model(&self, json: &Json, count: usize) -> bool {
        // SAFETY: as above.
        unsafe {
            self.flags == EXTENSIBLE
                && self.more_flags & 1 == 0
                && self.weak.is_null()
                && (*self.shape).is_hashed == 1
                && (*self.shape).deleted == 0
                && self.plain(json).is_some_and(|(_, properties, _)| {
                    properties.len() == count
                        && properties.iter().all(|property| property.flags() == JS_PROP_C_W_E)
                })
        }
    }

    /// A new object of the same shape with these values, which it takes over; null when there is no memory for it.
    ///
    /// # Safety
    /// [`Object::is_model`] said so, for as many values.
    pub(super) unsafe fn copy(context: *mut JSContext, model: *mut Self, values: &[JSValue]) -> *mut Self {
        // SAFETY: two new allocations of sizes that the engine would ask for as well; all their fields are written
        // before it sees them. One more object has the shape, as if the engine had found it in its table.
        unsafe {
            let shape = (*model).shape;
            let object: *mut Self = js_malloc(context, size_of::<Self>() as size_t).cast();
            if object.is_null() {
                return object;
            }
            let room = (*shape).size.max(0) as usize * size_of::<JSValue>();
            let content: *mut JSValue = js_malloc(context, room as size_t).cast();
            if content.is_null() {
                js_free(context, object.cast());
                return ptr::null_mut();
            }
            ptr::copy_nonoverlapping(values.as_ptr(), content, values.len());
            (*head(shape)).count += 1;
            (*head(object)).count = 1;
            (*head(object)).kind = (*head(model)).kind;
            ptr::copy_nonoverlapping(model, object, 1);
            (*object).values = content;
            let (before, after) = (&raw mut (*model).link, (*model).link.next);
            (*object).link = Link { previous: before, next: after };
            (*after).previous = object.cast();
            (*before).next = object.cast();
            object
        }
    }
}

impl Shape {
    unsafe fn properties<'a>(shape: *const Self) -> &'a [ShapeProperty] {
        // SAFETY: they stand behind the table of hashes, which stands behind the shape.
        unsafe {
            let table = shape.add(1).cast::<u32>();
            let first = table.add((*shape).hash_mask as usize + 1).cast::<ShapeProperty>();
            slice::from_raw_parts(first, (*shape).count.max(0) as usize)
        }
    }
}

/// Whether objects that the engine makes lie as described here.
pub(super) fn is_as_described(js: &Js<'_>, json: &Json, heap: &Range<usize>) -> Result<bool, Thrown> {
    const NAMES: [&str; 3] = ["first", "second", "third"];
    let context = js.raw();
    let atoms = [js.atom(NAMES[0])?, js.atom(NAMES[1])?, js.atom(NAMES[2])?];
    // SAFETY: values of this context; what is made is given back, the copy last. Fields are read where they can be read
    // whatever they are, and followed only into the heap.
    unsafe {
        let made = |first: i32| -> Result<JSValue, Thrown> {
            let object = js.checked(JS_NewObject(context))?;
            for (atom, number) in atoms.iter().zip(first..) {
                js.define(object, *atom, number_value(number), JS_PROP_C_W_E)?;
            }
            Ok(object)
        };
        let (one, other) = (made(11)?, made(21)?);
        let numbers = [number_value(31), number_value(32)];
        let array = js.checked(JS_NewArrayFrom(context, 2, numbers.as_ptr()))?;
        let is_plain = |value: JSValue| {
            let object = Object::of(value);
            let inside = |address: usize| heap.contains(&address) && address.is_multiple_of(8);
            inside((*object).shape as usize)
                && inside((*object).values as usize)
                && inside((*object).link.next as usize)
                && inside((*object).link.previous as usize)
                && (*(*object).link.next).previous == object.cast()
                && (*(*object).link.previous).next == object.cast()
                && (*head(object)).count == 1
                && js_malloc_usable_size(context, object.cast()) as usize >= size_of::<Object>()
                && js_malloc_usable_size(context, object.cast()) as usize <= size_of::<Object>() + 8
                && inside((*(*object).shape).prototype as usize)
        };
        let same = |value: JSValue, number: i32| {
            JS_VALUE_GET_NORM_TAG(value) == JS_TAG_INT && JS_VALUE_GET_INT(value) == number
        };
        let alike = [(one, 11), (other, 21)].iter().all(|(value, first)| {
            let object = Object::of(*value);
            is_plain(*value)
                && (*object).is_model(json, 3)
                && (*(*object).shape).size >= 3
                && js_malloc_usable_size(context, (*object).values.cast()) as usize
                    >= (*(*object).shape).size as usize * size_of::<JSValue>()
                && (*object).plain(json).is_some_and(|(_, properties, values)| {
                    properties.iter().zip(&atoms).all(|(property, atom)| property.atom == *atom)
                        && values.iter().zip(*first..).all(|(value, number)| same(*value, number))
                })
        });
        let (model, second) = (Object::of(one), Object::of(other));
        let mut described = alike
            && (*model).shape == (*second).shape
            && (*head((*model).shape)).count >= 2
            && is_plain(array)
            && (*Object::of(array)).elements(json).is_some_and(|elements| {
                elements.len() == 2 && same(elements[0], 31) && same(elements[1], 32)
            });
        if described {
            let count = (*head((*model).shape)).count;
            let copy = Object::copy(context, model, &[number_value(41), number_value(42), number_value(43)]);
            if copy.is_null() {
                return Err(Thrown);
            }
            let copied = JS_MKPTR(JS_TAG_OBJECT, copy.cast());
            for (atom, number) in atoms.iter().zip(41..) {
                described &= same(JS_GetProperty(context, copied, *atom), number);
            }
            described &= is_plain(copied);
            JS_FreeValue(context, copied);
            described &= (*head((*model).shape)).count == count && is_plain(one);
        }
        for value in [one, other, array] {
            JS_FreeValue(context, value);
        }
        Ok(described)
    }
}

/// A whole number.
pub(super) fn number_value(number: i32) -> JSValue {
    JSValue { u: JSValueUnion { int32: number }, tag: i64::from(JS_TAG_INT) }
}
