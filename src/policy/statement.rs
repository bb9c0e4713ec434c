//! Statements and policies as values: merging, names, sizes.
//!
//! In go statements in any order, out comes one document with a fixed order, or several where one would be too big.
//! Invariants: the order in which statements are given never shows in the bytes; no Sid stands twice in a policy; a
//! policy that was split allows and denies together what the statements did; merging only joins statements that
//! differ in nothing but their resources, which changes no decision.

use crate::document::{Map, Value};

/// Sizes that AWS holds policies to, in characters without white space for IAM, in bytes elsewhere.
///
/// We count the bytes of the compact JSON, which is never less than either.
pub mod limit {
    /// A customer-managed policy: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
    pub const MANAGED_POLICY: usize = 6_144;
    /// All inline policies of one role together: the same page.
    pub const ROLE_INLINE_POLICIES: usize = 10_240;
    /// A role's trust policy, unless the quota was raised (to at most 4,096): the same page.
    pub const TRUST_POLICY: usize = 2_048;
    /// Managed policies attached to one role, unless the quota was raised: the same page.
    pub const MANAGED_POLICIES_OF_A_ROLE: usize = 10;
    /// A bucket policy, 20 KB: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>.
    pub const BUCKET_POLICY: usize = 20_480;
    /// A key policy, 32 KB: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.
    pub const KEY_POLICY: usize = 32_768;
}

/// What a reference that CloudFormation resolves is counted as: no ARN of a bucket (82), key (95), stream or rule of
/// ours is longer.
const REFERENCE: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Deny,
    Allow,
}

impl Effect {
    /// IAM's word.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        }
    }
}

/// Bytes of a policy around its statements: `{"Statement":[],"Version":"2012-10-17"}`.
const FRAME: usize = 41;

/// Digits that a Sid may grow by: no policy has 10,000 statements.
const NUMBER: usize = 4;

/// One IAM statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The Sid of the document's statement.
    pub sid: String,
    /// What it concerns, letters and digits; follows the Sid.
    pub about: String,
    /// The spec path of what asked for it; empty where it is the policy's owner itself.
    pub from: String,
    pub effect: Effect,
    /// `"*"` or an object of kind → one or several; none in an identity policy.
    pub principal: Option<Value>,
    /// Ascending.
    pub actions: Vec<String>,
    /// Ascending, each once; texts or intrinsics. Empty in a trust policy.
    pub resources: Vec<Value>,
    /// Operator → key → one value or a list.
    pub condition: Map,
}

impl Statement {
    /// The statement with a name for what it concerns: `about("raw/ledger/ finance")` gives `...RawLedgerFinance`.
    #[must_use]
    pub fn about(mut self, what: &str) -> Statement {
        self.about = words(what);
        self
    }

    /// The statement with the spec path of what asked for it.
    #[must_use]
    pub fn from(mut self, path: &str) -> Statement {
        path.clone_into(&mut self.from);
        self
    }

    /// Adds conditions that have to hold too. A statement can test a key under an operator once: what it
    /// tests already is the error.
    pub fn narrow(&mut self, condition: &Map) -> Result<(), String> {
        for (operator, keys) in condition.iter() {
            for (key, values) in keys.as_map().into_iter().flat_map(Map::iter) {
                let own = self.condition.get(operator).and_then(Value::as_map);
                let taken = own.and_then(|own| {
                    own.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, it)| it)
                });
                match taken {
                    Some(same) if same == values => continue,
                    Some(_) => return Err(key.to_owned()),
                    None => {}
                }
                if own.is_none() {
                    self.condition.insert(operator.to_owned(), Map::new());
                }
                if let Some(own) = self.condition.get_mut(operator).and_then(Value::as_map_mut) {
                    own.insert(key.to_owned(), values.clone());
                }
            }
        }
        Ok(())
    }

    /// The Sid that it would like to have; a policy adds a number where two wish for the same.
    pub fn name(&self) -> String {
        let mut name = format!("{}{}", self.sid, self.about);
        name.truncate(96);
        name
    }

    /// Bytes of the statement in a policy, with the comma behind it.
    fn size(&self) -> usize {
        measure(&self.to_value(&self.name())) + 1
    }

    /// The statement as IAM reads it, under the given Sid.
    fn to_value(&self, sid: &str) -> Value {
        let mut map = Map::new();
        map.insert("Sid", sid.to_owned());
        map.insert("Effect", self.effect.name());
        map.insert_some("Principal", self.principal.clone());
        map.insert("Action", self.actions.clone());
        if !self.resources.is_empty() {
            map.insert("Resource", Value::List(self.resources.clone()));
        }
        if !self.condition.is_empty() {
            map.insert("Condition", self.condition.clone());
        }
        Value::Map(map)
    }

    /// Everything but the resources and the names: what two statements must share to become one.
    fn shape(&self) -> String {
        let mut bare = self.clone();
        bare.resources.clear();
        let kind = if self.resources.is_empty() { "none" } else { "some" };
        format!("{kind}{}", bare.to_value(""))
    }
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    statements: Vec<(String, Statement)>,
}

/// Statements that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the policy needs {size} bytes in {policies} documents; {limit} bytes in {most} are possible"
)]
pub struct TooLarge {
    /// Bytes of all documents together, without white space.
    pub size: usize,
    /// How many documents they would fill.
    pub policies: usize,
    /// Bytes that one document may have.
    pub limit: usize,
    /// How many documents there may be.
    pub most: usize,
}

impl Policy {
    /// One document of these statements: equal ones merged, denials first, then by name.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Policy {
        Policy::named(merged(statements.into_iter().collect()))
    }

    /// As few documents as filling them in order gives, none above `limit` bytes and at most `most` of them.
    pub fn split(
        statements: impl IntoIterator<Item = Statement>,
        limit: usize,
        most: usize,
    ) -> Result<Vec<Policy>, TooLarge> {
        let mut pieces = Vec::new();
        for statement in merged(statements.into_iter().collect()) {
            halve(statement, limit, &mut pieces);
        }
        let mut policies: Vec<Vec<Statement>> = Vec::new();
        // What the last one measures at most: a Sid that another has too gets a number.
        let mut room = 0;
        for piece in pieces {
            let more = piece.size() + NUMBER;
            if let Some(last) = policies.last_mut() {
                last.push(piece);
                room += more;
                if room <= limit || Policy::named(last.clone()).size() <= limit {
                    continue;
                }
                let piece = last.pop().expect("invariant: it was just pushed");
                policies.push(vec![piece]);
            } else {
                policies.push(vec![piece]);
            }
            room = FRAME + more;
        }
        let policies: Vec<Policy> = policies.into_iter().map(Policy::named).collect();
        if policies.len() > most || policies.iter().any(|policy| policy.size() > limit) {
            return Err(TooLarge {
                size: policies.iter().map(Policy::size).sum(),
                policies: policies.len(),
                limit,
                most,
            });
        }
        Ok(policies)
    }

    fn named(statements: Vec<Statement>) -> Policy {
        let wishes: Vec<String> = statements.iter().map(Statement::name).collect();
        let mut taken: Vec<String> = Vec::with_capacity(wishes.len());
        for wish in wishes.iter() {
            let mut name = wish.clone();
            let mut number = 2;
            while taken.contains(&name) || (name != *wish && wishes.contains(&name)) {
                name = format!("{wish}{number}");
                number += 1;
            }
            taken.push(name);
        }
        Policy { statements: taken.into_iter().zip(statements).collect() }
    }

    /// The statements in order, each with its Sid in this policy.
    pub fn statements(&self) -> impl Iterator<Item = (&str, &Statement)> {
        self.statements.iter().map(|(sid, statement)| (sid.as_str(), statement))
    }

    /// Where its statements come from: Sid and spec path, of those that something asked for.
    pub fn causes(&self) -> impl Iterator<Item = (&str, &str)> {
        let asked = self.statements.iter().filter(|(_, statement)| !statement.from.is_empty());
        asked.map(|(sid, statement)| (sid.as_str(), statement.from.as_str()))
    }

    /// Whether it has no statement; AWS accepts no such policy.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The document as IAM and CloudFormation read it.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("Version", "2012-10-17");
        map.insert(
            "Statement",
            self.statements
                .iter()
                .map(|(sid, statement)| statement.to_value(sid))
                .collect::<Value>(),
        );
        Value::Map(map)
    }

    /// Bytes of the compact JSON, references counted at their longest.
    pub fn size(&self) -> usize {
        measure(&self.to_value())
    }
}

impl From<Policy> for Value {
    fn from(policy: Policy) -> Value {
        policy.to_value()
    }
}

/// Values of a list in which order and repetition mean nothing: ascending by their JSON, each once.
pub(super) fn set(mut values: Vec<Value>) -> Vec<Value> {
    if values.len() > 1 {
        values.sort_by_cached_key(Value::to_json);
        values.dedup();
    }
    values
}

/// How much two spec paths share, in whole steps: of `a.b[0]` and `a.b[1]` the `a.b`.
fn shared(one: &str, other: &str) -> usize {
    if one == other {
        return one.len();
    }
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let ends = |path: &str| path.len() == alike || matches!(path.as_bytes()[alike], b'.' | b'[');
    if ends(one) && ends(other) {
        return alike;
    }
    one[..alike].rfind(['.', '[']).unwrap_or(0)
}

/// Equal statements become one with all their resources; denials first, then by name, then by content.
fn merged(statements: Vec<Statement>) -> Vec<Statement> {
    let mut keyed: Vec<(String, Statement)> =
        statements.into_iter().map(|statement| (statement.shape(), statement)).collect();
    keyed.sort_by(|(a, left), (b, right)| {
        a.cmp(b).then_with(|| (&left.sid, &left.about).cmp(&(&right.sid, &right.about)))
    });
    let mut out: Vec<(String, Statement)> = Vec::with_capacity(keyed.len());
    for (shape, statement) in keyed {
        match out.last_mut() {
            Some((last_shape, last)) if *last_shape == shape => {
                if last.about != statement.about {
                    last.about.clear();
                }
                let shared = shared(&last.from, &statement.from);
                last.from.truncate(shared);
                last.resources.extend(statement.resources);
            }
            _ => out.push((shape, statement)),
        }
    }
    let mut merged: Vec<Statement> = out
        .into_iter()
        .map(|(_, mut statement)| {
            statement.resources = set(statement.resources);
            statement
        })
        .collect();
    merged.sort_by_cached_key(|statement| {
        (statement.effect, statement.name(), statement.to_value("").to_json())
    });
    merged
}

/// A statement too big for a document of its own becomes two, each with half of the resources.
fn halve(statement: Statement, limit: usize, out: &mut Vec<Statement>) {
    if FRAME + statement.size() <= limit || statement.resources.len() < 2 {
        out.push(statement);
        return;
    }
    let mut first = statement;
    let mut second = first.clone();
    second.resources = first.resources.split_off(first.resources.len() / 2);
    halve(first, limit, out);
    halve(second, limit, out);
}

fn measure(value: &Value) -> usize {
    match value {
        Value::Map(map) if map.len() == 1 => {
            if map.get("Ref").is_some() || map.get("Fn::GetAtt").is_some() {
                return REFERENCE;
            }
            if let Some(parts) = map.get("Fn::Join").and_then(|join| join.at(&["1"])) {
                let inside = |part: &Value| match part {
                    Value::Str(_) => measure(part) - 2,
                    other => measure(other),
                };
                return 2 + parts.as_list().unwrap_or_default().iter().map(inside).sum::<usize>();
            }
            measure_map(map)
        }
        Value::Map(map) => measure_map(map),
        Value::List(list) => 1 + list.iter().map(|item| measure(item) + 1).sum::<usize>().max(1),
        Value::Str(text) => written(text),
        other => other.to_json().len(),
    }
}

/// The bytes of a text in JSON: quotes, and what has to be escaped in it.
fn written(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | 0x0c | b'\n' | b'\r' | b'\t' => 2,
        0x00..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(byte).sum::<usize>()
}

fn measure_map(map: &Map) -> usize {
    1 + map.iter().map(|(key, value)| key.len() + 3 + measure(value) + 1).sum::<usize>().max(1)
}

/// The words of a text in capitals, joined: `raw/ledger/ finance` → `RawLedgerFinance`.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (head, tail) = word.split_at(1);
        out.push_str(&head.to_ascii_uppercase());
        out.push_str(tail);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sid: &str, action: &str, resource: &str) -> Statement {
        Statement {
            sid: sid.to_owned(),
            about: String::new(),
            from: String::new(),
            effect: Effect::Allow,
            principal: None,
            actions: vec![action.to_owned()],
            resources: vec![Value::from(resource.to_owned())],
            condition: Map::new(),
        }
    }

    #[test]
    fn equal_statements_merge_in_any_order() {
        let list = [
            statement("Read", "x:Get", "b").about("raw/b/"),
            statement("Read", "x:Get", "a").about("raw/a/"),
            statement("Write", "x:Put", "a"),
        ];
        let forward = Policy::new(list.clone());
        let backward = Policy::new(list.into_iter().rev());
        assert_eq!(forward.to_value(), backward.to_value());
        assert_eq!(
            forward.to_value().to_json(),
            r#"{"Statement":[{"Action":["x:Get"],"Effect":"Allow","Resource":["a","b"],"Sid":"Read"},{"Action":["x:Put"],"Effect":"Allow","Resource":["a"],"Sid":"Write"}],"Version":"2012-10-17"}"#
        );
    }

    #[test]
    fn sids_are_unique_even_against_their_own_numbers() {
        let policy = Policy::new([
            statement("Read", "x:A", "a"),
            statement("Read", "x:B", "a"),
            statement("Read2", "x:C", "a"),
        ]);
        let sids: Vec<&str> = policy.statements().map(|(sid, _)| sid).collect();
        assert_eq!(sids, ["Read", "Read3", "Read2"]);
    }

    #[test]
    fn size_is_that_of_the_compact_json() {
        let policy =
            Policy::new([statement("Read", "x:A", "a"), statement("Write", "x:\"B\"", "é")]);
        assert_eq!(policy.size(), policy.to_value().to_json().len());
        assert_eq!(Policy::default().size(), Policy::default().to_value().to_json().len());
    }

    #[test]
    fn a_split_keeps_every_resource_and_every_limit() {
        let many =
            (0..400).map(|n| statement("Read", "x:Get", &format!("arn:aws:s3:::bucket-{n:04}/*")));
        let policies = Policy::split(many, limit::MANAGED_POLICY, 10).unwrap();
        assert!(policies.len() > 1);
        assert!(policies.iter().all(|policy| policy.size() <= limit::MANAGED_POLICY));
        let resources: usize =
            policies.iter().flat_map(|p| p.statements().map(|(_, s)| s.resources.len())).sum();
        assert_eq!(resources, 400);

        let many = (0..9_000)
            .map(|n| statement("Read", "x:Get", &format!("arn:aws:s3:::bucket-{n:04}/*")));
        let error = Policy::split(many, limit::MANAGED_POLICY, 10).unwrap_err();
        assert!(error.policies > 10, "{error}");
    }
}
