//! lakewright: one YAML description of a data lake, planned and applied through CloudFormation.
//!
//! ```text
//! lake.yaml ─ syntax ─▶ Tree ─ spec, resolve ─▶ Lake ─ lower ─▶ Graph ─ stacks ─▶ Stacks
//!                                                │ check                │  ▲ Placement
//!                                                ▼                      ▼  │
//!                                           Diagnostics      plan(Stacks, Deployed) ─▶ Plan
//!                                                                          ▲            │
//!                                  Cloud (sandbox, aws) ─ apply::observe ──┘            ▼
//!                                                       Events ◀────────────── apply(Plan, Cloud)
//! ```
//!
//! Everything left of `apply` is a pure function: no clock, environment, file, network, randomness or
//! hash order; the same input gives the same bytes. Read next: `docs/architecture.md`, then
//! [`compile`], which is the picture in code.

// values and their words
pub(crate) mod canonical;
pub mod diagnostic;
pub mod document;
pub mod names;
pub mod source;
// from the file to what it means
pub mod check;
pub mod lake;
pub mod resolve;
pub mod spec;
pub mod syntax;
// from what it means to templates
pub mod catalogue;
pub mod graph;
pub mod lower;
pub mod policy;
pub mod stacks;
pub mod verdict;
pub mod vocabulary;
// the phases in their order
pub mod compile;
// from templates to who may deploy them
pub mod deployer;
// from templates to what has to happen
pub mod plan;
// from templates to who can do what, and what a reviewer has to know of a change
pub mod access;
pub mod review;
pub mod rules;
// the clouds, and what is done to them
pub mod apply;
pub mod aws;
pub mod cloud;
pub mod drift;
pub mod sandbox;
// for people and programs
pub mod blueprint;
pub mod cli;
pub mod render;
