//! Keys that narrow what others give: with nothing behind them they would give everything.
//!
//! An empty list of columns is no column and would be read as "all of them"; an empty list of denials is a
//! guard that guards nothing. Both are what is left when somebody takes the last element out, so they are
//! refused where they stand (LW0202). INVARIANT: a [`Filled`] that was written holds at least one element,
//! and behind a [`Narrowing`] that was written there is something. In an environment's `set` a null still
//! takes a key away, before anything here sees it: there it is said in as many words.

use std::ops::Deref;

use super::decode::{Decode, Decoder, Shape};
use crate::diagnostic::{self, Diagnostic};
use crate::syntax::{Kind, Node};

/// A list or map that is refused when it is empty. A null is as if the key were not there: it keeps a
/// default away.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filled<T>(pub T);

/// What is refused when it is empty, or null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Narrowing<T>(pub T);

impl<T> Deref for Filled<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Narrowing<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Decode> Decode for Filled<T> {
    fn shape() -> Shape {
        Shape::Filled(Box::new(T::shape()))
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match is_empty(node) {
            true => nothing(node, decoder),
            false => T::decode(node, decoder).map(Filled),
        }
    }
    fn absent() -> Option<Self> {
        T::absent().map(Filled)
    }
}

impl<T: Decode> Decode for Narrowing<T> {
    fn shape() -> Shape {
        Shape::Filled(Box::new(T::shape()))
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match is_empty(node) || node.kind == Kind::Null {
            true => nothing(node, decoder),
            false => T::decode(node, decoder).map(Narrowing),
        }
    }
    fn absent() -> Option<Self> {
        T::absent().map(Narrowing)
    }
}

/// A list or map with nothing in it.
pub fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// Says that nothing stands behind a key that narrows.
pub fn nothing<T>(node: &Node, decoder: &mut Decoder) -> Option<T> {
    let key = decoder.path().rsplit('.').next().unwrap_or_default();
    let key = super::decode::shortened(key.split('[').next().unwrap_or_default());
    decoder.report(
        Diagnostic::error(
            diagnostic::LW0202,
            node.span,
            format!("nothing stands behind `{key}`: it would narrow nothing"),
        )
        .label("empty")
        .note("an empty restriction, condition or denial would hold nobody back")
        .help(format!("say what is meant, or take `{key}` out if nothing is to be narrowed")),
    );
    None
}
