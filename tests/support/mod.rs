//! What the integration tests need besides the clone, installed and started by themselves.
//!
//! A test says `mod support;` and asks for a tool, an emulator or a judgement; the first one that asks installs it, pinned, under
//! `target/test-tools`. Only Python 3.11 (with `venv` and `pip`) and Node 20 (with `npm`) have to be on the machine: where one is
//! missing, the test fails with a sentence that says so. Nothing is skipped in silence.
//!
//! `tools` installs, `emulator` starts servers on 127.0.0.1, `judge` runs the independent checkers, `access` decides who may do
//! what, and `process` bounds them in time. Invariant: whatever was started here ends with the test process, and every process is
//! ended by its own id.
#![allow(dead_code)] // every test binary includes the whole module and uses a part of it

pub mod access;
pub mod emulator;
pub mod http;
pub mod judge;
pub mod process;
pub mod simulator;
pub mod spec_text;
pub mod template;
pub mod tools;
