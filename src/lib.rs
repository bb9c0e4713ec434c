//! lakewright
pub mod catalogue;
pub mod cloud;
pub mod document;
pub mod names;
pub mod sandbox;
