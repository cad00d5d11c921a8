//! The tables of requests and answers over a host's types.

use std::marker::PhantomData;

use gatehouse_plugin_abi::{
    Buffer, HeaderTable, HeaderTable_Ref, MessageView, Pair, RequestParts, RequestTable, RequestTable_Ref,
    RequestView, ResponseTable, ResponseTable_Ref, ResponseView, Slice, WithMetadata,
    numbers::{answer, header},
};

use super::{
    host::{HeaderChange, Headers, Refusal, RequestSide, ResponseSide},
    panics::catch,
    view::{self, ForeignBytes},
};

/// The table of headers of messages that are an `H`.
struct MessageHeaders<H>(PhantomData<H>);

impl<H: Headers> MessageHeaders<H> {
    const TABLE: &'static WithMetadata<HeaderTable> = &WithMetadata::new(HeaderTable {
        first: first_header::<H>,
        all: all_headers::<H>,
        change: change_header::<H>,
    });
}

fn message_view<H: Headers>(owner: *mut H) -> MessageView {
    let headers = HeaderTable_Ref(MessageHeaders::<H>::TABLE.static_as_prefix());
    MessageView { owner: owner.cast(), headers }
}

/// The table of requests that are an `R`.
struct Requests<R>(PhantomData<R>);

impl<R: RequestSide> Requests<R> {
    const TABLE: &'static WithMetadata<RequestTable> = &WithMetadata::new(RequestTable {
        set_method: set_method::<R>,
        set_target: set_target::<R>,
        set_body: set_request_body::<R>,
    });
}

/// The table of answers that are an `S`.
struct Responses<S>(PhantomData<S>);

impl<S: ResponseSide> Responses<S> {
    const TABLE: &'static WithMetadata<ResponseTable> =
        &WithMetadata::new(ResponseTable { set_status: set_status::<S>, set_body: set_response_body::<S> });
}

/// A view of `request`, good for as long as it is borrowed.
pub(super) fn request_view<R: RequestSide>(request: &mut R) -> RequestView {
    let owner: *mut R = request;
    // SAFETY: the pointer is to the request, exclusively borrowed here. Going through it keeps the parts' views valid
    // while the owner is used through the same pointer.
    let parts = parts(unsafe { &*owner });
    RequestView {
        message: message_view(owner),
        table: RequestTable_Ref(Requests::<R>::TABLE.static_as_prefix()),
        parts,
    }
}

/// A view of `response`, good for as long as it is borrowed.
pub(super) fn response_view<S: ResponseSide>(response: &mut S) -> ResponseView {
    let owner: *mut S = response;
    // SAFETY: as in `request_view`.
    let (status, body) = unsafe { ((*owner).status(), Slice::new((*owner).body())) };
    ResponseView {
        message: message_view(owner),
        table: ResponseTable_Ref(Responses::<S>::TABLE.static_as_prefix()),
        status: status.into(),
        body,
    }
}

fn parts<R: RequestSide>(request: &R) -> RequestParts {
    let facts = request.facts();
    RequestParts {
        method: Slice::text(facts.method),
        path: Slice::text(facts.path),
        query: facts.query.map_or(Slice::ABSENT, Slice::text),
        body: Slice::new(facts.body),
    }
}

/// The number for what a host says.
pub(super) fn number(done: Result<(), Refusal>) -> u32 {
    match done {
        Ok(()) => answer::DONE,
        Err(Refusal::BadName) => answer::BAD_NAME,
        Err(Refusal::BadValue) => answer::BAD_VALUE,
        Err(Refusal::NoSession) => answer::NO_SESSION,
        Err(Refusal::NotHere) => answer::NOT_HERE,
    }
}

// What follows is called by plugins only, through the tables. The `# Safety` of each is that of its field in
// `gatehouse_plugin_abi::tables`, where `owner` is the `R`, `S` or `H` that a view was made of, reached as invariant 3
// says. Each SAFETY comment below leans on that.

unsafe extern "C" fn first_header<H: Headers>(owner: *const (), name: Slice) -> Slice {
    // SAFETY: shared access to the owner, and a view for this call.
    let (headers, name) = unsafe { (&*owner.cast::<H>(), view::text(name)) };
    catch(|| headers.header(name).map_or(Slice::ABSENT, Slice::new)).unwrap_or(Slice::ABSENT)
}

unsafe extern "C" fn all_headers<H: Headers>(owner: *const (), to: *mut Pair, room: usize) -> usize {
    // SAFETY: shared access to the owner.
    let headers = unsafe { &*owner.cast::<H>() };
    let written = catch(|| {
        let mut index = 0;
        headers.each_header(&mut |name, value| {
            if index < room {
                let pair = Pair { name: Slice::text(name), value: Slice::new(value), flags: 0 };
                // SAFETY: the plugin gives a place for `room` pairs.
                unsafe { to.add(index).write(pair) };
            }
            index += 1;
        });
        index
    });
    written.unwrap_or(0)
}

unsafe extern "C" fn change_header<H: Headers>(
    owner: *mut (),
    change: u32,
    name: Slice,
    value: Slice,
) -> u32 {
    // SAFETY: exclusive access to the owner, and views for this call.
    let (headers, name, value) =
        unsafe { (&mut *owner.cast::<H>(), view::text(name), view::bytes(value).unwrap_or_default()) };
    let change = match change {
        header::SET => HeaderChange::Set(value),
        header::APPEND => HeaderChange::Append(value),
        header::REMOVE => HeaderChange::Remove,
        _ => return answer::NOT_HERE,
    };
    catch(|| number(headers.change_header(name, change))).unwrap_or(answer::FAILED)
}

/// Changes a request and refreshes the parts that the plugin reads.
///
/// # Safety
/// As for the functions of a table.
unsafe fn change_request<R: RequestSide>(
    owner: *mut (),
    refreshed: *mut RequestParts,
    change: impl FnOnce(&mut R) -> Result<(), Refusal>,
) -> u32 {
    let owner = owner.cast::<R>();
    // SAFETY: exclusive access to the owner.
    let done = catch(|| number(change(unsafe { &mut *owner })));
    // SAFETY: the change is over; the views that are made here last until the next one.
    if let Ok(parts) = catch(|| parts(unsafe { &*owner })) {
        // SAFETY: the plugin gives a place for the parts.
        unsafe { refreshed.write(parts) };
    }
    done.unwrap_or(answer::FAILED)
}

unsafe extern "C" fn set_method<R: RequestSide>(
    owner: *mut (),
    method: Slice,
    parts: *mut RequestParts,
) -> u32 {
    // SAFETY: a view for this call; the rest is passed on.
    unsafe { change_request::<R>(owner, parts, |request| request.set_method(view::text(method))) }
}

unsafe extern "C" fn set_target<R: RequestSide>(
    owner: *mut (),
    target: Slice,
    parts: *mut RequestParts,
) -> u32 {
    // SAFETY: as in `set_method`.
    unsafe { change_request::<R>(owner, parts, |request| request.set_target(view::text(target))) }
}

unsafe extern "C" fn set_request_body<R: RequestSide>(
    owner: *mut (),
    body: *mut Buffer,
    parts: *mut RequestParts,
) -> u32 {
    // SAFETY: the buffer is the plugin's to give away; the rest is passed on.
    unsafe {
        let body = ForeignBytes::take(body);
        change_request::<R>(owner, parts, |request| request.set_body(body))
    }
}

unsafe extern "C" fn set_status<S: ResponseSide>(owner: *mut (), status: u32) -> u32 {
    let Ok(status) = u16::try_from(status) else { return answer::BAD_VALUE };
    // SAFETY: exclusive access to the owner.
    let response = unsafe { &mut *owner.cast::<S>() };
    catch(|| number(response.set_status(status))).unwrap_or(answer::FAILED)
}

unsafe extern "C" fn set_response_body<S: ResponseSide>(
    owner: *mut (),
    body: *mut Buffer,
    refreshed: *mut Slice,
) -> u32 {
    let owner = owner.cast::<S>();
    // SAFETY: exclusive access to the owner; the buffer is the plugin's to give away.
    let done = catch(|| unsafe { (*owner).set_body(ForeignBytes::take(body)) });
    // SAFETY: the change is over; the plugin gives a place for the view, which lasts until the next change.
    let seen = catch(|| unsafe { refreshed.write(Slice::new((*owner).body())) });
    if done.is_ok() && seen.is_ok() { answer::DONE } else { answer::FAILED }
}
