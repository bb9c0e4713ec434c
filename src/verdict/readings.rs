//! The readings of AWS's pages where these leave two open: each is asked, and what they differ in is not known.

use std::collections::BTreeSet;

use super::compare::Layer;
use super::direction::{self, Way};
use super::evaluate::Reach;
use super::limits::Budget;
use super::read::Document;
use super::text::Piece;
use super::{Kind, Options, Reason, ReasonKind};

/// Whether the two readings of resources can differ: a wildcard before a later colon among the first five.
fn readings_differ(layers: &[Layer<'_>]) -> bool {
    let documents = layers.iter().copied().flatten();
    let statements = documents.flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|s| s.resources.iter().flat_map(|listed| &listed.items));
    patterns.into_iter().any(|pattern| {
        let mut wild = false;
        let mut colons = 0;
        for piece in &pattern.pieces {
            match piece {
                Piece::Star | Piece::One => wild |= colons < 5,
                Piece::Text(text) => {
                    for _ in text.matches(':') {
                        if wild && colons < 5 {
                            return true;
                        }
                        colons += 1;
                    }
                }
                Piece::Variable { .. } | Piece::Token { .. } => {}
            }
        }
        false
    })
}

pub fn both_readings(
    old: &[Layer<'_>],
    new: &[Layer<'_>],
    kind: Kind,
    options: &Options,
    budget: &mut Budget,
) -> Way {
    // nothing is allowed without an Allow in every layer
    if new.iter().any(|layer| !layer.iter().any(Document::allows)) {
        return Way::Nothing(BTreeSet::new());
    }
    let whole = Way::of(old, new, kind, options, Reach::Whole, budget);
    if !readings_differ(old) && !readings_differ(new) {
        return whole;
    }
    if let Way::Request(request, _) = &whole
        && direction::replays(old, new, request, Reach::Part)
    {
        return whole;
    }
    let part = Way::of(old, new, kind, options, Reach::Part, budget);
    let crossing = || {
        let text = "whether `*` in `Resource` reaches over a colon decides this, and AWS's pages \
                    allow both readings";
        Way::Unknown(Reason { kind: ReasonKind::ColonCrossing, text: text.to_owned() })
    };
    match (whole, part) {
        (Way::Nothing(mut names), Way::Nothing(more)) => {
            names.extend(more);
            Way::Nothing(names)
        }
        (unknown @ Way::Unknown(_), _) | (_, unknown @ Way::Unknown(_)) => unknown,
        (Way::Request(..), Way::Request(request, statement)) => Way::Request(request, statement),
        _ => crossing(),
    }
}
