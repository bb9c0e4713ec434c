//! Diagnostics as text, as JSON and as annotations of a pull request: the same findings, the same
//! order. Text for people may leave some out and says how many; JSON has all of them.

mod annotations;
mod json;
mod text;

pub use annotations::annotations;
pub use json::{fingerprint, json};
pub use text::{Style, text};
