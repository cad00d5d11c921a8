//! The table of contexts over a host's type.

use std::{future::ready, marker::PhantomData, time::Duration};

use gatehouse_plugin_abi::{
    Buffer, ContextTable, ContextTable_Ref, ForeignFuture, KeptValue, OutboundAnswer, OutboundCall, Pair,
    Slice, StorageAnswer, StorageCall, WithMetadata,
    numbers::{answer, level, metric, storage, stored},
};

use super::{
    future::export,
    host::{
        Answer, ContextSide, HostAnswer, HostCall, HostFuture, Level, Metric, MetricKind, StorageOperation,
        Stored,
    },
    host_message::number,
    pairs::HeaderPairs,
    panics::{catch, quietly},
    view::{self, ForeignBytes},
};

/// The table of contexts that are a `C`.
struct Contexts<C>(PhantomData<C>);

impl<C: ContextSide> Contexts<C> {
    const TABLE: &'static WithMetadata<ContextTable> = &WithMetadata::new(ContextTable {
        fact: fact::<C>,
        lookup: lookup::<C>,
        put: put::<C>,
        respond: respond::<C>,
        log: log::<C>,
        metric: count::<C>,
        time_left: time_left::<C>,
        cancelled: cancelled::<C>,
        send: send::<C>,
        storage: ask_store::<C>,
        kept: kept::<C>,
        keep: keep::<C>,
    });
}

/// The table for `C`.
pub(super) fn context_table<C: ContextSide>() -> ContextTable_Ref {
    ContextTable_Ref(Contexts::<C>::TABLE.static_as_prefix())
}

// What follows is called by plugins only, through the table. The `# Safety` of each is that of its field in
// `gatehouse_plugin_abi::tables`, where `owner` is the `C` of a call, only ever shared. Each SAFETY comment below leans on
// that.

unsafe extern "C" fn fact<C: ContextSide>(owner: *const (), fact: u32) -> Slice {
    // SAFETY: shared access to the owner.
    let context = unsafe { &*owner.cast::<C>() };
    catch(|| context.fact(fact).map_or(Slice::ABSENT, Slice::text)).unwrap_or(Slice::ABSENT)
}

unsafe extern "C" fn lookup<C: ContextSide>(owner: *const (), item: u32, key: Slice) -> Buffer {
    // SAFETY: shared access to the owner, and a view for this call.
    let (context, key) = unsafe { (&*owner.cast::<C>(), view::text(key)) };
    let found = catch(|| context.lookup(item, key)).unwrap_or_default();
    found.map_or(Buffer::ABSENT, |bytes| ForeignBytes::from(bytes).into_buffer())
}

unsafe extern "C" fn put<C: ContextSide>(owner: *const (), item: u32, key: Slice, value: Slice) -> u32 {
    // SAFETY: shared access to the owner, and views for this call.
    let (context, key, value) = unsafe { (&*owner.cast::<C>(), view::text(key), view::bytes(value)) };
    catch(|| number(context.put(item, key, value))).unwrap_or(answer::FAILED)
}

unsafe extern "C" fn respond<C: ContextSide>(
    owner: *const (),
    status: u32,
    headers: *const Pair,
    count: usize,
    body: *mut Buffer,
) -> u32 {
    // SAFETY: shared access to the owner; the buffer is the plugin's to give away.
    let (context, body) = unsafe { (&*owner.cast::<C>(), ForeignBytes::take(body)) };
    // SAFETY: the plugin gives so many pairs, for this call.
    let pairs = unsafe { pairs(headers, count) };
    let Ok(status) = u16::try_from(status) else { return answer::BAD_VALUE };
    // SAFETY: what is marked static lives for ever (invariant 7), the rest for this call.
    let headers = unsafe { HeaderPairs::new(pairs) };
    catch(|| number(context.respond(Answer { status, headers, body }))).unwrap_or(answer::FAILED)
}

/// # Safety
/// So many pairs are there for `'a`.
unsafe fn pairs<'a>(pairs: *const Pair, count: usize) -> &'a [Pair] {
    if count == 0 {
        return &[];
    }
    // SAFETY: as the caller says.
    unsafe { std::slice::from_raw_parts(pairs, count) }
}

unsafe extern "C" fn log<C: ContextSide>(owner: *const (), level: u32, message: Slice) {
    // SAFETY: shared access to the owner, and a view for this call.
    let (context, message) = unsafe { (&*owner.cast::<C>(), view::text(message)) };
    let level = match level {
        level::TRACE => Level::Trace,
        level::DEBUG => Level::Debug,
        level::WARN => Level::Warn,
        level::ERROR => Level::Error,
        _ => Level::Info,
    };
    quietly(|| context.log(level, message));
}

unsafe extern "C" fn count<C: ContextSide>(
    owner: *const (),
    kind: u32,
    name: Slice,
    labels: *const Pair,
    label_count: usize,
    value: f64,
) {
    let kind = match kind {
        metric::COUNTER => MetricKind::Counter,
        metric::HISTOGRAM => MetricKind::Histogram,
        _ => return,
    };
    // SAFETY: shared access to the owner, and views for this call.
    let (context, name, labels) =
        unsafe { (&*owner.cast::<C>(), view::text(name), pairs(labels, label_count)) };
    quietly(|| {
        // SAFETY: as above.
        let labels = labels.iter().map(|label| unsafe { (view::text(label.name), view::text(label.value)) });
        context.metric(Metric { kind, name, labels: labels.collect(), value });
    });
}

unsafe extern "C" fn time_left<C: ContextSide>(owner: *const ()) -> u64 {
    // SAFETY: shared access to the owner.
    let context = unsafe { &*owner.cast::<C>() };
    let left = catch(|| context.time_left()).unwrap_or_default();
    left.map_or(u64::MAX, |left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX))
}

unsafe extern "C" fn cancelled<C: ContextSide>(owner: *const ()) -> u32 {
    // SAFETY: shared access to the owner.
    let context = unsafe { &*owner.cast::<C>() };
    catch(|| context.is_cancelled()).unwrap_or(false).into()
}

unsafe extern "C" fn send<C: ContextSide>(
    owner: *const (),
    call: *const OutboundCall,
) -> ForeignFuture<OutboundAnswer> {
    // SAFETY: shared access to the owner, and views for this call; the buffer is the plugin's to give away.
    let (context, call) = unsafe {
        let call = &*call;
        let headers = pairs(call.headers, call.header_count).iter().map(|pair| {
            (view::text(pair.name).to_owned(), view::bytes(pair.value).unwrap_or_default().to_vec())
        });
        let host_call = HostCall {
            method: view::text(call.method).to_owned(),
            url: view::text(call.url).to_owned(),
            headers: headers.collect(),
            body: ForeignBytes::take(call.body),
            timeout: (call.timeout_ms > 0).then(|| Duration::from_millis(call.timeout_ms)),
        };
        (&*owner.cast::<C>(), host_call)
    };
    match catch(|| context.send(call)) {
        Ok(future) => answering(future),
        Err(_) => answering::<C::Answer>(Box::pin(ready(Err(FAILED.to_owned())))),
    }
}

/// What a plugin is told when the host itself failed.
const FAILED: &str = "the gateway failed";

fn answering<A: HostAnswer>(future: HostFuture<Result<A, String>>) -> ForeignFuture<OutboundAnswer> {
    export(async move {
        match future.await {
            Ok(answer) => outbound_answer(answer),
            Err(reason) => outbound_answer(NoAnswer(reason)),
        }
    })
}

/// A call without an answer: the reason is in the body.
struct NoAnswer(String);

impl HostAnswer for NoAnswer {
    fn status(&self) -> u16 {
        0
    }

    fn header_count(&self) -> usize {
        0
    }

    fn each_header<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}

    fn body(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// An answer and the views of its headers.
struct Owned<A> {
    answer: A,
    pairs: Vec<Pair>,
}

fn outbound_answer<A: HostAnswer>(answer: A) -> OutboundAnswer {
    /// # Safety
    /// As [`OutboundAnswer`] says of its `free`.
    unsafe extern "C" fn free<A>(owner: *mut ()) {
        // SAFETY: `owner` is the box made below, and `free` is called once.
        quietly(|| drop(unsafe { Box::from_raw(owner.cast::<Owned<A>>()) }));
    }
    let pairs = Vec::with_capacity(answer.header_count());
    let owned = Box::into_raw(Box::new(Owned { answer, pairs }));
    // SAFETY: the box was just made and stays where it is; from here on it is only read until `free`.
    let (answer, pairs) = unsafe { (&(*owned).answer, &mut (*owned).pairs) };
    answer.each_header(&mut |name, value| {
        pairs.push(Pair { name: Slice::text(name), value: Slice::new(value), flags: 0 });
    });
    OutboundAnswer {
        status: answer.status().into(),
        headers: pairs.as_ptr(),
        header_count: pairs.len(),
        body: Slice::new(answer.body()),
        owner: owned.cast(),
        free: free::<A>,
    }
}

unsafe extern "C" fn ask_store<C: ContextSide>(
    owner: *const (),
    call: *const StorageCall,
) -> ForeignFuture<StorageAnswer> {
    // SAFETY: shared access to the owner, and views for this call.
    let (context, number, key, value) = unsafe {
        let call = &*call;
        let value = view::bytes(call.value).unwrap_or_default();
        (&*owner.cast::<C>(), (call.operation, call.number), view::text(call.key).to_owned(), value)
    };
    let answered = match operation(number, value) {
        Some(operation) => catch(|| context.storage(key, operation)),
        None => Ok(refused("this gateway does not know that operation")),
    };
    let future = answered.unwrap_or_else(|_| refused(FAILED));
    export(async move { storage_answer(future.await) })
}

unsafe extern "C" fn kept<C: ContextSide>(owner: *const (), mark: *const ()) -> *const () {
    // SAFETY: shared access to the owner.
    let context = unsafe { &*owner.cast::<C>() };
    catch(|| context.kept().map_or(std::ptr::null(), |kept| kept.find(mark))).unwrap_or(std::ptr::null())
}

unsafe extern "C" fn keep<C: ContextSide>(owner: *const (), mark: *const (), value: KeptValue) -> *const () {
    // SAFETY: shared access to the owner.
    let context = unsafe { &*owner.cast::<C>() };
    match catch(|| context.kept()) {
        // SAFETY: the plugin gives the value away with what frees it, as `Kept::put` asks.
        Ok(Some(kept)) => unsafe { kept.put(mark, value) },
        _ => std::ptr::null(),
    }
}

fn refused(reason: &str) -> HostFuture<Result<Stored, String>> {
    Box::pin(ready(Err(reason.to_owned())))
}

fn operation((operation, number): (u32, i64), value: &[u8]) -> Option<StorageOperation> {
    let set = |if_absent| StorageOperation::Set {
        value: value.to_vec(),
        life: u64::try_from(number).ok().filter(|life| *life > 0).map(Duration::from_millis),
        if_absent,
    };
    Some(match operation {
        storage::GET => StorageOperation::Get,
        storage::SET => set(false),
        storage::SET_IF_ABSENT => set(true),
        storage::DELETE => StorageOperation::Delete,
        storage::TIME_TO_LIVE => StorageOperation::TimeToLive,
        storage::INCREMENT => StorageOperation::Increment(number),
        _ => return None,
    })
}

fn storage_answer(answer: Result<Stored, String>) -> StorageAnswer {
    let (kind, number, value) = match answer {
        Ok(Stored::Nothing) => (stored::NOTHING, 0, Vec::new()),
        Ok(Stored::Value(value)) => (stored::VALUE, 0, value),
        Ok(Stored::Number(number)) => (stored::NUMBER, number, Vec::new()),
        Err(reason) => (stored::ERROR, 0, reason.into_bytes()),
    };
    StorageAnswer { kind, number, value: ForeignBytes::from(value).into_buffer() }
}
