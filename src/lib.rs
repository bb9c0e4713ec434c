//! lakewright
pub mod document;
