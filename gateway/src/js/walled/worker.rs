//! The process in which scripts run: `gatehouse js-worker`, started by the gateway only.

use std::{
    cell::RefCell,
    collections::HashMap,
    io::{self, BufReader},
    os::{fd::AsFd as _, unix::net::UnixStream},
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    confine::{self, Memory},
    is_log,
    protocol::{self, Order, Report},
};
use crate::{
    config::settings::DriverName,
    js::{
        engine::{
            CallBounds, Deadline, Driver, ErrorClass, Host, HostReturn, Program, ScriptError, Source, Vm,
        },
        host::{HostFunction, text_function},
        pool::STACK_BYTES,
        script_log,
    },
};

/// The command line's word for it.
pub const SUBCOMMAND: &str = "js-worker";

/// Bytes that the allocator may take ahead for the sizes that a script asks for first, and the engine for a new context.
const OVERHEAD: usize = 8 << 20;

/// The engine of this name, in this process.
pub(super) fn driver(name: DriverName) -> Arc<dyn Driver> {
    match name {
        #[cfg(feature = "boa")]
        DriverName::Boa => Arc::new(crate::js::boa::BoaDriver),
        #[cfg(feature = "quickjs")]
        DriverName::QuickJs => Arc::new(crate::js::quickjs::QuickJsDriver::new(1)),
    }
}

/// Serves the gateway whose socket is standard input, until that is closed.
pub fn run() -> ExitCode {
    confine::detach();
    // What a panic says is in the error of its call.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = io::stdin().as_fd().try_clone_to_owned().and_then(|socket| {
        let mut link =
            Link { reports: UnixStream::from(socket.try_clone()?), orders: BufReader::new(socket.into()) };
        match link.receive()? {
            Order::Begin { driver, parent } => confine::end_with(parent).map(|()| (link, driver)),
            _ => Err(io::Error::other("not begun by a gateway")),
        }
    });
    let (link, name) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("gatehouse {SUBCOMMAND} is for the gateway itself: {error}");
            return ExitCode::FAILURE;
        }
    };
    let serving = thread::Builder::new().name("script".to_owned()).stack_size(STACK_BYTES);
    let served = serving.spawn(move || serve(link, name)).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Err(error))) if error.kind() != io::ErrorKind::UnexpectedEof => {
            eprintln!("gatehouse {SUBCOMMAND}: {error}");
            ExitCode::FAILURE
        }
        Ok(Ok(_)) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// Both directions of the socket.
struct Link {
    orders: BufReader<UnixStream>,
    reports: UnixStream,
}

impl Link {
    fn receive(&mut self) -> io::Result<Order<'static>> {
        protocol::read(&mut self.orders, protocol::MOST_BYTES)
    }

    fn send(&mut self, report: &Report) -> io::Result<()> {
        protocol::write(&mut self.reports, report)
    }
}

/// Runs what the gateway orders; ends with the error that its socket gives when it is closed.
fn serve(link: Link, name: DriverName) -> io::Result<()> {
    let driver = driver(name);
    warm_up(&*driver);
    let mut worker =
        Worker { link: Rc::new(RefCell::new(link)), driver, memory: Memory::new()?, vms: HashMap::new() };
    confine::confine()?;
    worker.ready(true)?;
    loop {
        let order = worker.link.borrow_mut().receive()?;
        worker.obey(order)?;
    }
}

/// Makes an engine once, so that whatever it asks of the system only once has been asked.
fn warm_up(driver: &dyn Driver) {
    struct Nobody;
    impl Host for Nobody {
        fn call(&mut self, _: HostFunction, _: &[String]) -> HostReturn {
            HostReturn::Undefined
        }
    }
    let source =
        Source { name: "gatehouse:warm-up".into(), text: "JSON.stringify([new Date(), /a/])".into() };
    let program = Arc::new(Program {
        api_id: "".into(),
        sources: vec![source],
        config_json: "{}".into(),
        seed: 1,
        memory_bytes: 32 << 20,
    });
    // Whatever is wrong will be said for a real program too.
    let _ = driver.load(&program, Box::new(Nobody), Deadline::after(Duration::from_secs(5)));
}

struct Worker {
    link: Rc<RefCell<Link>>,
    driver: Arc<dyn Driver>,
    memory: Memory,
    vms: HashMap<u64, Box<dyn Vm>>,
}

impl Worker {
    fn obey(&mut self, order: Order<'_>) -> io::Result<()> {
        match order {
            Order::Load { program, limit } => {
                let deadline = Deadline::after(limit);
                let host = RemoteHost::new(Rc::clone(&self.link), deadline);
                let driver = &self.driver;
                let loaded =
                    self.within(program.memory_bytes, || driver.load(&program, Box::new(host), deadline))?;
                self.report(&Report::Loaded(loaded))?;
                self.ready(true)
            }
            Order::Make { id, loaded } => {
                let made = self.within(loaded.program.memory_bytes, || self.driver.vm(&loaded))?;
                let made = made.map(|vm| drop(self.vms.insert(id, vm)));
                self.report(&Report::Made(made))
            }
            Order::Call { id, call, left, limit, memory_bytes, response_bytes } => {
                let deadline = Deadline { at: Instant::now() + left, limit };
                let Some(mut vm) = self.vms.remove(&id) else {
                    let error = ScriptError::new(ErrorClass::Engine, "its process does not have the program");
                    self.report(&Report::Returned(Err(error)))?;
                    return self.ready(false);
                };
                let host = Box::new(RemoteHost::new(Rc::clone(&self.link), deadline));
                let bounds = CallBounds { deadline, memory_bytes, response_bytes };
                let result = self.within(memory_bytes, || vm.call(&call, host, &bounds))?;
                self.report(&Report::Returned(result))?;
                let reset = self.within(memory_bytes, || vm.reset())?;
                let kept = reset.is_ok();
                if kept {
                    self.vms.insert(id, vm);
                }
                self.ready(kept)
            }
            Order::Forget { id } => {
                self.vms.remove(&id);
                Ok(())
            }
            Order::Begin { .. } | Order::Answer(_) => Err(io::Error::other("an order out of turn")),
        }
    }

    /// Does something within so much memory more than there is in use, and what the engine and the allocator take for
    /// themselves.
    fn within<T>(&self, bytes: usize, act: impl FnOnce() -> T) -> io::Result<T> {
        self.memory.allow(bytes + OVERHEAD)?;
        let result = act();
        self.memory.lift()?;
        Ok(result)
    }

    fn report(&self, report: &Report) -> io::Result<()> {
        self.link.borrow_mut().send(report)
    }

    fn ready(&self, kept: bool) -> io::Result<()> {
        self.report(&Report::Ready { grown_bytes: self.memory.grown_bytes(), kept })
    }
}

/// The host of a call, which is in the gateway.
struct RemoteHost {
    link: Rc<RefCell<Link>>,
    deadline: Deadline,
    /// Lines and bytes of the log that the gateway would still write.
    log_left: (usize, usize),
}

impl RemoteHost {
    fn new(link: Rc<RefCell<Link>>, deadline: Deadline) -> Self {
        Self { link, deadline, log_left: (script_log::MAX_LINES + 1, script_log::MAX_BYTES + 1) }
    }

    fn ask(&mut self, function: HostFunction, arguments: &[String]) -> io::Result<HostReturn> {
        let mut link = self.link.borrow_mut();
        link.send(&Report::HostCall { function, arguments: arguments.to_vec() })?;
        if is_log(function) {
            return Ok(HostReturn::Undefined);
        }
        match link.receive()? {
            Order::Answer(answer) => Ok(answer),
            _ => Err(io::Error::other("an order instead of an answer")),
        }
    }

    /// No more of a line than the gateway would write; what is one over tells it that there was more.
    fn log(&mut self, function: HostFunction, arguments: &[String]) -> io::Result<HostReturn> {
        let (lines, bytes) = &mut self.log_left;
        if *lines == 0 || *bytes == 0 {
            return Ok(HostReturn::Undefined);
        }
        let text = arguments.first().map_or("undefined", String::as_str);
        let text = text[..text.floor_char_boundary(script_log::MAX_BYTES + 4)].to_owned();
        *lines -= 1;
        *bytes = bytes.saturating_sub(text.len());
        self.ask(function, &[text])
    }
}

impl Host for RemoteHost {
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        if self.deadline.passed() {
            return HostReturn::Abort(self.deadline.error());
        }
        if let Some(text) = text_function(function, arguments) {
            return text;
        }
        let answer =
            if is_log(function) { self.log(function, arguments) } else { self.ask(function, arguments) };
        answer.unwrap_or_else(|error| {
            let message = format!("the gateway does not answer: {error}");
            HostReturn::Abort(ScriptError::new(ErrorClass::Engine, message))
        })
    }
}
