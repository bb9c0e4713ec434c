//! Values to text for people and to JSON for programs. No I/O: the caller decides where it goes, how
//! wide it is and whether it is coloured.

pub mod access;
pub mod access_reach;
pub mod access_rules;
pub mod access_states;
pub mod deployer;
pub mod diagnostics;
pub mod document;
pub mod drift;
mod escape;
pub mod events;
mod markdown;
pub mod plan;
pub mod review;
pub mod status;
pub mod vocabulary;

pub use escape::escape;
