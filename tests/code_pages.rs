//! Each page in `docs/codes` tells the truth: what it calls wrong gives its code, what it calls right
//! does not.

use lakewright::diagnostic::Code;
use lakewright::source::Sources;
use lakewright::syntax;

/// The codes of the first block that has a heading like this.
fn run(page: &str, heading: &str) -> Option<Vec<&'static str>> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    let (_, rest) = rest.split_once("```yaml\n")?;
    let (example, _) = rest.split_once("```")?;
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", example);
    let (_, found) = syntax::parse(&sources, file);
    Some(found.iter().map(|diagnostic| diagnostic.code.as_str()).collect())
}

#[test]
fn pages_of_the_syntax_block_tell_the_truth() {
    let pages = Code::all().iter().filter(|(code, _)| code.as_str().starts_with("LW01"));
    let mut count = 0;
    for (code, page) in pages {
        let title = page.lines().next().unwrap_or("");
        assert!(title.starts_with(&format!("# {code}: ")), "{code}: the title is `{title}`");
        let wrong = run(page, "Wrong").unwrap_or_else(|| panic!("{code} has no wrong example"));
        assert_eq!(wrong.first(), Some(&code.as_str()), "{code}: the wrong example");
        let right = run(page, "Right").unwrap_or_else(|| panic!("{code} has no right example"));
        assert!(right.is_empty(), "{code}: the right example gives {right:?}");
        count += 1;
    }
    assert!(count >= 21, "only {count} pages");
}
