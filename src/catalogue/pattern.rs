//! The patterns of the schemas: regular expressions in the dialect of ECMAScript and Java, matched anywhere in a text.
//!
//! Two thirds of them are one class of characters and a count (`^[a-zA-Z0-9_-]{1,128}$`): those are a look-up a
//! character. The rest is handed to `regex-lite`, with classes written out, when a text first meets it. What neither
//! can express (look-around) accepts everything and says so.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::OnceLock;

use regex_lite::Regex;

/// A pattern as it stands in a schema.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As AWS wrote it.
    pub(super) source: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Class {
        class: Class,
        least: usize,
        most: usize,
        from_start: bool,
        to_end: bool,
    },
    /// `^(?!barred)rest`.
    Unless {
        barred: Box<Pattern>,
        rest: Box<Pattern>,
    },
    Regex(OnceLock<Option<Regex>>),
}

impl Pattern {
    /// Takes a pattern in; nothing is compiled yet.
    pub(super) fn new(source: String) -> Self {
        let form = class_alone(&source)
            .or_else(|| unless(&source))
            .unwrap_or_else(|| Form::Regex(OnceLock::new()));
        Pattern { source, form }
    }

    /// Whether the pattern matches somewhere in `text`; `true` for one that can't be expressed.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.form {
            Form::Class { class, least, most, from_start, to_end } => match (from_start, to_end) {
                (true, true) => {
                    let count = text.chars().filter(|c| class.has(*c)).count();
                    count == text.chars().count() && (*least..=*most).contains(&count)
                }
                (true, false) => {
                    text.chars().take(*least).filter(|c| class.has(*c)).count() == *least
                }
                (false, true) => {
                    text.chars().rev().take(*least).filter(|c| class.has(*c)).count() == *least
                }
                (false, false) => {
                    let mut run = 0;
                    *least == 0
                        || text.chars().any(|c| {
                            run = if class.has(c) { run + 1 } else { 0 };
                            run >= *least
                        })
                }
            },
            Form::Unless { barred, rest } => !barred.matches(text) && rest.matches(text),
            Form::Regex(compiled) => {
                self.compiled(compiled).is_none_or(|regex| regex.is_match(text))
            }
        }
    }

    /// Whether the pattern can be expressed, and so says anything.
    #[cfg(test)]
    pub(super) fn is_expressed(&self) -> bool {
        match &self.form {
            Form::Class { .. } => true,
            Form::Unless { barred, rest } => barred.is_expressed() && rest.is_expressed(),
            Form::Regex(compiled) => self.compiled(compiled).is_some(),
        }
    }

    fn compiled<'a>(&self, slot: &'a OnceLock<Option<Regex>>) -> Option<&'a Regex> {
        slot.get_or_init(|| Regex::new(&translated(&self.source)?).ok()).as_ref()
    }
}

/// A set of characters.
#[derive(Debug, Default, Clone)]
struct Class {
    negated: bool,
    ascii: u128,
    /// Ranges beyond ASCII, inclusive. Unicode's categories are taken as all of them: a check on names should not
    /// refuse a letter that it does not know.
    beyond: Vec<(u32, u32)>,
}

const BEYOND: (u32, u32) = (0x80, 0x10_FFFF);

impl Class {
    fn has(&self, c: char) -> bool {
        let code = u32::from(c);
        let found = if code < 128 {
            self.ascii >> code & 1 == 1
        } else {
            self.beyond.iter().any(|(from, to)| (*from..=*to).contains(&code))
        };
        found != self.negated
    }

    fn add(&mut self, from: u32, to: u32) {
        for code in from..=to.min(127) {
            self.ascii |= 1 << code;
        }
        match (from, to) {
            // half of a character in UTF-16: the pattern means those beyond the basic plane
            (0xD800..0xE000, 0xD800..0xE000) => self.beyond.push((0x1_0000, 0x10_FFFF)),
            (_, 128..) => self.beyond.push((from.max(128), to)),
            _ => {}
        }
    }

    fn add_where(&mut self, holds: impl Fn(char) -> bool, beyond: bool) {
        for code in 0..128u8 {
            if holds(char::from(code)) {
                self.ascii |= 1 << code;
            }
        }
        if beyond {
            self.beyond.push(BEYOND);
        }
    }

    /// `\w`, `\S` and the like; `false` for any other letter.
    fn add_shorthand(&mut self, letter: char) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let space = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
        match letter {
            'd' => self.add_where(|c| c.is_ascii_digit(), false),
            'D' => self.add_where(|c| !c.is_ascii_digit(), true),
            'w' => self.add_where(word, false),
            'W' => self.add_where(|c| !word(c), true),
            's' => self.add_where(space, false),
            'S' => self.add_where(|c| !space(c), true),
            _ => return false,
        }
        true
    }

    /// `\p{L}` and the like.
    fn add_category(&mut self, name: &str) -> bool {
        match name {
            "L" => self.add_where(|c| c.is_ascii_alphabetic(), true),
            "N" => self.add_where(|c| c.is_ascii_digit(), true),
            "Z" | "Zs" => self.add_where(|c| c == ' ', true),
            "M" => self.add_where(|_| false, true),
            "S" => self.add_where(|c| "$+<=>^`|~".contains(c), true),
            "P" => self.add_where(|c| c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c), true),
            "C" | "Cc" => self.add_where(|c| c.is_ascii_control(), true),
            "Print" => self.add_where(|c| c == ' ' || c.is_ascii_graphic(), false),
            _ => return false,
        }
        true
    }

    /// In the dialect of `regex-lite`.
    fn written(&self, out: &mut String) {
        out.push_str(if self.negated { "[^" } else { "[" });
        for code in 0..128u32 {
            if self.ascii >> code & 1 == 1 {
                out.push_str(&format!("\\x{{{code:X}}}"));
            }
        }
        for (from, to) in &self.beyond {
            // surrogates are no characters: a range may pass over them, not end on one
            let end = |code: u32, other| {
                if char::from_u32(code).is_some() { code } else { other }
            };
            out.push_str(&format!("\\x{{{:X}}}-\\x{{{:X}}}", end(*from, 0xE000), end(*to, 0xD7FF)));
        }
        out.push(']');
    }
}

/// What a single element of a pattern stands for.
enum Element {
    Code(u32),
    Shorthand(char),
    Category(String),
}

/// Reads what follows a backslash.
fn escape(rest: &mut Peekable<Chars>) -> Option<Element> {
    let letter = rest.next()?;
    let mut hex = |digits: usize| {
        let text: String = rest.by_ref().take(digits).collect();
        u32::from_str_radix(&text, 16).ok().map(Element::Code)
    };
    match letter {
        'u' => hex(4),
        'x' => hex(2),
        't' => Some(Element::Code(9)),
        'n' => Some(Element::Code(10)),
        'v' => Some(Element::Code(11)),
        'f' => Some(Element::Code(12)),
        'r' => Some(Element::Code(13)),
        'd' | 'D' | 'w' | 'W' | 's' | 'S' => Some(Element::Shorthand(letter)),
        'p' => {
            rest.next_if_eq(&'{')?;
            let name = rest.by_ref().take_while(|c| *c != '}').collect();
            Some(Element::Category(name))
        }
        _ if letter.is_ascii_alphanumeric() => None,
        _ => Some(Element::Code(letter.into())),
    }
}

/// Reads a class, whose `[` has been taken.
fn class(rest: &mut Peekable<Chars>) -> Option<Class> {
    let mut class = Class { negated: rest.next_if_eq(&'^').is_some(), ..Class::default() };
    loop {
        let element = match rest.next()? {
            ']' => return Some(class),
            '\\' => escape(rest)?,
            c => Element::Code(c.into()),
        };
        let from = match element {
            Element::Shorthand(letter) => {
                class.add_shorthand(letter);
                continue;
            }
            Element::Category(name) => {
                class.add_category(&name).then_some(())?;
                continue;
            }
            Element::Code(code) => code,
        };
        let mut ahead = rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|c| *c != ']');
        if !is_range {
            class.add(from, from);
            continue;
        }
        rest.next();
        let to = match rest.next()? {
            '\\' => escape(rest)?,
            c => Element::Code(c.into()),
        };
        match to {
            Element::Code(to) if from <= to => class.add(from, to),
            Element::Shorthand(letter) => {
                class.add(from, from);
                class.add('-'.into(), '-'.into());
                class.add_shorthand(letter);
            }
            _ => return None,
        }
    }
}

/// Reads `[...]`, `.` or an escape that stands for a class.
fn atom(rest: &mut Peekable<Chars>) -> Option<Class> {
    let mut out = Class::default();
    match rest.next()? {
        '[' => return class(rest),
        '.' => {
            out.add_where(|c| c == '\n' || c == '\r', false);
            out.negated = true;
        }
        '\\' => match escape(rest)? {
            Element::Shorthand(letter) => out.add_shorthand(letter).then_some(())?,
            Element::Category(name) => out.add_category(&name).then_some(())?,
            Element::Code(_) => return None,
        },
        _ => return None,
    }
    Some(out)
}

/// Reads `*`, `+`, `?`, `{n}`, `{n,}` or `{n,m}` to the end of the text; once without any.
fn count(text: &str) -> Option<(usize, usize)> {
    match text {
        "" => Some((1, 1)),
        "*" => Some((0, usize::MAX)),
        "+" => Some((1, usize::MAX)),
        "?" => Some((0, 1)),
        _ => {
            let inner = text.strip_prefix('{')?.strip_suffix('}')?;
            let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
            let most = if most.is_empty() { usize::MAX } else { most.parse().ok()? };
            Some((least.parse().ok()?, most))
        }
    }
}

/// The form of a pattern that is one class and a count.
fn class_alone(source: &str) -> Option<Form> {
    let (from_start, text) = match source.strip_prefix('^') {
        Some(text) => (true, text),
        None => (false, source),
    };
    let (to_end, text) = match text.strip_suffix('$').filter(|text| !text.ends_with('\\')) {
        Some(text) => (true, text),
        None => (false, text),
    };
    let text = match text.strip_prefix('(') {
        Some(text) => text.strip_suffix(')')?,
        None => text,
    };
    let mut rest = text.chars().peekable();
    let class = atom(&mut rest)?;
    let (least, most) = count(&rest.collect::<String>())?;
    Some(Form::Class { class, least, most, from_start, to_end })
}

/// The form of a pattern that begins by barring another, and has no alternatives beside it.
fn unless(source: &str) -> Option<Form> {
    let text = source.strip_prefix("^(?!")?;
    let mut depth = 1;
    let mut end = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 && end.is_none() {
            end = Some(at);
        }
    }
    let (barred, rest) = text.split_at(end?);
    Some(Form::Unless {
        barred: Box::new(Pattern::new(format!("^({barred})"))),
        rest: Box::new(Pattern::new(format!("^{}", &rest[1..]))),
    })
}

/// The pattern in the dialect of `regex-lite`, which knows neither look-around nor Unicode's categories.
fn translated(source: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '[' => class(&mut rest)?.written(&mut out),
            '\\' => match rest.peek()? {
                'A' | 'b' | 'B' => {
                    out.push('\\');
                    out.extend(rest.next());
                }
                'Z' | 'z' => {
                    rest.next();
                    out.push_str("\\z");
                }
                _ => match escape(&mut rest)? {
                    Element::Code(code) => out.push_str(&format!("\\x{{{code:X}}}")),
                    Element::Shorthand(letter) => {
                        out.push('\\');
                        out.push(letter);
                    }
                    Element::Category(name) => {
                        let mut class = Class::default();
                        class.add_category(&name).then_some(())?;
                        class.written(&mut out);
                    }
                },
            },
            _ => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &str, text: &str) -> bool {
        let pattern = Pattern::new(source.to_owned());
        assert!(pattern.is_expressed(), "{source}");
        pattern.matches(text)
    }

    #[test]
    fn a_class_and_a_count() {
        assert!(matches("^[a-zA-Z0-9_.-]+$", "raw-events_1.x"));
        assert!(!matches("^[a-zA-Z0-9_.-]+$", "raw events"));
        assert!(!matches("^[a-zA-Z0-9_.-]+$", ""));
        assert!(matches("^[a-z]{2,3}$", "abc") && !matches("^[a-z]{2,3}$", "abcd"));
        assert!(matches("^[^:]", "AWS/S3") && !matches("^[^:]", ":x"));
        assert!(matches("\\S", " x ") && !matches("\\S", "  "));
        assert!(matches("[0-9]{3}", "a123b") && !matches("[0-9]{3}", "12a3"));
        assert!(
            matches("^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+$", "Größe 1")
                && !matches("^[\\p{L}]+$", "a,b")
        );
        assert!(matches("^[a-zA-Z0-9-_$#.]+$", "a-$") && !matches("^[a-zA-Z0-9-_$#.]+$", "a b"));
        assert!(
            matches("^[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+$", "{\n}")
                && !matches("^[\\u0020-\\u00FF]+$", "€")
        );
        assert!(matches("^[\\s\\S]*$", "any\nthing"));
        assert!(matches("^.*$", "one line") && !matches("^.{0,3}$", "four"));
    }

    #[test]
    fn the_rest_goes_to_the_engine() {
        let role = "^arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$";
        assert!(matches(role, "arn:aws-cn:iam::123456789012:role/path/name"));
        assert!(!matches(role, "arn:aws:iam::12345:role/name"));
        assert!(matches("\\A(\\d|x)\\Z", "7") && !matches("\\A(\\d|x)\\Z", "77"));
        assert!(matches("^([a-z,A-Z,0-9,. _\\-:/()#,@[\\]+=&;\\{\\}!$*])*$", "a[b]"));
    }

    #[test]
    fn what_cannot_be_expressed_accepts_everything() {
        let pattern = Pattern::new("^(?=a)(b|c)$".to_owned());
        assert!(!pattern.is_expressed() && pattern.matches("x"));
    }

    #[test]
    fn what_is_barred_at_the_start() {
        assert!(matches("^(?!aws:)[a-z:]*$", "team") && !matches("^(?!aws:)[a-z:]*$", "aws:x"));
        assert!(matches("^(?!\\s*$).+$", " x") && !matches("^(?!\\s*$).+$", "  "));
    }
}
