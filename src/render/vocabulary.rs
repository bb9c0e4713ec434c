//! The documents of the vocabulary, for people and programs.
//!
//! In: a [`Document`] and its text. Out: what it permits and why, its parameters and claims, and its statements as they
//! are written; as JSON the document itself, under its name.

use crate::document::{Map, Value};
use crate::policy::{Document, Library, text_of};
use crate::render::escape;

/// One document, for people.
pub fn text(document: &Document) -> String {
    let mut out = format!("{}    {}\n", document.name, escape(&document.title));
    let flows = document.flows.join(", ");
    out +=
        &format!("{} in {} policies, for {flows}\n", document.effect.name(), document.layer.name());
    section(&mut out, "Actions", document.why.iter().map(|(a, b)| (a.clone(), b.clone())));
    let parameters = document.parameters.iter().map(|(name, one)| {
        let kind = format!("{}{}", one.kind.name(), if one.list { "[]" } else { "" });
        let example = match one.example.join(", ") {
            none if none.is_empty() => String::new(),
            some => format!("; such as {some}"),
        };
        let absent = one.absent.as_ref().map(|it| format!("; left out: {it}")).unwrap_or_default();
        (format!("{name}  {kind}"), format!("{}{example}{absent}", one.about))
    });
    section(&mut out, "Parameters", parameters);
    let bare = document.bare_star.iter().map(|(a, b)| (a.clone(), b.clone()));
    section(&mut out, "On every resource", bare);
    let claims = &document.claims;
    let data = if claims.data_plane { "reaches" } else { "does not reach" };
    let stated = [
        ("services", claims.services.join(", ")),
        ("levels", claims.levels.join(", ")),
        ("resource types", claims.resource_types.join(", ")),
        ("data", format!("{data} the content of the lake")),
    ];
    let stated = stated.into_iter().filter(|(_, what)| !what.is_empty());
    section(&mut out, "Claims", stated.map(|(name, what)| (name.to_owned(), what)));
    out += "\nStatements\n";
    let whole = whole(&document.name);
    let statements = whole.get("statements").cloned().unwrap_or_default();
    out += &statements.to_json_pretty();
    out += &format!("\n\nSources, read on {}\n", document.date);
    for source in &document.sources {
        out += &format!("  {source}\n");
    }
    out
}

fn section(out: &mut String, head: &str, rows: impl Iterator<Item = (String, String)>) {
    let rows: Vec<(String, String)> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (at, (name, what)) in rows.iter().enumerate() {
        if at == 0 {
            *out += &format!("\n{head}\n");
        }
        *out += &format!("  {name:<width$}  {}\n", escape(what));
    }
}

fn whole(name: &str) -> Value {
    text_of(name).and_then(|text| Value::from_json(text).ok()).unwrap_or_default()
}

/// One document as JSON: `{name, document}`.
pub fn json(document: &Document) -> Map {
    let mut map = Map::new();
    map.insert("name", document.name.clone());
    map.insert("document", whole(&document.name));
    map
}

/// All documents, a line each.
pub fn list_text(library: &Library) -> String {
    let all = || library.names().into_iter().filter_map(|name| library.get(name));
    let width = all().map(|one| one.name.len()).max().unwrap_or(0);
    let line = |one: &Document| {
        let (effect, layer) = (one.effect.name(), one.layer.name());
        format!("{:<width$}  {effect:<5}  {layer:<8}  {}\n", one.name, escape(&one.title))
    };
    all().map(line).collect()
}

/// The same as JSON: `{documents: [{name, title, effect, layer, flows, actions}]}`.
pub fn list_json(library: &Library) -> Map {
    let one = |one: &Document| {
        let mut map = Map::new();
        map.insert("name", one.name.clone());
        map.insert("title", one.title.clone());
        map.insert("effect", one.effect.name());
        map.insert("layer", one.layer.name());
        map.insert("flows", one.flows.iter().cloned().collect::<Value>());
        map.insert(
            "actions",
            one.actions().into_iter().map(|it| Value::from(it.to_owned())).collect::<Value>(),
        );
        Value::Map(map)
    };
    let all = library.names().into_iter().filter_map(|name| library.get(name));
    let mut map = Map::new();
    map.insert("documents", all.map(one).collect::<Value>());
    map
}
