//! Scripts in processes of their own: they come and go with calls and with the gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use gatehouse_tests::{
    Api, DEADLINE, Gate, Reply, Request, Setup, Upstream, conformance::DRIVERS, log::message,
};
use rustix::process::{Pid, Signal, kill_process};

const ANSWER: &str = "return TykJsResponse({Body: 'answer', Code: 200}, {});";

fn walled(driver: &str) -> Api {
    Api::new(driver).set("/custom_middleware/driver", driver).virtual_endpoint("GET", "/answer", ANSWER)
}

/// Waits until something holds.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process is there and not only waiting to be buried.
fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn they_end_with_the_gateway_however_that_ends() {
    let busy = "for (;;) { [1].forEach(function () { for (;;) {} }); }";
    let api = || walled("boa").virtual_endpoint("GET", "/busy", busy);
    let start = || Setup::new().set("/jsvm_timeout", 60).api(api()).start();

    let gateway = start();
    gateway.get("/boa/answer").assert_text("answer");
    let pending = gateway.start(Request::get("/boa/busy"));
    until("a spare process beside the busy one", || gateway.script_processes().len() >= 2);
    let (worker, children) = (gateway.processes()[1], gateway.script_processes());
    kill_process(worker, Signal::KILL).unwrap();
    until("the processes to end", || !children.iter().any(|child| lives(*child)));
    pending.abandon();

    let gateway = start();
    gateway.get("/boa/answer").assert_text("answer");
    let children = gateway.script_processes();
    assert!(!children.is_empty());
    assert!(gateway.stop().status.success());
    until("the processes to end", || !children.iter().any(|child| lives(*child)));
}

#[test]
fn one_that_somebody_ends_costs_its_call_only() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let call = format!(
        "TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{}'}})); {ANSWER}",
        upstream.url("")
    );
    let gateway = Setup::new()
        .set("/jsvm_timeout", 60)
        .api(walled("boa").virtual_endpoint("GET", "/call", &call))
        .start();
    gateway.get("/boa/answer").assert_text("answer");
    let pending = gateway.start(Request::get("/boa/call"));
    upstream.wait_for_requests(1);
    for child in gateway.script_processes() {
        kill_process(child, Signal::KILL).unwrap();
        until("the process to end", || !lives(child));
    }
    gateway.get("/boa/answer").assert_text("answer");
    gate.open();
    assert_eq!(pending.answer().status, 500);
    let line = gateway.wait_for_log(|line| line["endpoint"] == "/call");
    assert_eq!(
        (line["class"].as_str(), message(&line).contains("signal 9")),
        (Some("engine"), true),
        "{line}"
    );
}

#[test]
fn the_setting_says_which_drivers_have_them() {
    for (isolation, with_processes) in
        [(Some("thread"), &[][..]), (Some("process"), &DRIVERS[..]), (None, &["boa"][..])]
    {
        for driver in DRIVERS {
            let setup = Setup::new().api(walled(driver));
            let gateway = match isolation {
                Some(word) => setup.set("/gatehouse/javascript/isolation", word).start(),
                None => setup.start(),
            };
            for _ in 0..3 {
                gateway.get(&format!("/{driver}/answer")).assert_text("answer");
            }
            let has = !gateway.script_processes().is_empty();
            assert_eq!(has, with_processes.contains(&driver), "{isolation:?} {driver}");
        }
    }
}

#[test]
fn they_have_nothing_of_the_gateway() {
    let gateway = Setup::new().environment("SECRET_OF_THE_TEST", "x").api(walled("boa")).start();
    gateway.get("/boa/answer").assert_text("answer");
    for child in gateway.script_processes() {
        let file = |name: &str| fs::read_to_string(format!("/proc/{child}/{name}")).unwrap();
        assert!(!file("environ").contains("SECRET_OF_THE_TEST"));
        // One that has just been started has not got there yet.
        until("a filter of system calls", || file("status").contains("Seccomp:\t2"));
        assert!(file("status").contains("NoNewPrivs:\t1"));
        let files: Vec<_> = fs::read_dir(format!("/proc/{child}/fd")).unwrap().flatten().collect();
        let targets: Vec<_> = files.iter().filter_map(|file| fs::read_link(file.path()).ok()).collect();
        // Its socket twice, /dev/null, the pipe of its last words, and what tells it how much memory it has.
        assert!(targets.len() <= 6, "{targets:?}");
        assert!(!targets.iter().any(|target| target.starts_with(gateway.folder())), "{targets:?}");
    }
}

#[test]
fn a_signal_to_the_whole_group_leaves_them_until_the_gateway_ends() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let call = format!(
        "TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{}'}})); {ANSWER}",
        upstream.url("")
    );
    let gateway = Setup::new().api(walled("boa").virtual_endpoint("GET", "/call", &call)).start();
    let pending = gateway.start(Request::get("/boa/call"));
    upstream.wait_for_requests(1);
    for child in gateway.script_processes() {
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            kill_process(child, signal).unwrap();
        }
    }
    gate.open();
    pending.answer().assert_text("answer");
}

#[test]
fn many_calls_at_once_share_them() {
    let gateway = Setup::new().set("/gatehouse/javascript/max_processes", 3).api(walled("boa")).start();
    let pending: Vec<_> = (0..40).map(|_| gateway.start(Request::get("/boa/answer"))).collect();
    for answer in pending {
        answer.answer().assert_text("answer");
    }
    assert!(gateway.script_processes().len() <= 3);
}
