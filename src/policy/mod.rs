//! The vocabulary of permission, and what is built from it.
//!
//! Each thing that lakewright can permit or forbid is a JSON document in `policies/`, which a security reviewer reads
//! without Rust. In go the name of a document and typed arguments, out come [`Statement`]s, and of these a [`Policy`]:
//! an identity policy, a bucket policy, a key policy, a topic policy or a trust policy.
//! Invariants: a document is parsed as JSON before any value meets it, so an argument can add no statement, action,
//! principal, wildcard, policy variable or CloudFormation intrinsic; equal statements in any order give equal bytes;
//! no name of an IAM action stands in this source, only in the documents.
//! Read next: [`document`] for the form of a document, [`kind`] for what an argument may hold, [`statement`] for
//! merging, sizes and splitting, [`grant`] for who a grant goes to, [`check`] for what holds every document true.

mod argument;
mod built_in;
pub mod check;
pub mod document;
mod fill;
pub mod grant;
pub mod kind;
mod read;
pub mod statement;

pub use argument::Argument;
pub use document::{Document, FillError, Layer, Library, text_of};
pub use fill::Place;
pub use grant::{Grantee, Level};
pub use kind::Kind;
pub use statement::{Effect, Policy, Statement, TooLarge, limit};
