//! Conditions of a grant, put on the statements that it is made of.
//!
//! In: the sets of conditions of an entry of `access`, and the statements that a document became. Out: for
//! each set a statement, narrowed by the documents `when-*` that say so of that document (`narrows`); a
//! statement that none of them narrows stays as it is. INVARIANT: a narrowed statement allows nothing that
//! the plain one does not.

use super::Lowering;
use crate::diagnostic::{self, Diagnostic};
use crate::document::Map;
use crate::policy::{Argument, Statement};
use crate::spec::conditions::Conditions;

/// A condition, filled: the documents that it narrows, operator → key → values.
#[derive(Debug, Clone)]
pub(super) struct Narrowing {
    pub document: &'static str,
    pub narrows: Vec<String>,
    pub condition: Map,
}

impl Lowering<'_> {
    /// The sets of conditions of a grant, each as what it adds to statements.
    pub(super) fn narrowings(&self, sets: &[Conditions]) -> Vec<Vec<Narrowing>> {
        sets.iter().map(|set| self.narrowing(set)).collect()
    }

    fn narrowing(&self, set: &Conditions) -> Vec<Narrowing> {
        let mut asked: Vec<(&'static str, Vec<(&str, Argument)>)> = Vec::new();
        let list = |texts: Vec<String>| Argument::from(texts);
        if !set.vpc_endpoint.is_empty() {
            let ids = set.vpc_endpoint.iter().map(|at| at.value.0.clone()).collect();
            asked.push(("when-vpc-endpoint", vec![("endpoints", list(ids))]));
        }
        if !set.vpc.is_empty() {
            let ids = set.vpc.iter().map(|at| at.value.0.clone()).collect();
            asked.push(("when-vpc", vec![("vpcs", list(ids))]));
        }
        if !set.source_address.is_empty() {
            // Through an endpoint there is no public address, and without one no address of a VPC.
            let document = match set.vpc.is_empty() && set.vpc_endpoint.is_empty() {
                true => "when-source-address",
                false => "when-vpc-address",
            };
            let networks = set.source_address.iter().map(|at| at.value.to_string()).collect();
            asked.push((document, vec![("networks", list(networks))]));
        }
        for (document, tags) in
            [("when-object-tag", &set.object_tags), ("when-principal-tag", &set.principal_tags)]
        {
            for (tag, values) in &tags.0.0 {
                let values = values.iter().map(|at| at.value.clone()).collect();
                let tag = Argument::from(&tag.value);
                asked.push((document, vec![("tag", tag), ("values", list(values))]));
            }
        }
        if set.mfa.as_ref().is_some_and(|at| at.value) {
            asked.push(("when-mfa", Vec::new()));
        }
        let filled = asked.into_iter().map(|(document, arguments)| {
            let common: [(&str, Argument); 0] = [];
            let condition = self.library.at(common).condition(document, &arguments);
            let condition = condition.unwrap_or_else(|error| {
                panic!("invariant: `{document}` takes what a spec can say: {error}")
            });
            let known = self.library.get(document).expect("invariant: it was just filled");
            Narrowing { document, narrows: known.narrows.clone(), condition }
        });
        filled.collect()
    }

    /// The statements of a document under the conditions of the grant that is being lowered.
    pub(super) fn narrowed(&self, document: &str, statements: Vec<Statement>) -> Vec<Statement> {
        if self.when.is_empty() {
            return statements;
        }
        let mut all: Vec<Statement> = Vec::new();
        for statement in statements {
            for set in &self.when {
                let mut one = statement.clone();
                for narrowing in set.iter().filter(|it| it.narrows.iter().any(|n| n == document)) {
                    if let Err(key) = one.narrow(&narrowing.condition) {
                        self.clashes.borrow_mut().push((
                            document.to_owned(),
                            narrowing.document,
                            key,
                        ));
                    }
                }
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        all
    }

    /// A statement can test a key once: a document of the user's own and a condition may both want it.
    pub(super) fn told_of_clashes(&mut self, span: crate::source::Span, path: &str) {
        for (document, condition, key) in self.clashes.take() {
            let headline =
                format!("policy document `{document}` asks for `{key}` itself, and so does `when`");
            self.diagnostics.push(
                Diagnostic::error(diagnostic::LW0441, span, headline)
                    .at(format!("{path}.when"))
                    .note(format!("`{condition}` would have to say both in one place"))
                    .help("take the condition out of the one or the other"),
            );
        }
    }
}
