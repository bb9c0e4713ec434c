//! lakewright
pub mod catalogue;
pub mod document;
