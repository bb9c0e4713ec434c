//! What several environments found, said once.

use super::Diagnostics;
use crate::diagnostic::Diagnostic;

/// Puts the findings of each environment together. What all of them found is said once and names no
/// environment; what only some found names those. The order is that of first appearance.
pub fn combine(each: Vec<(String, Diagnostics)>) -> Diagnostics {
    let count = each.len();
    let mut merged: Vec<(Diagnostic, Vec<String>)> = Vec::new();
    let mut places: std::collections::HashMap<_, usize> = std::collections::HashMap::new();
    for (environment, found) in each {
        for diagnostic in &found {
            let place = diagnostic.primary.as_ref().map(|label| label.span);
            let key = (diagnostic.code, diagnostic.headline.clone(), place);
            let at = *places.entry(key).or_insert_with(|| {
                merged.push((diagnostic.clone(), Vec::new()));
                merged.len() - 1
            });
            let names = &mut merged[at].1;
            if names.last() != Some(&environment) {
                names.push(environment.clone());
            }
        }
    }
    let mut combined = Diagnostics::default();
    for (mut diagnostic, names) in merged {
        if names.len() < count {
            diagnostic.environment = Some(names.join(", "));
        }
        combined.push(diagnostic);
    }
    combined
}
