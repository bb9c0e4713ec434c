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
    /// A list or map with at least one element.
    Filled(Box<Shape>),
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

impl Shape {
    /// What a value of this shape looks like, for a message: `eu-west-1`, `30d`, `[...]`.
    pub fn example(&self) -> &'static str {
        match self {
            Shape::Boolean => "true",
            Shape::Integer { min: 1, max: 1 } => "1",
            Shape::Text { what, .. } | Shape::Scalar { what } => what
                .split_once("such as `")
                .and_then(|(_, rest)| rest.split_once('`'))
                .map_or("...", |(example, _)| example),
            Shape::Word(words) => words.first().map_or("...", |(word, _)| *word),
            Shape::List(_) => "[...]",
            Shape::Filled(shape) => shape.example(),
            Shape::Map { .. } | Shape::Record(_) => "{ ... }",
            Shape::Either(shapes) => shapes.first().map_or("...", Shape::example),
            Shape::Integer { .. } | Shape::Number | Shape::Anything => "...",
        }
    }
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
