//! What a reviewer is told of a change beside the verdict: who is locked out, whom the services reach, who can do what.
//!
//! In: the states of access before and after. Out: values, which `render` shows. Pure.

pub mod lockout;
pub mod matrix;
pub mod places;
mod reading;
pub mod services;
