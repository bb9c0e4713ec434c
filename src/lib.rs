//! lakewright
pub mod cloud;
pub mod diagnostic;
pub mod document;
pub mod names;
pub mod render;
pub mod source;
pub mod syntax;
