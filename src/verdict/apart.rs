//! What of documents can have to do with a question, seen without a search.
//!
//! In: a statement that is the question (one action, one resource, one who asks), and documents. Out: the statements of
//! them that may hold of a request that the question holds of. INVARIANT: a statement that is left out holds of no such
//! request, by the axioms of `axioms`; so it neither allows nor denies one, and every answer is the same without it. One
//! that is kept may still have nothing to do with it. Pure. Read next: [`super::effective::possible`], which is asked.

use super::operator::Test;
use super::principal::Name;
use super::read::{Condition, Document, Listed, Statement};
use super::text::{Pattern, Piece};

/// The documents with the statements only that may hold of what `asked` holds of.
pub fn concerning(documents: &[Document], asked: &Statement) -> Vec<Document> {
    let question = Question::of(asked);
    kept(documents, |statement| question.concerns(statement))
}

/// The documents with the statements only that may hold of a request of somebody with this name.
pub fn naming(documents: &[Document], who: &Name) -> Vec<Document> {
    let question = Question { who: Some(who), arn: arn(who), action: None, resource: None };
    kept(documents, |statement| question.concerns(statement))
}

fn kept(documents: &[Document], keeps: impl Fn(&Statement) -> bool) -> Vec<Document> {
    let cut = |document: &Document| Document {
        statements: document.statements.iter().filter(|one| keeps(one)).cloned().collect(),
    };
    documents.iter().map(cut).filter(|document| !document.statements.is_empty()).collect()
}

/// A question, as statements are held against it.
struct Question<'q> {
    who: Option<&'q Name>,
    /// The ARN of a role or user, as `aws:PrincipalArn` holds it.
    arn: Option<String>,
    /// The one action, if it is one.
    action: Option<&'q str>,
    resource: Option<Head<'q>>,
}

/// How the texts of a pattern begin, up to its first wildcard, variable or token.
#[derive(Clone, Copy)]
struct Head<'p> {
    text: &'p str,
    /// Whether that is all of it.
    whole: bool,
}

impl<'p> Head<'p> {
    fn of(pattern: &'p Pattern) -> Self {
        match pattern.pieces.as_slice() {
            [] => Head { text: "", whole: true },
            [Piece::Text(text), rest @ ..] => Head { text, whole: rest.is_empty() },
            _ => Head { text: "", whole: false },
        }
    }

    /// Whether no text can begin in both ways.
    fn is_apart(self, other: Head<'_>) -> bool {
        let (own, theirs) = (self.text.as_bytes(), other.text.as_bytes());
        let common = own.len().min(theirs.len());
        own[..common] != theirs[..common]
            || (self.whole && own.len() < theirs.len())
            || (other.whole && theirs.len() < own.len())
    }
}

impl<'q> Question<'q> {
    fn of(asked: &'q Statement) -> Self {
        fn only<T>(listed: Option<&Listed<T>>) -> Option<&T> {
            match listed {
                Some(Listed { not: false, items }) if items.len() == 1 => items.first(),
                _ => None,
            }
        }
        let who = only(asked.principals.as_ref());
        let action = only(Some(&asked.actions)).map(|pattern| pattern.pieces.as_slice());
        Question {
            who,
            arn: who.and_then(arn),
            action: match action {
                Some([Piece::Text(text)]) if text.is_ascii() => Some(text),
                _ => None,
            },
            resource: only(asked.resources.as_ref()).map(Head::of),
        }
    }

    fn concerns(&self, statement: &Statement) -> bool {
        self.acts(statement)
            && self.meets(statement)
            && self.names(statement)
            && !statement.conditions.iter().any(|condition| self.is_of_another(condition))
    }

    fn acts(&self, statement: &Statement) -> bool {
        let Some(action) = self.action else { return true };
        statement.actions.not
            || statement.actions.items.iter().any(|pattern| may_take(pattern, action))
    }

    fn meets(&self, statement: &Statement) -> bool {
        let (Some(asked), Some(listed)) = (self.resource, &statement.resources) else {
            return true;
        };
        listed.not || listed.items.iter().any(|pattern| !Head::of(pattern).is_apart(asked))
    }

    /// Whether a name of the statement may be one that the asker answers to. What stands in a name for a value that
    /// CloudFormation fills in may be any.
    fn names(&self, statement: &Statement) -> bool {
        let (Some(who), Some(listed)) = (self.who, &statement.principals) else { return true };
        listed.not || listed.items.iter().any(|name| may_answer(who, name))
    }

    /// Whether a condition asks for the ARN of somebody else: a signed request holds that of whoever signed it, and one
    /// without it meets no such condition either.
    fn is_of_another(&self, condition: &Condition) -> bool {
        let Some(arn) = &self.arn else { return false };
        let operator = &condition.operator;
        let by_text = matches!(
            operator.test,
            Test::Equals | Test::Like | Test::IgnoreCase | Test::Arn | Test::Binary
        );
        condition.key == "aws:principalarn"
            && by_text
            && !operator.negated
            && !operator.of_missing()
            && operator.several.is_none()
            && !condition.values.iter().any(|pattern| may_take(pattern, arn))
    }
}

/// What `aws:PrincipalArn` holds of a role or user; `None` where that is not known to the letter.
fn arn(who: &Name) -> Option<String> {
    let arn = match who {
        Name::Role { partition, account, path } => {
            format!("arn:{partition}:iam::{account}:role/{path}")
        }
        Name::User { partition, account, path } => {
            format!("arn:{partition}:iam::{account}:user/{path}")
        }
        _ => return None,
    };
    Some(arn).filter(|arn| !arn.contains("${"))
}

/// Whether a grant or a denial to a name may be one to `who`.
fn may_answer(who: &Name, name: &Name) -> bool {
    let open = |text: &str| text.contains("${");
    let (Name::Role { account: own, path, .. } | Name::User { account: own, path, .. }) = who
    else {
        return match (who, name) {
            (Name::Other { kind, .. }, Name::Other { kind: other, .. }) => kind == other,
            (Name::Other { kind, .. }, named) => {
                kind != "Service" || matches!(named, Name::Everyone)
            }
            _ => true,
        };
    };
    match name {
        Name::Everyone => true,
        Name::Account { account, .. } | Name::Within { account, .. } => {
            account == own || open(account) || open(own)
        }
        Name::Role { account, path: other, .. } | Name::User { account, path: other, .. } => {
            name == who || [account, other, own, path].into_iter().any(|text| open(text))
        }
        Name::Session { account, role, .. } => {
            let last = path.rsplit('/').next().unwrap_or(path);
            (account == own && role == last)
                || [account, role, own, path].into_iter().any(|text| open(text))
        }
        Name::Other { kind, .. } => kind == "AWS" || kind == "*",
    }
}

/// Whether a pattern may take a text, whatever the case, and whatever its variables and tokens hold.
fn may_take(pattern: &Pattern, text: &str) -> bool {
    let mut rest = text.as_bytes();
    let mut free = false;
    let mut pieces = pattern.pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        let Piece::Text(own) = piece else {
            // one letter, or any number of them
            free = true;
            continue;
        };
        if !own.is_ascii() {
            return true;
        }
        let own = own.as_bytes();
        let Some(last) = rest.len().checked_sub(own.len()) else { return false };
        let fits = |at: &usize| rest[*at..*at + own.len()].eq_ignore_ascii_case(own);
        let at = match (free, pieces.peek()) {
            (false, _) => Some(0).filter(fits),
            (true, None) => Some(last).filter(fits),
            // behind the earliest place is all that is behind a later one
            (true, Some(_)) => (0..=last).find(fits),
        };
        let Some(at) = at else { return false };
        rest = &rest[at + own.len()..];
        free = false;
    }
    free || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;
    use crate::verdict::Kind;

    fn statement(text: &str) -> Statement {
        let value =
            Value::from_json(&format!(r#"{{"Version": "2012-10-17", "Statement": {text}}}"#))
                .expect("JSON");
        let read = Document::read(&value, Kind::Resource).expect("a policy");
        read.statements.into_iter().next().expect("a statement")
    }

    const ASKED: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/path/a"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::raw/a/*"}"#;

    fn concerns(principal: &str, action: &str, resource: &str, condition: &str) -> bool {
        let own = statement(&format!(
            r#"{{"Effect": "Deny", "Principal": {principal}, "Action": {action}, "Resource": {resource}, "Condition": {condition}}}"#
        ));
        Question::of(&statement(ASKED)).concerns(&own)
    }

    #[test]
    fn what_may_hold_of_the_question_is_kept() {
        for (principal, action, resource, condition) in [
            (r#""*""#, r#""s3:Get*""#, r#""*""#, "{}"),
            (r#"{"AWS": "111122223333"}"#, r#""S3:GETOBJECT""#, r#""arn:aws:s3:::raw/*""#, "{}"),
            (
                r#"{"AWS": "arn:aws:iam::${AWS::AccountId}:root"}"#,
                r#""*""#,
                r#""arn:aws:s3:::raw/a/b""#,
                "{}",
            ),
            (
                r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/a/bob"}"#,
                r#""s3:*Object""#,
                r#""*""#,
                "{}",
            ),
            (r#"{"AWS": "AROAEXAMPLE"}"#, r#""s3:Get?bject""#, r#""arn:aws:s3:::r*w/b""#, "{}"),
            (
                r#"{"AWS": ["arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/path/a"]}"#,
                r#""*""#,
                r#""*""#,
                "{}",
            ),
            (r#""*""#, r#""*""#, r#"{"Fn::GetAtt": ["Bucket", "Arn"]}"#, "{}"),
            (
                r#""*""#,
                r#""*""#,
                r#""*""#,
                r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/path/*"}}"#,
            ),
            (
                r#""*""#,
                r#""*""#,
                r#""*""#,
                r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/b"}}"#,
            ),
            (
                r#""*""#,
                r#""*""#,
                r#""*""#,
                r#"{"ArnLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*:role/b"}}"#,
            ),
            (
                r#""*""#,
                r#""*""#,
                r#""*""#,
                r#"{"StringEquals": {"aws:PrincipalArn": "${aws:userid}"}}"#,
            ),
        ] {
            assert!(
                concerns(principal, action, resource, condition),
                "{principal} {action} {resource} {condition}"
            );
        }
    }

    #[test]
    fn what_cannot_is_not() {
        for (principal, action, resource, condition) in [
            (r#"{"AWS": "444455556666"}"#, r#""*""#, r#""*""#, "{}"),
            (r#"{"AWS": "arn:aws:iam::111122223333:role/b"}"#, r#""*""#, r#""*""#, "{}"),
            (
                r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/b/bob"}"#,
                r#""*""#,
                r#""*""#,
                "{}",
            ),
            (r#"{"Service": "s3.amazonaws.com"}"#, r#""*""#, r#""*""#, "{}"),
            (r#""*""#, r#""s3:Put*""#, r#""*""#, "{}"),
            (r#""*""#, r#""s3:GetObjectAcl""#, r#""*""#, "{}"),
            (r#""*""#, r#""*""#, r#""arn:aws:s3:::raw""#, "{}"),
            (r#""*""#, r#""*""#, r#""arn:aws:s3:::raw/b*""#, "{}"),
            (
                r#""*""#,
                r#""*""#,
                r#""*""#,
                r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/b"}}"#,
            ),
        ] {
            assert!(
                !concerns(principal, action, resource, condition),
                "{principal} {action} {resource} {condition}"
            );
        }
    }

    #[test]
    fn a_pattern_takes_a_text_wherever_its_parts_can_stand() {
        let takes = |pattern: &str, text: &str| {
            let how = super::super::text::Reading { wildcards: true, variables: true };
            may_take(&Pattern::read(&Value::from(pattern.to_owned()), how).expect("a text"), text)
        };
        for (pattern, text) in
            [("*", ""), ("a*b", "aXbXb"), ("a?c", "abc"), ("*a*", "bab"), ("${x}b", "ab")]
        {
            assert!(takes(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*b", "ba"), ("b*", "ab"), ("a*c", "ab")] {
            assert!(!takes(pattern, text), "{pattern} {text}");
        }
    }
}
