//! Maps with known keys, and choices of words: `record!` and `choice!` declare them from structs and
//! enums whose doc comments are the descriptions of schema and reference.

use super::decode::{Decoder, shortened};
use crate::diagnostic::{self, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::{Entry, Kind, Node};

/// Reads a map with known keys: reports unknown ones, hands each known one to `read`. Gives back the
/// keys that unknown ones were probably meant to be: they are not missing.
pub fn known_keys(
    node: &Node,
    keys: &[&'static str],
    decoder: &mut Decoder,
    mut read: impl FnMut(&str, &Node, &mut Decoder),
) -> Option<Vec<&'static str>> {
    let entries = match &node.kind {
        Kind::Map(entries) => entries,
        _ => return decoder.expected(node, "a map"),
    };
    let mut meant = Vec::new();
    for entry in entries {
        if keys.contains(&&*entry.key) {
            decoder.under(&entry.key, |decoder| read(&entry.key, &entry.value, decoder));
        } else {
            let given: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
            meant.extend(unknown_key(entry, keys, &given, decoder));
        }
    }
    Some(meant)
}

/// Keys that the language knows and this version does not make anything of yet.
const LATER: [&str; 7] =
    ["budgets", "quality", "optimize", "redshift", "quicksight", "sagemaker", "tableau"];

fn unknown_key(
    entry: &Entry,
    keys: &[&'static str],
    given: &[&str],
    decoder: &mut Decoder,
) -> Option<&'static str> {
    let path = decoder.under(&entry.key, |decoder| decoder.path().to_owned());
    let here = match &*entry.key {
        "budgets" => !path.contains('.'),
        "redshift" | "quicksight" | "sagemaker" | "tableau" => {
            path.strip_prefix("analytics.") == Some(&*entry.key)
        }
        _ => path.contains('.'),
    };
    if here && LATER.contains(&&*entry.key) {
        let headline = format!("`{}` comes with a later version", entry.key);
        decoder.report(
            Diagnostic::error(diagnostic::LW0210, entry.key_span, headline)
                .at(path)
                .help("take it out for now"),
        );
        return None;
    }
    if let Some(elsewhere) = elsewhere(&path) {
        let headline = format!("`{}` does not stand here", entry.key);
        decoder.report(
            Diagnostic::error(diagnostic::LW0201, entry.key_span, headline)
                .label("not a key of this map")
                .note(elsewhere.0)
                .help(elsewhere.1)
                .at(path),
        );
        return None;
    }
    let meant = nearest(&entry.key, keys.iter().copied()).filter(|key| !given.contains(key));
    let meant = meant.and_then(|meant| keys.iter().copied().find(|key| *key == meant));
    let mut diagnostic = Diagnostic::error(
        diagnostic::LW0201,
        entry.key_span,
        format!("unknown key `{}`", shortened(&entry.key)),
    );
    diagnostic = match meant {
        Some(key) => diagnostic
            .label("not a key of this map")
            .help(format!("did you mean `{key}`?"))
            .fix(entry.key_span, key),
        None => diagnostic.label("not a key of this map").help(known_here(&entry.key, keys)),
    };
    decoder.report(diagnostic.at(path));
    meant
}

/// Why a key that other things have does not stand at a path, and what works.
fn elsewhere(path: &str) -> Option<(&'static str, &'static str)> {
    let steps: Vec<&str> = path.split('.').collect();
    let (section, key) = (steps.first()?, steps.last()?);
    match (*section, *key, steps.len()) {
        ("databases", "deny" | "only_writers", 3 | 5) => Some((
            "IAM decides about a database by what is given, and Lake Formation knows no deny",
            "say it of the objects: `buckets: { NAME: { only_writers: { \"orders/\": [role/Loader] } } }`",
        )),
        ("databases", "when", 3 | 5) => Some((
            "a condition belongs to what is given",
            "say it in `access`, beside what is read: `when: { vpc_endpoint: [vpce-0123456789abcdef0] }`",
        )),
        ("access", "deny" | "only_writers", 3) => Some((
            "an entry of `access` gives; what nobody else may give stands at the bucket or key",
            "say it there: `buckets: { NAME: { deny: [role/Intern] } }`",
        )),
        _ => None,
    }
}

/// Words in backticks, separated by commas.
pub fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Says that required keys are not there. `node` is the map that lacks them, `shape` what it should be.
pub fn missing_keys(
    node: &Node,
    keys: &[&str],
    shape: fn() -> super::shape::RecordShape,
    decoder: &mut Decoder,
) {
    if keys.is_empty() {
        return;
    }
    let noun = if keys.len() == 1 { "key" } else { "keys" };
    // The whole of a map is no good place to point at: its brace is, or the first key of a block.
    let first = node.entries().and_then(<[Entry]>::first).map(|entry| entry.key_span);
    let span = match first {
        Some(key) if key.start == node.span.start => key,
        _ => Span { end: (node.span.start + 1).min(node.span.end), ..node.span },
    };
    let mut found =
        Diagnostic::error(diagnostic::LW0202, span, format!("missing {noun} {}", list(keys)))
            .label(match keys {
                [key] => format!("`{key}` has to be here"),
                keys => format!("{} have to be here", list(keys)),
            });
    for field in shape().fields.iter().filter(|field| keys.contains(&field.key)) {
        let example = field.shape.example();
        let meaning = field.doc.split(['\n', '.', ':', ',']).next().unwrap_or_default().trim();
        let meaning = decapitalised(meaning);
        found = found.help(format!("add `{}: {example}` ({meaning})", field.key));
    }
    decoder.report(found);
}

fn decapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The keys that may stand in a map: all of them, or those that are spelled most like the given one.
fn known_here(typed: &str, keys: &[&str]) -> String {
    const MOST: usize = 8;
    let typed = typed.to_lowercase();
    let distance = |key: &str| strsim::damerau_levenshtein(&typed, key);
    // what is spelled nearly so first, the rest as the reference has it
    let close = (typed.chars().count() / 2).max(2);
    let mut ordered: Vec<&str> = keys.to_vec();
    ordered
        .sort_by_key(|key| Some(distance(key)).filter(|far| *far <= close).unwrap_or(usize::MAX));
    if ordered.len() <= MOST {
        return format!("known here: {}", list(&ordered));
    }
    ordered.truncate(MOST);
    let more = keys.len() - MOST;
    format!("known here: {} and {more} more (`lakewright schema` has them all)", list(&ordered))
}

/// The key of a field: its name, without the underscore that keeps it from being a word of Rust.
pub const fn key_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [rest @ .., b'_'] => field.split_at(rest.len()).0,
        _ => field,
    }
}

/// Declares a map with known keys. The doc comments are the descriptions of schema and reference;
/// a key is named as its field. The struct gets the span of the map, `span`. With `#[unless(f)]` a map
/// for which `f` says that it reported it is not looked at any closer.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $(#[unless($later:path)])?
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])+ $field:ident : $type:ty, )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            /// Where the map stands.
            pub span: $crate::source::Span,
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
        }

        impl $crate::spec::decode::Decode for $name {
            fn shape() -> $crate::spec::decode::Shape {
                $crate::spec::decode::Shape::Record(|| $crate::spec::decode::RecordShape {
                    name: stringify!($name),
                    doc: concat!($($doc, "\n"),+),
                    fields: vec![$(
                        $crate::spec::decode::FieldShape {
                            key: $crate::spec::decode::key_of(stringify!($field)),
                            doc: concat!($($field_doc, "\n"),+),
                            shape: <$type as $crate::spec::decode::Decode>::shape(),
                            required: <$type as $crate::spec::decode::Decode>::absent().is_none(),
                        },
                    )*],
                })
            }

            fn decode(
                node: &$crate::syntax::Node,
                decoder: &mut $crate::spec::decode::Decoder,
            ) -> Option<Self> {
                use $crate::spec::decode::{Decode, key_of, known_keys, missing_keys};
                $( if $later(node, decoder) { return None; } )?
                // The outer option: was the key there; the inner one: could it be read.
                $( let mut $field: Option<Option<$type>> = None; )*
                let keys = [$(key_of(stringify!($field))),*];
                let meant = known_keys(node, &keys, decoder, |key, value, decoder| {
                    $( if key == key_of(stringify!($field)) {
                        $field = Some(<$type as Decode>::decode(value, decoder));
                    } )*
                })?;
                #[allow(unused_mut)]
                let mut missing: Vec<&str> = Vec::new();
                $(
                    if $field.is_none() {
                        $field = match <$type as Decode>::absent() {
                            Some(value) => Some(Some(value)),
                            None => {
                                missing.push(key_of(stringify!($field)));
                                Some(None)
                            }
                        };
                    }
                )*
                missing.retain(|key| !meant.contains(key));
                if let $crate::spec::decode::Shape::Record(shape) = Self::shape() {
                    missing_keys(node, &missing, shape, decoder);
                }
                // What could not be read was reported; an optional part of it is left out, so that
                // the rest of the thing is still there for the checks.
                $( let $field = match $field.flatten() {
                    Some(value) => value,
                    None => <$type as Decode>::absent()?,
                }; )*
                Some($name { span: node.span, $($field),* })
            }
        }
    };
}

/// Declares a choice of words.
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident { $( $(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant, )+ }

        impl $name {
            const WORDS: &'static [(&'static str, &'static str)] =
                &[$( ($word, concat!($($variant_doc),+)) ),+];

            /// The word as it is written in a spec.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $word, )+ }
            }
        }

        impl $crate::spec::decode::Decode for $name {
            fn shape() -> $crate::spec::decode::Shape {
                $crate::spec::decode::Shape::Word(Self::WORDS)
            }
            fn decode(
                node: &$crate::syntax::Node,
                decoder: &mut $crate::spec::decode::Decoder,
            ) -> Option<Self> {
                let words: Vec<&'static str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
                let what = format!("one of {}", $crate::spec::decode::list(&words));
                let (text, _) = decoder.text(node, &what)?;
                match text {
                    $( $word => Some($name::$variant), )+
                    _ => $crate::spec::decode::not_a_word(node, text, &words, decoder),
                }
            }
        }
    };
}

/// Says that a text is none of the words that can stand here.
pub fn not_a_word<T>(
    node: &Node,
    text: &str,
    words: &[&'static str],
    decoder: &mut Decoder,
) -> Option<T> {
    let headline = format!("`{}` is not one of {}", shortened(text), list(words));
    let mut diagnostic = if headline.chars().count() <= 120 {
        Diagnostic::error(diagnostic::LW0305, node.span, headline)
    } else {
        let headline = format!("`{}` is none of the words that can stand here", shortened(text));
        Diagnostic::error(diagnostic::LW0305, node.span, headline)
            .note(format!("one of {}", list(words)))
    };
    if let Some(word) = nearest(text, words.iter().copied()) {
        diagnostic = diagnostic.help(format!("did you mean `{word}`?")).fix(node.span, word);
    }
    decoder.report(diagnostic);
    None
}
