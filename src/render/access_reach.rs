//! Answers to questions about access, for people and programs.
//!
//! In: answers with their requests and paths, and the names of principals as people write them. Out: text or JSON. Names
//! come from specs and templates of others: all of them are escaped.

use crate::access::reach::{Extent, Reached, Way};
use crate::document::{Map, Value};
use crate::render::access_states::{READ, unread};
use crate::render::escape;
use crate::verdict::Request;

/// An answer, with the way on which it was found.
pub struct Answer {
    pub reached: Reached,
    /// How much of the place, where something of it is reached.
    pub extent: Extent,
    pub path: Vec<Way>,
    /// How a table that Lake Formation decides about is reached, or data of it elsewhere.
    pub by: Option<By>,
    /// What of a table is seen through Lake Formation: columns and rows.
    pub shows: Vec<String>,
    /// Every way on which the data is read without Lake Formation.
    pub past: Vec<String>,
}

/// By which way the data of a table is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By a grant: the columns and rows that it shows.
    LakeFormation,
    /// By the files, past Lake Formation: every column and row.
    Files,
    /// By the files, as hybrid access leaves them to IAM.
    Iam,
    /// As the role that Lake Formation itself reads as.
    Registration,
    /// In the results of a workgroup of Athena.
    Results(String),
    /// In the copy of a bucket in another region.
    Copy(String),
}

impl By {
    /// A word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            By::LakeFormation => "lake-formation",
            By::Files => "files",
            By::Iam => "iam",
            By::Registration => "registration",
            By::Results(_) => "results",
            By::Copy(_) => "copy",
        }
    }

    /// For people.
    fn told(&self) -> String {
        match self {
            By::LakeFormation => "through Lake Formation".to_owned(),
            By::Files => "past Lake Formation: its files, every column and row".to_owned(),
            By::Iam => {
                "its files, by IAM, which hybrid access leaves to those not opted in".to_owned()
            }
            By::Registration => "its files, as the role that Lake Formation reads as".to_owned(),
            By::Results(name) => {
                format!("past Lake Formation: results of athena.{name}, what was asked there")
            }
            By::Copy(region) => {
                format!("past Lake Formation: the copy in {region}, every column and row")
            }
        }
    }

    /// What is read without Lake Formation, if this is.
    pub fn past(&self) -> Option<String> {
        match self {
            By::LakeFormation => None,
            By::Files => Some("its files".to_owned()),
            By::Iam => Some("its files, by IAM (hybrid)".to_owned()),
            By::Registration => Some("its files, for Lake Formation".to_owned()),
            By::Results(name) => Some(format!("results of athena.{name}")),
            By::Copy(region) => Some(format!("the copy in {region}")),
        }
    }
}

/// What people call a principal of an ARN.
pub type Names<'n> = &'n dyn Fn(&str) -> String;

impl Answer {
    /// Nothing gets through.
    pub const fn none() -> Self {
        let reached = Reached::No { because: None };
        Answer {
            reached,
            extent: Extent::All,
            path: Vec::new(),
            by: None,
            shows: Vec::new(),
            past: Vec::new(),
        }
    }

    /// Whether all of the place is reached.
    pub fn is_whole(&self) -> bool {
        self.reached.is_yes() && self.extent == Extent::All
    }

    /// Whether something of the place is reached, and not all of it.
    fn is_part(&self) -> bool {
        self.reached.is_yes() && self.extent != Extent::All
    }

    /// `allow`, `deny` or `undecided`.
    pub const fn word(&self) -> &'static str {
        match self.reached {
            Reached::Yes { .. } => "allow",
            Reached::No { .. } => "deny",
            Reached::Unknown { .. } => "undecided",
        }
    }
}

/// One principal, or one place, with the verbs.
pub struct Row {
    pub name: String,
    /// Verb and answer; verbs that are not reached stand nowhere.
    pub answers: Vec<(&'static str, Answer)>,
}

fn shown(request: &Request) -> String {
    let mut text = request.action.clone();
    if let Some(resource) = &request.resource {
        text += &format!(" {resource}");
    }
    if let Some(who) = &request.principal {
        text += &format!(" by {who}");
    }
    for (key, values) in request.context.values() {
        text += &format!(", {key}={}", values.join("|"));
    }
    text
}

/// `role/X (assume) > role/Y (pass)`.
pub fn through(path: &[Way], names: Names<'_>) -> String {
    let steps = path.iter().map(|way| format!("{} ({})", names(&way.to), way.kind.as_str()));
    steps.collect::<Vec<_>>().join(" > ")
}

/// The layers that were read and not read.
pub fn layers() -> String {
    format!("read: {}\nnot read: {}\n", READ.join(", "), unread().join(", "))
}

/// `ALLOWED role/Analyst read marts`, and what proves it.
pub fn answer_text(question: &str, answer: &Answer, names: Names<'_>) -> String {
    let head = match answer.reached {
        Reached::Yes { .. } if answer.is_part() && answer.path.is_empty() => {
            "ALLOWED for some of it"
        }
        Reached::Yes { .. } if answer.is_part() => "ALLOWED for some of it, through others",
        Reached::Yes { .. } if answer.path.is_empty() => "ALLOWED",
        Reached::Yes { .. } => "ALLOWED through others",
        Reached::No { .. } => "NOT ALLOWED",
        Reached::Unknown { .. } => "UNDECIDED",
    };
    let mut text = format!("{head}: {}\n", escape(question));
    if let (Reached::Yes { request, .. }, Extent::Some { not, unknown }) =
        (&answer.reached, &answer.extent)
    {
        if let Some(object) = &request.resource {
            text += &format!("  reached  {}\n", escape(object));
        }
        match (not, unknown) {
            (Some(object), _) => text += &format!("  not      {}\n", escape(object)),
            (None, Some(because)) => {
                text += &format!("  rest     is not known: {}\n", escape(because));
            }
            (None, None) => {}
        }
    }
    for way in &answer.path {
        text += &escape(&format!("  {} {}: {}", way.kind.as_str(), names(&way.to), way.name));
        text += &format!("\n    request  {}\n", escape(&shown(&way.request)));
        for needed in &way.needed {
            text += &format!("    needed   {}\n", escape(needed));
        }
    }
    match &answer.reached {
        Reached::Yes { request, needed } => {
            if let Some(by) = &answer.by {
                text += &format!("  how      {}\n", escape(&by.told()));
            }
            if !answer.shows.is_empty() {
                text += &format!("  shows    {}\n", escape(&answer.shows.join("; and ")));
            }
            text += &format!("  request  {}\n", escape(&shown(request)));
            for needed in needed {
                text += &format!("  needed   {}\n", escape(needed));
            }
        }
        Reached::No { because } => {
            let because = because.as_deref().unwrap_or("nothing that was read allows it");
            text += &format!("  because  {}\n", escape(because));
        }
        Reached::Unknown { because } => text += &format!("  because  {}\n", escape(because)),
    }
    let own = answer.by.as_ref().and_then(By::past);
    for way in answer.past.iter().filter(|way| own.as_ref() != Some(*way)) {
        text += &format!("  also     without Lake Formation: {}\n", escape(way));
    }
    text
}

/// Answers as a table, a line for each principal or place.
pub fn rows_text(rows: &[Row], names: Names<'_>) -> String {
    let wide = rows.iter().map(|row| escape(&row.name).chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        let mut ways: Vec<(String, Vec<String>)> = Vec::new();
        for (verb, answer) in &row.answers {
            let (way, verb) = match &answer.reached {
                Reached::Unknown { because } => {
                    (format!("undecided: {because}"), (*verb).to_owned())
                }
                Reached::Yes { needed, .. } => {
                    let mut way = match answer.path.as_slice() {
                        [] => "direct".to_owned(),
                        path => format!("~ through {}", through(path, names)),
                    };
                    if let Some(by) = &answer.by {
                        way = match answer.path.as_slice() {
                            [] => by.told(),
                            _ => format!("{way}; {}", by.told()),
                        };
                    }
                    if !answer.shows.is_empty() {
                        way += &format!(": {}", answer.shows.join("; and "));
                    }
                    if !needed.is_empty() {
                        way += &format!("; needs {}", needed.join("; "));
                    }
                    match answer.is_part() {
                        true => (way, format!("{verb} (some of it)")),
                        false => (way, (*verb).to_owned()),
                    }
                }
                Reached::No { .. } => continue,
            };
            match ways.iter_mut().find(|(known, _)| *known == way) {
                Some((_, verbs)) => verbs.push(verb),
                None => ways.push((way, vec![verb])),
            }
        }
        for (at, (way, verbs)) in ways.iter().enumerate() {
            let name = if at == 0 { escape(&row.name).into_owned() } else { String::new() };
            lines.push((name, verbs.join(" "), escape(way).into_owned()));
        }
    }
    let verbs = lines.iter().map(|(_, verbs, _)| verbs.len()).max().unwrap_or(0).max(26);
    let line = |(name, own, way): &(String, String, String)| {
        format!("{name:wide$}  {own:<verbs$} {way}\n")
    };
    lines.iter().map(line).collect()
}

/// Who reads the data of a table without Lake Formation, and how; nothing where it decides about none.
pub fn past_text(rows: &[Row]) -> String {
    let mut text = String::new();
    for (name, ways) in past(rows) {
        text += &format!("  {}: {}\n", escape(name), escape(&ways.join("; ")));
    }
    match text.is_empty() {
        true => text,
        false => format!("without Lake Formation:\n{text}"),
    }
}

/// Who gets at a table without a grant on its data, and why.
pub fn powers_text(powers: &[(String, String)]) -> String {
    let lines = powers.iter().map(|(who, why)| format!("  {}: {}\n", escape(who), escape(why)));
    match powers.is_empty() {
        true => String::new(),
        false => {
            format!("and who gets at it without a grant on it:\n{}", lines.collect::<String>())
        }
    }
}

/// The same as JSON: `name`, `why`.
pub fn powers_json(powers: &[(String, String)]) -> Vec<Value> {
    let one = |(who, why): &(String, String)| {
        let mut map = Map::new();
        map.insert("name", who.clone());
        map.insert("why", why.clone());
        Value::Map(map)
    };
    powers.iter().map(one).collect()
}

/// The same as JSON: `name`, `ways`.
pub fn past_json(rows: &[Row]) -> Vec<Value> {
    let one = |(name, ways): (&str, Vec<String>)| {
        let mut map = Map::new();
        map.insert("name", name.to_owned());
        map.insert("ways", list(&ways));
        Value::Map(map)
    };
    past(rows).into_iter().map(one).collect()
}

fn past(rows: &[Row]) -> Vec<(&str, Vec<String>)> {
    let of = |row: &Row| {
        let mut ways: Vec<String> =
            row.answers.iter().flat_map(|(_, answer)| answer.past.clone()).collect();
        ways.sort();
        ways.dedup();
        ways
    };
    let all = rows.iter().map(|row| (row.name.as_str(), of(row)));
    all.filter(|(_, ways)| !ways.is_empty()).collect()
}

fn request_json(request: &Request) -> Value {
    request.to_value()
}

fn list(texts: &[String]) -> Value {
    texts.iter().cloned().map(Value::from).collect::<Vec<_>>().into()
}

/// An answer: `answer`, `extent`, `path`, `request`, `needed`, `reason`.
pub fn answer_json(answer: &Answer, names: Names<'_>) -> Map {
    let mut map = Map::new();
    map.insert("answer", answer.word());
    let step = |way: &Way| {
        let mut map = Map::new();
        map.insert("kind", way.kind.as_str());
        map.insert("what", way.name.clone());
        map.insert("to", names(&way.to));
        map.insert("arn", way.to.clone());
        map.insert("request", request_json(&way.request));
        map.insert("needed", list(&way.needed));
        Value::Map(map)
    };
    map.insert("path", answer.path.iter().map(step).collect::<Vec<_>>());
    let (extent, not_reached, rest) = match &answer.extent {
        _ if !answer.reached.is_yes() => (Value::Null, Value::Null, None),
        Extent::All => (Value::from("all"), Value::Null, None),
        Extent::Some { not, unknown } => {
            let not = not.clone().map_or(Value::Null, Value::from);
            (Value::from("some"), not, unknown.clone())
        }
    };
    map.insert("extent", extent);
    map.insert("not_reached", not_reached);
    let (request, needed, reason) = match &answer.reached {
        Reached::Yes { request, needed } => (request_json(request), list(needed), rest),
        Reached::No { because } => (Value::Null, list(&[]), because.clone()),
        Reached::Unknown { because } => (Value::Null, list(&[]), Some(because.clone())),
    };
    map.insert("request", request);
    map.insert("needed", needed);
    map.insert("reason", reason.map_or(Value::Null, Value::from));
    map.insert("by", answer.by.as_ref().map_or(Value::Null, |by| Value::from(by.word())));
    map.insert("shows", list(&answer.shows));
    map.insert("without_lake_formation", list(&answer.past));
    map
}

/// Rows as JSON: `name`, `reaches` with verb and answer.
pub fn rows_json(rows: &[Row], names: Names<'_>) -> Vec<Value> {
    let row = |row: &Row| {
        let reaches = row.answers.iter().map(|(verb, answer)| {
            let mut map = answer_json(answer, names);
            map.insert("verb", *verb);
            Value::Map(map)
        });
        let mut map = Map::new();
        map.insert("name", row.name.clone());
        map.insert("reaches", reaches.collect::<Vec<_>>());
        Value::Map(map)
    };
    rows.iter().map(row).collect()
}

/// The layers, into a document.
pub fn add_layers(body: &mut Map) {
    let list =
        |names: &[&'static str]| names.iter().map(|name| Value::from(*name)).collect::<Vec<_>>();
    body.insert("layers_read", list(&READ));
    body.insert("layers_unread", list(&unread()));
}
