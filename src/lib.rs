//! lakewright
pub mod catalogue;
pub mod check;
pub mod cloud;
pub mod diagnostic;
pub mod document;
pub mod lake;
pub mod names;
pub mod render;
pub mod resolve;
pub mod source;
pub mod spec;
pub mod syntax;
