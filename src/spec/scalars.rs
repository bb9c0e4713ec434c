//! Booleans, texts and whole numbers: what a word in a file means where one of them is wanted.
//!
//! YAML 1.1 and 1.2 disagree about `no`, `010` and `12:30`; here is decided, with a message, so that
//! nobody has to know which one reads the file.

use super::decode::{Decode, Decoder, Shape, shortened};
use crate::diagnostic::{self, Diagnostic};
use crate::syntax::{Kind, Node};

impl Decode for bool {
    fn shape() -> Shape {
        Shape::Boolean
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Kind::Scalar { text, quoted } = &node.kind else {
            return decoder.expected(node, "`true` or `false`");
        };
        match (&**text, quoted) {
            ("true", false) => Some(true),
            ("false", false) => Some(false),
            (text, _) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" => "true",
                    "false" | "no" | "off" | "n" => "false",
                    _ => return decoder.expected(node, "`true` or `false`"),
                };
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0303,
                        node.span,
                        format!("`{text}` is not a boolean in YAML 1.2"),
                    )
                    .help(format!("write `{meant}`"))
                    .fix(node.span, meant),
                );
                None
            }
        }
    }
}

impl Decode for String {
    fn shape() -> Shape {
        Shape::Text { what: "a text", pattern: None }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "a text")?;
        if !quoted && means_something_else(text) {
            decoder.report(
                Diagnostic::error(
                    diagnostic::LW0304,
                    node.span,
                    format!("`{}` has to be quoted to be a text", shortened(text)),
                )
                .note("without quotes it is a number or a boolean for some reader of YAML")
                .fix(node.span, format!("\"{text}\"")),
            );
            return None;
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let headline =
                format!("a text must not hold the control character {}", bad.escape_default());
            return decoder.malformed(diagnostic::LW0305, node, headline);
        }
        Some(text.to_owned())
    }
}

/// Whether a plain scalar is a number, a boolean or nothing for a reader of YAML 1.1 or 1.2.
fn means_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "~" | ""
    );
    let number = {
        let digits = lower.trim_start_matches(['+', '-']);
        digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && (digits.replace('_', "").parse::<f64>().is_ok()
                || digits.starts_with("0x")
                || digits.starts_with("0o")
                || digits
                    .split(':')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())))
    };
    let date = lower.len() >= 10
        && lower.bytes().take(10).enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    word || number || date
}

/// The version of the language that a spec is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl Decode for Version {
    fn shape() -> Shape {
        Shape::Integer { min: 1, max: 1 }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match node.text() {
            Some("1") => {}
            Some(text) => {
                let headline =
                    format!("this lakewright reads version 1, not `{}`", shortened(text));
                let mut diagnostic = Diagnostic::error(diagnostic::LW0306, node.span, headline)
                    .at("lakewright")
                    .note("the version of the language, not of the program");
                if text.parse::<f64>().is_ok_and(|version| version < 2.0) {
                    diagnostic = diagnostic.fix(node.span, "1");
                }
                decoder.report(diagnostic);
            }
            None => return decoder.expected(node, "the version of the language, `1`"),
        }
        Some(Version)
    }
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Decode for Whole<MIN, MAX> {
    fn shape() -> Shape {
        Shape::Integer { min: MIN, max: MAX }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "a whole number")?;
        let plain = text.len() == 1 || !text.trim_start_matches('-').starts_with('0');
        match text.parse::<i64>() {
            Ok(number) if plain && !quoted => {
                if (MIN..=MAX).contains(&number) {
                    return Some(Whole(number));
                }
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0306,
                        node.span,
                        format!("{number} is out of range: from {MIN} to {MAX}"),
                    )
                    .maybe(node.span, number.clamp(MIN, MAX).to_string()),
                );
                None
            }
            Ok(number) if quoted => {
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0301,
                        node.span,
                        format!("expected a whole number, found the text `{}`", shortened(text)),
                    )
                    .help("take the quotes away")
                    .fix(node.span, number.to_string()),
                );
                None
            }
            Ok(number) => {
                decoder.report(
                    Diagnostic::error(
                        diagnostic::LW0301,
                        node.span,
                        format!("`{}` is octal for some readers of YAML", shortened(text)),
                    )
                    .help("write it without the zero in front")
                    .maybe(node.span, number.to_string()),
                );
                None
            }
            Err(_) => decoder.expected(node, "a whole number"),
        }
    }
}
