//! lakewright
pub mod document;
pub mod policy;
