//! Tells the crate which compiler builds it, for the header that every plugin carries.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=GATEHOUSE_RUSTC={}", version.unwrap_or_else(|_| "unknown".to_owned()));
    println!("cargo::rustc-env=GATEHOUSE_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
}
