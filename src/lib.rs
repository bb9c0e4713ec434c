//! lakewright
pub mod catalogue;
pub mod cloud;
pub mod diagnostic;
pub mod document;
pub mod graph;
pub mod lake;
pub mod names;
pub mod plan;
pub mod render;
pub mod resolve;
pub mod source;
pub mod spec;
pub mod stacks;
pub mod syntax;
