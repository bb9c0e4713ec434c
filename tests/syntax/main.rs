//! The laws of the syntax layer: reading never fails, overlays merge, formatting changes nothing.

mod format;
mod overlay;
mod reading;
mod trees;
