//! lakewright
pub mod aws;
pub mod cloud;
pub mod document;
pub mod names;
