//! Starts, reloads and stops a gateway.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
};

use crate::{
    config::{self, ConfigError, Settings},
    deadline,
    live::compile::Compiled,
    serve::{
        Entry, Gateway, StartError,
        listener::{self, Listener},
        metrics::MetricsListener,
        reload::AskedBy,
    },
    session::Signal,
    supervisor::{
        self,
        worker::{self, Inherited, SupervisorPipe},
    },
    telemetry::logging,
    watch::FileWatch,
};

/// Why the process leaves with a failure.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration is wrong; the text names each mistake.
    #[error("{0}")]
    Config(String),
    /// The gateway cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system does not give threads, sockets or signals.
    #[error("{doing}: {error}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        error: std::io::Error,
    },
    /// Files cannot be watched.
    #[error("gatehouse.watch: {0}")]
    Watch(#[source] notify_debouncer_mini::notify::Error),
    /// `check` found something that does not run as it is.
    #[error(
        "{refused} definitions, {failed_sources} sources and {failed_plugins} plugin functions do not run as they are"
    )]
    Definitions {
        /// Definitions that are not served.
        refused: usize,
        /// Sources that do not load.
        failed_sources: usize,
        /// Places that name a plugin which does not load.
        failed_plugins: usize,
    },
}

impl From<ConfigError> for RunError {
    fn from(error: ConfigError) -> Self {
        Self::Config(with_causes(&error))
    }
}

/// An error and everything behind it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn system(doing: &'static str) -> impl FnOnce(std::io::Error) -> RunError {
    move |error| RunError::System { doing, error }
}

/// Runs the gateway of a configuration file until it is told to stop; in a worker process when there is a supervisor.
///
/// # Errors
/// When it cannot start.
pub fn from_file(conf: Option<&Path>) -> Result<ExitCode, RunError> {
    let settings = config::load(conf, std::env::vars())?;
    logging::start(&settings.log);
    if let Some(Inherited { listener, supervisor }) =
        worker::inherit().map_err(system("taking over from the supervisor"))?
    {
        runtime(&settings)?.block_on(serve(settings, listener, Some(supervisor), |_| {}))?;
        return Ok(ExitCode::SUCCESS);
    }
    report_ignored(&settings);
    let listener = listener::open(settings.server.listen)?;
    if settings.server.supervisor {
        return supervisor::run(listener.into());
    }
    runtime(&settings)?.block_on(serve(settings, listener, None, |_| {}))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration and the definitions and says what is wrong with them.
///
/// # Errors
/// When something is.
pub fn check(conf: Option<&Path>) -> Result<(), RunError> {
    let settings = config::load(conf, std::env::vars())?;
    logging::start(&settings.log);
    report_ignored(&settings);
    let runtime = runtime(&settings)?;
    let gateway = Gateway::new(settings, runtime.handle().clone())?;
    let Compiled { served, unchanged: _, refused, failed_sources, failed_plugins } = gateway.reload()?;
    println!("{served} of {} definitions are served", served + refused);
    if failed_sources > 0 {
        println!("{failed_sources} of their sources do not load");
    }
    if failed_plugins > 0 {
        println!("{failed_plugins} of their plugin functions do not load");
    }
    if refused + failed_sources + failed_plugins == 0 {
        return Ok(());
    }
    Err(RunError::Definitions { refused, failed_sources, failed_plugins })
}

/// Makes the async runtime of a gateway.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(settings: &Settings) -> Result<Runtime, RunError> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = settings.server.workers {
        builder.worker_threads(workers);
    }
    deadline::start().map_err(system("starting threads"))?;
    builder.enable_all().thread_name("gatehouse").build().map_err(system("starting threads"))
}

/// One warning for all settings without effect.
fn report_ignored(settings: &Settings) {
    if !settings.ignored_keys.is_empty() {
        let keys: Vec<String> = settings.ignored_keys.iter().map(ToString::to_string).collect();
        tracing::warn!("settings without effect here: {}", keys.join(", "));
    }
    if !settings.ignored_variables.is_empty() {
        let names: Vec<String> = settings.ignored_variables.iter().map(ToString::to_string).collect();
        tracing::warn!("environment variables without effect here: {}", names.join(", "));
    }
}

/// Serves until a signal says to stop: SIGTERM and SIGINT drain, SIGHUP reloads the definitions.
///
/// `listening` is told the address once connections are accepted.
///
/// # Errors
/// When the gateway cannot start.
pub async fn serve(
    settings: Settings,
    socket: TcpListener,
    supervisor: Option<SupervisorPipe>,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), RunError> {
    let gateway = Arc::new(Gateway::new(settings, tokio::runtime::Handle::current())?);
    let listener = Listener::new(&gateway, socket, Entry::Main)?;
    let control = gateway.settings.control.map(|address| Listener::control(&gateway, address)).transpose()?;
    let metrics = gateway.settings.metrics.listen.map(MetricsListener::open).transpose()?;
    // Before the files are read: what others say after that they have changed is read again.
    let store = gateway.sessions.store();
    store.listen().await;
    let signals = store.signals();
    let compiled = gateway.load().await?;
    // Before anybody hears that it listens: what is saved from then on is loaded.
    let mut watch = gateway.settings.watch.then(FileWatch::new).transpose().map_err(RunError::Watch)?;
    watch_files(&mut watch, &gateway);
    let address = listener.address().map_err(system("asking for the listener's address"))?;
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).map_err(system("waiting for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("waiting for SIGINT"))?;
    let mut hangup = signal(SignalKind::hangup()).map_err(system("waiting for SIGHUP"))?;
    tokio::spawn(close_idle_upstreams(Arc::downgrade(&gateway)));
    tokio::spawn(open_store_again(Arc::downgrade(&gateway)));
    tokio::spawn(hear_signals(Arc::downgrade(&gateway), signals));
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics.address(), path = "/metrics", "publishing metrics");
        tokio::spawn(metrics.serve(Arc::clone(&gateway)));
    }
    tracing::info!(
        address = %address,
        tls = gateway.settings.server.tls.is_some(),
        apis = compiled.served,
        javascript = gateway.settings.javascript.enabled,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    report_admin(&gateway, control.as_ref());
    // Told first: a request that crashes the worker must find a supervisor that knows it was serving.
    if let Some(supervisor) = supervisor {
        if let Err(error) = supervisor.ready() {
            tracing::warn!(%error, "the supervisor does not listen");
        }
        let _ = gateway.supervisor.set(supervisor);
    }
    listening(address);
    let mut serving = tokio::spawn(serve_all(Arc::clone(&gateway), listener, control, stopped));
    let mut stopping: Option<Instant> = None;
    let mut reloads = gateway.reloads.finished();
    loop {
        tokio::select! {
            _ = &mut serving => return write_quotas(&gateway).await,
            () = changed(&mut watch) => ask_for_reload(&gateway, AskedBy::Files),
            _ = hangup.recv() => ask_for_reload(&gateway, AskedBy::Operator),
            Ok(()) = reloads.changed() => watch_files(&mut watch, &gateway),
            signal = async {
                tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" }
            } => {
                // A second signal must be able to end a drain that takes too long; one right after the first is the
                // same, sent to the whole group of processes.
                if let Some(since) = stopping {
                    if since.elapsed() < SAME_SIGNAL {
                        continue;
                    }
                    tracing::warn!(signal, "stopping at once");
                    return write_quotas(&gateway).await;
                }
                stopping = Some(Instant::now());
                tracing::info!(signal, in_flight = gateway.in_flight(), "stopping: requests in flight may end");
                let _ = stop.send(true);
            }
        }
    }
}

/// The last thing before the end: what was used of quotas, which the next start goes on from.
async fn write_quotas(gateway: &Gateway) -> Result<(), RunError> {
    if let Err(error) = gateway.limits.write().await {
        tracing::error!("quotas cannot be written to the store, and begin anew with the next start: {error}");
    }
    Ok(())
}

/// Closes upstream connections that nobody has used for a while, for as long as there is a gateway.
async fn close_idle_upstreams(gateway: Weak<Gateway>) {
    while let Some(gateway) = gateway.upgrade() {
        let pools = [Arc::clone(&gateway.clients.direct), Arc::clone(&gateway.clients.scripts)];
        drop(gateway);
        tokio::time::sleep(pools[0].sweep_interval()).await;
        pools.iter().for_each(|pools| pools.close_expired());
    }
}

/// Tries again and again to use a store that could not be used, so that the gateway gets ready without a request.
async fn open_store_again(gateway: Weak<Gateway>) {
    while let Some(gateway) = gateway.upgrade() {
        if gateway.sessions.store().unavailable().is_some() {
            let _ = gateway.sessions.store().open().await;
        }
        drop(gateway);
        tokio::time::sleep(OPEN_AGAIN).await;
    }
}

/// Between two tries to use a store that could not be used.
const OPEN_AGAIN: Duration = Duration::from_secs(1);

/// Signals to stop that come within this time are one.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

/// Reloads in a task of its own, which also says how it went: signals are heard meanwhile.
fn ask_for_reload(gateway: &Arc<Gateway>, asked_by: AskedBy) {
    let gateway = Arc::clone(gateway);
    tokio::spawn(async move { gateway.reload_for(asked_by).await });
}

/// Does what other gateways of the same store, or this one's admin API, have asked all for.
async fn hear_signals(gateway: Weak<Gateway>, mut signals: broadcast::Receiver<Signal>) {
    loop {
        let signal = match signals.recv().await {
            Ok(signal) => signal,
            Err(RecvError::Lagged(_)) => Signal::Missed,
            Err(RecvError::Closed) => return,
        };
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.sessions.heard(&signal);
        match signal {
            Signal::Reload | Signal::Missed => ask_for_reload(&gateway, AskedBy::Operator),
            Signal::ApiCacheDropped(api_id) => gateway.cache.invalidate_here(&api_id),
            Signal::KeysChanged(_) => {}
        }
    }
}

/// Serves clients and, where it has a listener for itself, the admin API until both have stopped.
async fn serve_all(
    gateway: Arc<Gateway>,
    listener: Listener,
    control: Option<Listener>,
    stopped: watch::Receiver<bool>,
) {
    let control = control.map(|control| control.serve(Arc::clone(&gateway), stopped.clone()));
    let control = async {
        if let Some(control) = control {
            control.await;
        }
    };
    tokio::join!(listener.serve(Arc::clone(&gateway), stopped), control);
}

/// Where the admin API is, or that there is none.
fn report_admin(gateway: &Gateway, control: Option<&Listener>) {
    let address = control.and_then(|control| control.address().ok()).map(|address| address.to_string());
    match &gateway.settings.admin {
        Some(_) => tracing::info!(control = address, path = "/tyk/", "the admin API is on"),
        None => tracing::info!(
            "the admin API is off: there is no `secret`, or `gatehouse.admin.enabled` is false"
        ),
    }
}

/// Watches what the definitions name now, and loads again what was saved since they were read.
fn watch_files(watch: &mut Option<FileWatch>, gateway: &Arc<Gateway>) {
    if let Some(watch) = watch {
        let snapshot = gateway.snapshot();
        let definitions = std::iter::once(gateway.settings.app_path.as_path());
        let folders = definitions.chain(snapshot.folders.iter().map(PathBuf::as_path));
        if watch.watch(folders, snapshot.read_at) {
            ask_for_reload(gateway, AskedBy::Files);
        }
    }
}

/// Waits for a change of files, for ever when none are watched.
async fn changed(watch: &mut Option<FileWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

impl fmt::Display for config::settings::IgnoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}", self.key, self.line)?;
        if let Some(meant) = &self.meant {
            write!(f, "; did you mean {meant}?")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for config::settings::IgnoredVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.meant {
            Some(meant) => write!(f, " (did you mean {meant}?)"),
            None => Ok(()),
        }
    }
}
