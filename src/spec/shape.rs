//! What a value of the spec may look like: the one source of the decoder's expectations, the JSON
//! Schema and the reference.

/// A name of the spec, as a regular expression (`Name`).
pub const NAME: &str = "^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$";

/// What a value may look like, for the schema and the reference.
#[derive(Debug, Clone)]
pub enum Shape {
    /// `true` or `false`.
    Boolean,
    /// A whole number, with its bounds.
    Integer {
        min: i64,
        max: i64,
    },
    /// A text: what it is, in words, and the regular expression that it matches, if there is one.
    Text {
        what: &'static str,
        pattern: Option<String>,
    },
    /// One of these words, each with its meaning.
    Word(&'static [(&'static str, &'static str)]),
    List(Box<Shape>),
    /// A number.
    Number,
    /// A text, or something else that is written as one word: a number, a date.
    Scalar {
        what: &'static str,
    },
    /// A map whose keys the user chooses: what a key is, in words and as a regular expression, and
    /// whether a key with nothing behind it is an empty map.
    Map {
        keys: &'static str,
        pattern: Option<&'static str>,
        empty: bool,
        values: Box<Shape>,
    },
    /// A map with known keys.
    Record(fn() -> RecordShape),
    /// One of several.
    Either(Vec<Shape>),
    /// Any part of a spec (what `set` lays over it).
    Anything,
}

/// A map with known keys.
#[derive(Debug, Clone)]
pub struct RecordShape {
    pub name: &'static str,
    /// Markdown.
    pub doc: &'static str,
    pub fields: Vec<FieldShape>,
}

/// A known key.
#[derive(Debug, Clone)]
pub struct FieldShape {
    pub key: &'static str,
    /// Markdown.
    pub doc: &'static str,
    pub shape: Shape,
    pub required: bool,
}
