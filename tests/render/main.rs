//! Diagnostics as people and programs see them.

use lakewright::diagnostic::{Diagnostic, Diagnostics, LW0101, LW0104, LW0114};
use lakewright::document::{Map, Value};
use lakewright::render::diagnostics::{Style, annotations, fingerprint, text};
use lakewright::render::document::{Found, document};
use lakewright::source::{FileId, Sources, Span};
use lakewright::syntax;

const LAKE: &str = "\
lakewright: 1
lake: acme
databases:
  sales:
    tables:
      orders:
        format: iceberg
access:
  eu-partner:
    who: [account/333333333333]
    read: [sales.ordres]
";

fn sources(text: &str) -> (Sources, FileId) {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    (sources, file)
}

fn span(sources: &Sources, file: FileId, word: &str) -> Span {
    let start = sources.get(file).text.find(word).expect("the word is there");
    Span::new(file, start, start + word.len())
}

fn one(diagnostic: Diagnostic) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(diagnostic);
    diagnostics
}

/// The example of the diagnostics bar.
fn example(sources: &Sources, file: FileId) -> Diagnostic {
    let span = |word| span(sources, file, word);
    let mut diagnostic =
        Diagnostic::error(LW0101, span("sales.ordres"), "unknown table `sales.ordres` in access")
            .label("no table with this name")
            .also(span("orders"), "a similar name is defined here")
            .at("access.eu-partner.read[0]")
            .note("tables are named `database.table`")
            .help("did you mean `sales.orders`?")
            .fix(span("sales.ordres"), "sales.orders");
    diagnostic.environment = Some("prod".to_owned());
    diagnostic
}

#[test]
fn text_has_the_form_of_rustc() {
    let (sources, file) = sources(LAKE);
    let shown = text(&one(example(&sources, file)), &sources, Style::default());
    let expected = "\
error[LW0101]: unknown table `sales.ordres` in access
  --> lake.yaml:11:12
   |
 6 |       orders:
   |       ------ a similar name is defined here
...
11 |     read: [sales.ordres]
   |            ^^^^^^^^^^^^ no table with this name
   |
   = at: access.eu-partner.read[0] (environment prod)
   = note: tables are named `database.table`
   = help: did you mean `sales.orders`?
   = explain: lakewright explain LW0101
help: this mends it
   |
11 -     read: [sales.ordres]
11 +     read: [sales.orders]
   |

1 error
";
    assert_eq!(shown, expected);
}

#[test]
fn colour_is_asked_for() {
    let (sources, file) = sources(LAKE);
    let found = one(example(&sources, file));
    let plain = text(&found, &sources, Style::default());
    let coloured = text(&found, &sources, Style { color: true, ..Style::default() });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}["));
}

#[test]
fn what_has_no_place_is_shown_too() {
    let diagnostic = Diagnostic::new(LW0101, lakewright::diagnostic::Severity::Warning, None, "x");
    let shown = text(&one(diagnostic), &Sources::default(), Style::default());
    assert_eq!(
        shown,
        "warning[LW0101]: x\n |\n = explain: lakewright explain LW0101\n\n1 warning\n"
    );
}

#[test]
fn twenty_are_shown_unless_all() {
    let (sources, file) = sources(&"a\n".repeat(30));
    let mut found = Diagnostics::default();
    for at in 0..30 {
        found.push(Diagnostic::error(LW0101, Span::new(file, at * 2, at * 2 + 1), "wrong"));
    }
    let few = text(&found, &sources, Style::default());
    assert_eq!(few.matches("error[LW0101]").count(), 20);
    assert!(few.ends_with("+10 more (`--all` shows them)\n30 errors\n"), "{few}");
    let all = text(&found, &sources, Style { all: true, ..Style::default() });
    assert_eq!(all.matches("error[LW0101]").count(), 30);
    assert!(!all.contains("more ("));
    assert!(text(&Diagnostics::default(), &sources, Style::default()).is_empty());
}

#[test]
fn nothing_from_a_file_reaches_the_terminal_raw() {
    let evil = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}";
    let (sources, file) = sources(&format!("lake: \"{evil}\"\nb: {evil}\n"));
    let (_, mut found) = syntax::parse(&sources, file);
    assert!(!found.is_empty());
    found.push(
        Diagnostic::error(LW0101, Span::new(file, 0, 4), format!("unknown `{evil}`"))
            .label(evil)
            .also(Span::new(file, 6, 10), evil)
            .at(evil)
            .note(evil)
            .help(evil)
            .maybe(Span::new(file, 0, 4), evil),
    );
    let shown = text(&found, &sources, Style { all: true, ..Style::default() });
    let raw = |c: char| {
        c != '\n'
            && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    assert!(!shown.contains(raw), "{shown:?}");
    let lines = annotations(&found, &sources);
    assert!(!lines.contains(raw), "{lines:?}");
}

#[test]
fn labels_far_apart_do_not_print_what_lies_between() {
    let filler = "x: y\n".repeat(3000);
    let (sources, file) = sources(&format!("first: 1\n{filler}second: 2\n"));
    let found = one(Diagnostic::error(LW0104, span(&sources, file, "second"), "twice")
        .also(span(&sources, file, "first"), "the first one"));
    let shown = text(&found, &sources, Style::default());
    assert!(shown.contains("3002 | second: 2") && shown.contains("1 | first: 1"), "{shown}");
    assert!(shown.lines().count() < 20, "{shown}");
}

#[test]
fn json_is_terraforms_object_and_more() {
    let (sources, file) = sources(LAKE);
    let found = one(example(&sources, file));
    let mut all = Found::default();
    all.extend(&found, &sources);
    let document = document(Map::new(), &all, 1, "error");
    assert_eq!(document.get("outcome"), Some(&Value::from("error")));
    assert_eq!(document.get("error_count"), Some(&Value::Int(1)));
    let at = |path: &[&str]| {
        document.at(&[&["diagnostics", "0"], path].concat()).map(ToString::to_string)
    };
    let expect =
        |path: &[&str], value: &str| assert_eq!(at(path).as_deref(), Some(value), "{path:?}");
    expect(&["severity"], r#""error""#);
    expect(&["summary"], r#""unknown table `sales.ordres` in access""#);
    expect(&["code"], r#""LW0101""#);
    expect(&["path"], r#""access.eu-partner.read[0]""#);
    expect(&["environment"], r#""prod""#);
    expect(&["docs"], r#""lakewright explain LW0101""#);
    expect(&["docs_url"], r#""docs/codes/LW0101.md""#);
    expect(&["range", "filename"], r#""lake.yaml""#);
    let start = LAKE.find("sales.ordres").expect("is there");
    expect(&["range", "start"], &format!(r#"{{"byte":{start},"column":12,"line":11}}"#));
    expect(&["range", "end"], &format!(r#"{{"byte":{},"column":24,"line":11}}"#, start + 12));
    expect(&["snippet", "code"], r#""    read: [sales.ordres]""#);
    expect(&["snippet", "start_line"], "11");
    expect(&["snippet", "highlight_start_offset"], "11");
    expect(&["snippet", "highlight_end_offset"], "23");
    expect(&["related", "0", "message"], r#""a similar name is defined here""#);
    expect(&["related", "0", "range", "start", "line"], "6");
    expect(&["suggestions", "0", "text"], r#""sales.orders""#);
    expect(&["suggestions", "0", "applicability"], r#""machine-applicable""#);
    expect(
        &["detail"],
        r#""no table with this name\ntables are named `database.table`\ndid you mean `sales.orders`?""#,
    );
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let print = |text: &str| {
        let (sources, file) = sources(text);
        fingerprint(&example(&sources, file), &sources)
    };
    let here = print(LAKE);
    assert_eq!(here.len(), 16);
    assert_eq!(here, print(&format!("# moved\n\n{LAKE}")));
    let (sources, file) = sources(LAKE);
    let elsewhere = example(&sources, file).at("access.other.read[0]");
    assert_ne!(here, fingerprint(&elsewhere, &sources));
    let other_code = Diagnostic { code: LW0114, ..example(&sources, file) };
    assert_ne!(here, fingerprint(&other_code, &sources));
}

#[test]
fn annotations_are_escaped_and_counted() {
    let mut sources = Sources::default();
    let file = sources.add("a,b:c%.yaml", "x: 1\n".repeat(30));
    let mut found = Diagnostics::default();
    for at in 0..13 {
        let span = Span::new(file, at * 5, at * 5 + 1);
        found.push(Diagnostic::error(LW0101, span, format!("100% wrong, {at}")).help("see: this"));
    }
    for at in 0..10 {
        found.push(Diagnostic::warning(LW0101, Span::new(file, at * 5, at * 5 + 1), "hm"));
    }
    let lines = annotations(&found, &sources);
    assert_eq!(
        lines.lines().next(),
        Some(
            "::error file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=1,endColumn=2,title=LW0101::100%25 wrong, 0%0Asee: this"
        )
    );
    assert_eq!(lines.matches("::error ").count(), 10);
    assert!(lines.contains("::error title=lakewright::+4 more, see the log\n"), "{lines}");
    assert_eq!(lines.matches("::warning ").count(), 10);
    assert!(!lines.contains("::warning title=lakewright"));
}

#[test]
fn thousands_of_findings_are_no_burden() {
    let (sources, file) = sources(&"a: 1\n".repeat(20_000));
    let start = std::time::Instant::now();
    let (_, found) = syntax::parse(&sources, file);
    let mut twice = found.clone();
    twice.extend(found.clone());
    assert_eq!(twice.iter().len(), 19_999);
    text(&twice, &sources, Style::default());
    annotations(&twice, &sources);
    Found::default().extend(&twice, &sources);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
