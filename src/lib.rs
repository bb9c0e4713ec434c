//! lakewright
pub mod cloud;
pub mod document;
pub mod names;
