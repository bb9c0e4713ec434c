//! Reading never fails, ends soon, and finds the rest of the file.

use std::time::{Duration, Instant};

use lakewright::source::Sources;
use lakewright::syntax::{self, Kind};
use proptest::prelude::*;

use crate::trees::{LAKE, bare, read};

/// Reads a text and checks what must hold of any result.
fn sound(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let start = Instant::now();
    let (node, found) = syntax::parse(&sources, file);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?} for {text:?}", start.elapsed());
    for diagnostic in &found {
        assert!(diagnostic.headline.chars().count() <= 120, "{}", diagnostic.headline);
        assert!(!diagnostic.headline.contains('\n'), "{}", diagnostic.headline);
        let labels = diagnostic.primary.iter().chain(&diagnostic.secondary).map(|label| label.span);
        for span in labels.chain(diagnostic.suggestions.iter().map(|suggestion| suggestion.span)) {
            assert!(
                text.get(span.range()).is_some(),
                "{} at {span:?} of {text:?}",
                diagnostic.code
            );
        }
    }
    places(&node, text);
    // Nothing of it may stop the renderers.
    lakewright::render::diagnostics::text(&found, &sources, Default::default());
    lakewright::render::document::Found::default().extend(&found, &sources);
    lakewright::render::diagnostics::annotations(&found, &sources);
    syntax::fix(text, file, &found);
}

fn places(node: &syntax::Node, text: &str) {
    assert!(text.get(node.span.range()).is_some(), "{:?} of {text:?}", node.span);
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| places(item, text)),
        Kind::Map(entries) => {
            for entry in entries {
                assert!(text.get(entry.key_span.range()).is_some(), "{:?}", entry.key_span);
                places(&entry.value, text);
            }
        }
        _ => {}
    }
}

/// Pieces that YAML means something by.
pub fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b: ", "c:", ": ", "- ", "-", "? ", "[", "]", "{", "}", ",", ", ", "\"", "'", "\n",
        "\n  ", "\n    ", "\n\t", "\t", " ", "#", " # x", "&a ", "*a", "!t ", "<<: ", "|\n", ">\n",
        "|", "%", "@", "`", "---\n", "...\n", "~", "\\", "\\u", "\r\n", "\u{a0}", "\u{feff}", "“",
        "”", "é", "\u{200b}", "\u{1b}", "：", "– ", "\u{fffd}", "=", "a:b", "\0", "\u{2028}",
        "'x'", "\"x\"", "{{", "}}", "x x",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        sound(&syntax::decode(bytes));
    }

    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec(piece(), 0..60)) {
        sound(&pieces.concat());
    }

    #[test]
    fn a_damaged_spec_is_read(
        damages in prop::collection::vec((0..LAKE.len(), 0..12_usize, piece()), 1..6)
    ) {
        let mut text = LAKE.to_owned();
        for (at, length, piece) in damages {
            let floor = |mut at: usize| {
                at = at.min(text.len());
                while !text.is_char_boundary(at) { at -= 1; }
                at
            };
            let range = floor(at)..floor(at + length);
            text.replace_range(range, piece);
        }
        sound(&text);
    }

    #[test]
    fn one_damaged_line_leaves_the_rest(line in 20..150_usize, piece in piece()) {
        let lines: Vec<&str> = LAKE.lines().collect();
        prop_assume!(line < lines.len() && lines[line].starts_with("  ") && !lines[line].contains('|'));
        // A quote or bracket that is opened may swallow what follows.
        prop_assume!(!piece.contains(['"', '\'', '[', '{', '\n', '|', '>']));
        let damaged = format!("{}{piece}", lines[line].trim_end());
        let mut all = lines.clone();
        all[line] = &damaged;
        let (node, _) = read(&all.join("\n"));
        let (whole, _) = read(LAKE);
        let keys = |node: &syntax::Node| {
            node.entries().unwrap_or_default().iter().map(|e| e.key.to_string()).collect::<Vec<_>>()
        };
        prop_assert_eq!(keys(&node), keys(&whole), "with {:?}", damaged);
    }
}

#[test]
fn hostile_files_end_soon() {
    let bomb: String = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, at| {
        let last = format!("*a{}", at - 1);
        text + &format!("a{at}: &a{at} [{last}, {last}, {last}, {last}, {last}]\n")
    });
    let cases = [
        "[".repeat(50_000),
        "{".repeat(50_000),
        "- ".repeat(50_000),
        "? ".repeat(20_000),
        "a: ".repeat(20_000),
        "\"".repeat(100_001),
        "a: \"\n".repeat(10_000),
        "a: [\n".repeat(10_000),
        "}\n".repeat(10_000),
        "\ta: b\n".repeat(10_000),
        "\u{a0}\n".repeat(10_000),
        "a: b: c\n".repeat(10_000),
        "*a\n".repeat(10_000),
        "!a ".repeat(10_000),
        "&a ".repeat(10_000),
        "a\n".repeat(20_000),
        (0..2000).map(|at| format!("{}k:\n", " ".repeat(at))).collect(),
        "a: b\n".repeat(10_000),
        "<<: {a: b}\n".repeat(20_000),
        bomb,
    ];
    for text in cases {
        sound(&text);
    }
}

#[test]
fn texts_that_once_were_too_much() {
    for text in [
        "*a– ? -#c:b: &a @\n\n  ”– ,c:x x...\n: ",
        "...\n#%\néb: ",
        "|\n  \n  \r\n#",
        "{ a: b, 'c' d: e } f",
    ] {
        sound(text);
        let _ = syntax::format("lake.yaml", text);
    }
}

#[test]
fn broken_values_stand_under_their_keys() {
    let (node, codes) = read("a: \"b\" c\nd:\n  e: [f}\n  g: 1\nh:\n  - [i}\n  - j\nk: |x\nl: 2\n");
    assert_eq!(codes, ["LW0114", "LW0115", "LW0115", "LW0101"]);
    assert_eq!(bare(&node), r#"{"a":!,"d":{"e":!,"g":"1"},"h":[!,"j"],"k":!,"l":"2"}"#);
}

#[test]
fn spans_are_exact() {
    let text =
        "# über\nlake: acme\nbuckets:\n  raw: { keep: \"30d\" }\n  # x\nlist:\n- a\n- b: c\n";
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let (node, found) = syntax::parse(&sources, file);
    assert!(found.is_empty());
    let at = |path: &[&str]| {
        sources.slice(path.iter().fold(&node, |node, key| node.get(key).expect("is there")).span)
    };
    assert_eq!(at(&["lake"]), "acme");
    assert_eq!(at(&["buckets"]), "raw: { keep: \"30d\" }");
    assert_eq!(at(&["buckets", "raw"]), "{ keep: \"30d\" }");
    assert_eq!(at(&["buckets", "raw", "keep"]), "\"30d\"");
    assert_eq!(at(&["list"]), "- a\n- b: c");
    assert_eq!(sources.slice(node.entries().expect("a map")[1].key_span), "buckets");
}

#[test]
fn utf16_and_other_bytes_are_decoded() {
    let utf16: Vec<u8> = "\u{feff}lake: é".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(syntax::decode(utf16), "lake: é");
    assert_eq!(syntax::decode("lake: é".into()), "lake: é");
    let (_, codes) = read(&syntax::decode(b"lake: \xE9\n".to_vec()));
    assert_eq!(codes, ["LW0113"]);
}
