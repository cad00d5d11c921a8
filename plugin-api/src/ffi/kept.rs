//! What a plugin keeps at one place of a definition, such as configuration that it has read: made at the first call
//! there, freed with the place.
//!
//! The host's end is [`Kept`], an address with what frees it. The plugin's end is [`Shelf`], which has values of several
//! types and needs no unsafe code: it only ever grows, so that what was given out stays where it is.

use std::{any::Any, sync::OnceLock};

use gatehouse_plugin_abi::KeptValue;

use super::panics::quietly;

/// What a plugin keeps at one place of a definition; freed when it is dropped. For the host of a [`ContextSide`].
///
/// [`ContextSide`]: super::host::ContextSide
#[derive(Default)]
pub struct Kept(OnceLock<Owned>);

/// A value and the library that it belongs to; frees it when dropped.
struct Owned {
    mark: *const (),
    kept: KeptValue,
}

// SAFETY: a kept value may be used and freed on any thread (documented on `KeptValue`), and a mark is only compared.
unsafe impl Send for Owned {}
// SAFETY: as above; the host does not look into the value.
unsafe impl Sync for Owned {}

impl Kept {
    /// The value with this mark, or null.
    pub(super) fn find(&self, mark: *const ()) -> *const () {
        match self.0.get() {
            Some(owned) if owned.mark == mark => owned.kept.value.cast_const(),
            _ => std::ptr::null(),
        }
    }

    /// Keeps the value unless there is one with this mark, and gives the one that is kept. Null when another library's is
    /// there; the value is then still the caller's.
    ///
    /// # Safety
    /// `value` is as [`KeptValue`] says, and whoever gets what is kept does not use it after `self` is gone.
    pub(super) unsafe fn put(&self, mark: *const (), value: KeptValue) -> *const () {
        // One that comes too late is dropped, and so freed, unless it stays the caller's.
        if let Err(late) = self.0.set(Owned { mark, kept: value })
            && self.find(mark).is_null()
        {
            std::mem::forget(late);
        }
        self.find(mark)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: this is the one owner, and nobody uses the value any more: either nobody has seen it, or `put` says so.
        unsafe { (self.kept.free)(self.kept.value) };
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.0.get().is_some()).finish()
    }
}

/// Values of a plugin by number and type.
#[derive(Default)]
pub(super) struct Shelf(OnceLock<Box<Entry>>);

struct Entry {
    number: u32,
    value: Box<dyn Any + Send + Sync>,
    next: Shelf,
}

impl Shelf {
    /// The value of this number and type; made if it is not there yet.
    ///
    /// # Errors
    /// As `make` says; nothing is kept then.
    pub(super) fn get_or_make<T: Send + Sync + 'static, E>(
        &self,
        number: u32,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        let mut last = self;
        while let Some(entry) = last.0.get() {
            match entry.get(number) {
                Some(value) => return Ok(value),
                None => last = &entry.next,
            }
        }
        let mut new = Some(Box::new(Entry { number, value: Box::new(make()?), next: Self::default() }));
        loop {
            // Another thread may have been first here, with the same value or with another.
            if let Some(entry) = new.take() {
                new = last.0.set(entry).err();
            }
            let entry = last.0.wait();
            match entry.get(number) {
                Some(value) => return Ok(value),
                None => last = &entry.next,
            }
        }
    }
}

impl Entry {
    fn get<T: 'static>(&self, number: u32) -> Option<&T> {
        if self.number == number { self.value.downcast_ref() } else { None }
    }
}

/// The address that stands for this library: each has a copy of this static.
pub(super) fn mark() -> *const () {
    static MARK: u8 = 0;
    (&raw const MARK).cast()
}

/// Frees a shelf that a host kept.
///
/// # Safety
/// `shelf` is from `Box::into_raw` of a `Box<Shelf>`, and is not used any more.
pub(super) unsafe extern "C" fn free(shelf: *mut ()) {
    // SAFETY: as the caller says.
    quietly(|| drop(unsafe { Box::from_raw(shelf.cast::<Shelf>()) }));
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        ptr,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        thread,
    };

    use super::{Kept, KeptValue, Shelf, free, mark};

    #[test]
    fn each_number_and_type_is_made_once_and_stays() {
        let shelf = Shelf::default();
        let made = AtomicU32::new(0);
        let get = |number| {
            let make = || Ok::<_, Infallible>(made.fetch_add(1, Ordering::Relaxed));
            shelf.get_or_make::<u32, _>(number, make).unwrap()
        };
        let first = get(8);
        assert_eq!((get(9), get(8), get(9)), (&1, &0, &1));
        assert!(ptr::eq(first, get(8)));
        let text = shelf.get_or_make(8, || Ok::<_, Infallible>("another type")).unwrap();
        assert_eq!(*text, "another type");
        assert_eq!(shelf.get_or_make::<u64, _>(8, || Err("not yet")), Err("not yet"));
        assert_eq!(shelf.get_or_make::<u64, _>(8, || Ok::<_, &str>(7)), Ok(&7));
    }

    #[test]
    fn threads_that_come_at_once_get_the_same() {
        let shelf = Shelf::default();
        let addresses: Vec<usize> = thread::scope(|scope| {
            let get = |number: u32| {
                let value = shelf.get_or_make(number, || Ok::<_, Infallible>(number)).unwrap();
                assert_eq!(*value, number);
                ptr::from_ref(value).addr()
            };
            let threads: Vec<_> =
                (0..8).map(|number| scope.spawn(move || (number % 4, get(number % 4)))).collect();
            let mut found = [0; 4];
            for thread in threads {
                let (number, address) = thread.join().unwrap();
                let known = &mut found[number as usize];
                assert!(*known == 0 || *known == address);
                *known = address;
            }
            found.to_vec()
        });
        assert!(addresses.iter().all(|address| *address != 0));
    }

    fn boxed(shelf: Shelf) -> *mut () {
        Box::into_raw(Box::new(shelf)).cast()
    }

    #[test]
    fn a_host_frees_what_it_kept_and_nothing_else() {
        let (kept, guard) = (Kept::default(), Arc::new(()));
        let shelf = || {
            let shelf = Shelf::default();
            shelf.get_or_make(1, || Ok::<_, Infallible>(Arc::clone(&guard))).unwrap();
            boxed(shelf)
        };
        assert!(kept.find(mark()).is_null());
        let (first, late, foreign) = (shelf(), shelf(), shelf());
        let value = |shelf| KeptValue { value: shelf, free };
        // SAFETY: each is a shelf of its own, given away once, and used no more after `kept`.
        unsafe {
            assert_eq!(kept.put(mark(), value(first)), first.cast_const());
            assert_eq!(kept.put(mark(), value(late)), first.cast_const());
            assert_eq!(Arc::strong_count(&guard), 3, "the one that came late is freed");
            let other = ptr::from_ref(&kept).cast();
            assert!(kept.put(other, value(foreign)).is_null(), "another library's is not given out");
            assert!(kept.find(other).is_null());
            free(foreign);
        }
        drop(kept);
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
