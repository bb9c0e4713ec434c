//! How much of a place is reached: all of it, or something below it only.
//!
//! In: a [`Judge`], a subject that reaches something of a place, the objects of the place as `PREFIX*`. Out: an
//! [`Extent`]. The question is asked again for representatives: one object directly below the place whose name no
//! pattern of a policy spells out, and one for each pattern that takes something out of the place (a Deny's `Resource`,
//! an Allow's `NotResource`). Whoever reaches the first has an Allow for the whole place, so that only what is taken out
//! can be missing. INVARIANT: a place that is said to be reached wholly has no such representative that is not; where
//! one is not known, or cannot be named, so is the rest. Pure. Read next: [`super::judge`].

use std::collections::BTreeSet;

use super::case::{Case, Half, Layers};
use super::closure::Closure;
use super::judge::{Judge, Reached, Subject, Target};
use crate::document::Value;
use crate::verdict::Document;
use crate::verdict::read::Effect;
use crate::verdict::text::{Pattern, Piece};

/// How much of a place is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Every representative, or the one thing that the place is.
    All,
    /// Not all of it.
    Some {
        /// An object that is not reached, by its ARN; `None` where none is known.
        not: Option<String>,
        /// Why it is not known of the rest, where no object is known that is not reached.
        unknown: Option<String>,
    },
}

impl Extent {
    fn unknown(because: impl Into<String>) -> Extent {
        Extent::Some { not: None, unknown: Some(because.into()) }
    }
}

/// More representatives than this are not asked about: the rest is then not known.
const MOST: usize = 200;

/// How much of a target a subject reaches with any of some actions, directly or through others, where it reaches
/// something of it.
pub fn extent(
    judge: &Judge<'_>,
    closure: &Closure,
    who: &Subject,
    actions: &[String],
    target: &Target,
) -> Extent {
    let place = target.resource.as_str().filter(|_| target.kind == "object");
    let Some(place) = place.and_then(|place| place.strip_suffix('*')) else {
        return Extent::All;
    };
    if place.contains(['*', '?']) {
        return Extent::unknown("the place itself has wildcards before its end");
    }
    let ask = |object: &str| {
        let target = Target { resource: Value::from(object.to_owned()), ..target.clone() };
        let mut found = Reached::No { because: None };
        let mut through = Vec::new();
        for action in actions {
            let (reached, path) = closure.ask(judge, who, action, &target);
            if reached.is_yes() {
                through = path.into_iter().map(|way| way.to).collect();
            }
            found = found.or(|| reached);
            if found.is_yes() {
                break;
            }
        }
        (found, through)
    };
    let others = closure.reached.keys().cloned().map(Subject::Named);
    let actors: Vec<Subject> = [who.clone()].into_iter().chain(others).collect();
    let cases = |actors: &[Subject]| {
        let all = actors.iter().flat_map(|one| {
            actions.iter().map(|action| judge.case(one, action, target, None, false))
        });
        all.collect::<Vec<Case>>()
    };
    let every = cases(&actors);
    let patterns: Vec<Shape> = every.iter().flat_map(shapes).map(|(shape, _)| shape).collect();
    let Some(word) = fresh(place, &patterns) else {
        return Extent::unknown("patterns name every object that was thought of");
    };
    let first = format!("{place}{word}");
    let (found, through) = ask(&first);
    let mut unknown = None;
    if let Some(extent) = less(found, first, closure, &mut unknown) {
        return extent;
    }
    let moved = through.into_iter().map(Subject::Named);
    let concerned = cases(&[who.clone()].into_iter().chain(moved).collect::<Vec<_>>());
    let mut objects = BTreeSet::new();
    for (shape, _) in concerned.iter().flat_map(shapes).filter(|(_, takes_out)| *takes_out) {
        match shape.below(place, &word) {
            Some(more) => objects.extend(more),
            None => {
                let because = "what a policy takes out of it is filled in by CloudFormation";
                unknown = Some(because.to_owned());
            }
        }
    }
    if objects.len() > MOST {
        unknown = Some(format!("policies take more than {MOST} things out of it"));
    }
    for object in objects.into_iter().take(MOST) {
        let (found, _) = ask(&object);
        if let Some(extent) = less(found, object, closure, &mut unknown) {
            return extent;
        }
    }
    unknown.map_or(Extent::All, Extent::unknown)
}

/// What an answer for one representative settles: nothing, or that it is not reached.
fn less(
    found: Reached,
    object: String,
    closure: &Closure,
    unknown: &mut Option<String>,
) -> Option<Extent> {
    match (found, closure.unknown.first()) {
        (Reached::Yes { .. }, _) => None,
        (Reached::No { .. }, None) => Some(Extent::Some { not: Some(object), unknown: None }),
        (Reached::No { .. }, Some(because)) => {
            unknown.get_or_insert_with(|| because.clone());
            None
        }
        (Reached::Unknown { because }, _) => {
            unknown.get_or_insert(because);
            None
        }
    }
}

/// The patterns of resources on which the answer for the place rests, and whether each takes something out of it.
fn shapes(case: &Case) -> Vec<(Shape, bool)> {
    let Half::Layers(layers) = &case.half else { return Vec::new() };
    let Layers { theirs, cut, own, .. } = layers.as_ref();
    let own = own.iter().flat_map(|own| own.documents.iter().chain(own.boundary.iter().flatten()));
    let documents = theirs.iter().chain(cut.iter().flatten()).chain(own);
    let statements = documents.flat_map(|document: &Document| &document.statements);
    let listed = statements.filter_map(|one| Some((one.effect, one.resources.as_ref()?)));
    listed
        .flat_map(|(effect, listed)| {
            let takes_out = (effect == Effect::Deny) != listed.not;
            listed.items.iter().map(move |pattern| (Shape::of(pattern), takes_out))
        })
        .collect()
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Char(char),
    One,
    Star,
    /// A policy variable: some text of the request.
    Variable,
    /// A value that CloudFormation fills in.
    Token,
}

impl Atom {
    const fn is_long(self) -> bool {
        matches!(self, Atom::Star | Atom::Variable | Atom::Token)
    }
}

/// A pattern, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape(Vec<Atom>);

impl Shape {
    fn of(pattern: &Pattern) -> Shape {
        let mut atoms = Vec::new();
        for piece in &pattern.pieces {
            match piece {
                Piece::Text(text) => atoms.extend(text.chars().map(Atom::Char)),
                Piece::Star => atoms.push(Atom::Star),
                Piece::One => atoms.push(Atom::One),
                Piece::Variable { .. } => atoms.push(Atom::Variable),
                Piece::Token { .. } => atoms.push(Atom::Token),
            }
        }
        Shape(atoms)
    }

    /// Where in the pattern one can be after a text, from one of some places.
    fn after(&self, text: &str, from: usize, is_long: impl Fn(Atom) -> bool) -> BTreeSet<usize> {
        let widen = |places: BTreeSet<usize>| {
            let mut all = BTreeSet::new();
            for mut at in places {
                all.insert(at);
                while self.0.get(at).is_some_and(|atom| is_long(*atom)) {
                    at += 1;
                    all.insert(at);
                }
            }
            all
        };
        text.chars().fold(widen(BTreeSet::from([from])), |places, next| {
            let moved = places.into_iter().filter_map(|at| match *self.0.get(at)? {
                Atom::Char(own) => (own == next).then_some(at + 1),
                Atom::One => Some(at + 1),
                long => is_long(long).then_some(at),
            });
            widen(moved.collect())
        })
    }

    /// Where the names below a place begin in it. A token at the very beginning is the name of another resource.
    fn begins(&self, place: &str) -> BTreeSet<usize> {
        let mut found = self.after(place, 0, Atom::is_long);
        if self.0.first() == Some(&Atom::Token) {
            found.remove(&0);
            found.remove(&1);
        }
        found
    }

    /// Whether it takes in everything below the place.
    fn holds_all(&self, place: &str) -> bool {
        self.begins(place).into_iter().any(|at| {
            let rest = &self.0[at..];
            let ones = rest.iter().filter(|atom| **atom == Atom::One).count();
            let stars = rest.iter().filter(|atom| **atom == Atom::Star).count();
            stars > 0 && ones <= 1 && ones + stars == rest.len()
        })
    }

    /// Whether it takes in one name below the place, other than by taking in all of them. What is filled in is some
    /// other name.
    fn spells(&self, place: &str, word: &str) -> bool {
        !self.holds_all(place)
            && self
                .begins(place)
                .into_iter()
                .any(|at| self.after(word, at, |atom| atom == Atom::Star).contains(&self.0.len()))
    }

    /// The objects below the place that stand for it, with a word in the place of each `*`: once with all that the
    /// place leaves of the pattern, once with what follows its `*`. `None` where that is filled in by CloudFormation.
    fn below(&self, place: &str, word: &str) -> Option<Vec<String>> {
        if self.holds_all(place) {
            return Some(Vec::new());
        }
        let mut found = Vec::new();
        for at in self.begins(place) {
            let mut name = place.to_owned();
            for atom in &self.0[at..] {
                match atom {
                    Atom::Char(own) => name.push(*own),
                    Atom::One => name.push('x'),
                    Atom::Star | Atom::Variable => name += word,
                    Atom::Token => return None,
                }
            }
            // a bucket's ARN with nothing after it is no object
            if name != place || !place.ends_with('/') || place.matches('/').count() > 1 {
                found.push(name);
            }
        }
        Some(found)
    }
}

/// A name directly below a place that no pattern spells out.
fn fresh(place: &str, patterns: &[Shape]) -> Option<String> {
    let words = ["any-object", "some-object", "other-object"].map(str::to_owned);
    let letters = || ('a'..='z').chain('0'..='9').chain('A'..='Z');
    let longer = letters().map(|letter| format!("{letter}-object"));
    let short = letters().map(String::from);
    let mut all = words.into_iter().chain(longer).chain(short);
    let near: Vec<&Shape> = patterns.iter().filter(|one| !one.begins(place).is_empty()).collect();
    all.find(|word| near.iter().all(|one| !one.spells(place, word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::text::Reading;

    const PLACE: &str = "arn:aws:s3:::b/data/";

    fn shape(text: &'static str) -> Shape {
        let how = Reading { wildcards: true, variables: true };
        Shape::of(&Pattern::read(&Value::from(text), how).expect("a pattern"))
    }

    #[test]
    fn a_pattern_is_continued_below_the_place() {
        for (pattern, expected) in [
            ("arn:aws:s3:::b/data/x/*", &["x/w"][..]),
            ("arn:aws:s3:::b/*.csv", &[".csv", "w.csv"]),
            ("*/secret/*", &["/secret/w", "secret/w", "w/secret/w"]),
            ("arn:aws:s3:::b/data/x?", &["xx"]),
            ("arn:aws:s3:::b/data/${aws:username}/*", &["/w", "w/w"]),
            ("arn:aws:s3:::b/data/", &[""]),
            // all of it, and nothing of it
            ("arn:aws:s3:::b/*", &[]),
            ("arn:aws:s3:::b/data/?*", &[]),
            ("arn:aws:s3:::b/*/*", &[]),
            ("arn:aws:s3:::b/other/*", &[]),
            ("arn:aws:s3:::b", &[]),
        ] {
            let expected: BTreeSet<String> =
                expected.iter().map(|end| format!("{PLACE}{end}")).collect();
            let found = shape(pattern).below(PLACE, "w").expect("known");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{pattern}");
        }
        let bucket = shape("arn:aws:s3:::b/").below("arn:aws:s3:::b/", "w");
        assert_eq!(bucket, Some(Vec::new()), "a bucket with a slash is no object");
    }

    #[test]
    fn what_a_template_fills_in_below_the_place_is_not_known() {
        let token = |json: &str| {
            let how = Reading { wildcards: true, variables: true };
            let value = Value::from_json(json).expect("JSON");
            Shape::of(&Pattern::read(&value, how).expect("a pattern"))
        };
        let below = token(r#"{"Fn::Sub": "arn:aws:s3:::b/data/${Team}/*"}"#);
        assert_eq!(below.below(PLACE, "w"), None);
        let other = token(r#"{"Fn::Sub": "${Bucket.Arn}/other-place/*"}"#);
        assert_eq!(other.below("arn:aws:s3:::b/data/x", "w").map(|all| all.len()), Some(0));
    }

    #[test]
    fn the_fresh_name_is_spelled_by_no_pattern() {
        for (patterns, expected) in [
            (&["arn:aws:s3:::b/*"][..], Some("any-object")),
            (&["arn:aws:s3:::b/data/a*"], Some("some-object")),
            (&["arn:aws:s3:::b/data/a*", "arn:aws:s3:::*-object"], Some("b")),
            (&["arn:aws:s3:::b/data/??*"], Some("a")),
            (&["arn:aws:s3:::b/data/?"], Some("any-object")),
            (&["arn:aws:s3:::b/data/??*", "arn:aws:s3:::b/data/?"], None),
            (&["arn:aws:s3:::b/data/${aws:username}"], Some("any-object")),
        ] {
            let shapes: Vec<Shape> = patterns.iter().map(|one| shape(one)).collect();
            let found = fresh(PLACE, &shapes);
            assert_eq!(found.as_deref(), expected, "{patterns:?}");
        }
    }
}
