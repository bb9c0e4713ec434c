//! The pages of the codes of planning tell the truth: what they call wrong gives the code, what they
//! call right does not.

use lakewright::compile::{compile, understand};
use lakewright::diagnostic::Code;
use lakewright::names::{AccountId, Region};
use lakewright::plan::{self, Consent, Context, Deployed, Plan, file};
use lakewright::policy::Library;
use lakewright::source::Sources;
use lakewright::stacks::{Placement, Stack};

use super::cases::{all, planned};

/// The text below a heading, up to the next one.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    Some(rest.split_once("\n## ").map_or(rest, |(section, _)| section))
}

/// The first fenced block of a kind.
fn block<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("```{kind}\n"))?;
    rest.split_once("```").map(|(block, _)| block)
}

fn stacks(spec: &str, placement: &Placement) -> Vec<Stack> {
    let mut sources = Sources::default();
    let id = sources.add("lake.yaml", spec);
    let (tree, found) = lakewright::syntax::parse(&sources, id);
    assert!(!found.has_errors(), "{found:?}");
    let understood = understand(&tree, "dev");
    assert!(!understood.diagnostics.has_errors(), "{spec}\n{:?}", understood.diagnostics);
    let lake = understood.lake.expect("a lake without errors");
    let compiled = compile(&lake, &Library::built_in(), &Default::default(), placement);
    assert!(!compiled.diagnostics.has_errors(), "{:?}", compiled.diagnostics);
    compiled.stacks
}

fn plan_of(deployed: &str, spec: &str, words: &str) -> Plan {
    let templates = stacks(deployed, &Placement::default());
    let deployed =
        Deployed::from_templates(templates.into_iter().map(|stack| (stack.key, stack.template)));
    let account = AccountId::new("111111111111").unwrap();
    let mut context = Context::new("acme-dev", "dev", account, Region::new("eu-west-1").unwrap());
    let mut words = words.split([' ', '`', '\n', '.']);
    while let Some(word) = words.next() {
        if word == "--allow-destroy" {
            context.consents.push(Consent::Destroy(words.next().unwrap().to_owned()));
        }
    }
    plan::plan(stacks(spec, &deployed.placement()), &deployed, &context)
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.refusals.iter().map(|refusal| refusal.code.as_str()).collect()
}

#[test]
fn pages_of_the_planning_blocks_tell_the_truth() {
    let raised: Vec<String> = all()
        .iter()
        .flat_map(|(_, case)| planned(case).refusals)
        .map(|refusal| refusal.code)
        .collect();
    let files = [
        file::PlanFileError::NotAPlan(String::new()),
        file::PlanFileError::Version(2),
        file::PlanFileError::Edited,
    ];
    let mut run = 0;
    let mut pages = 0;
    for (code, page) in Code::all() {
        let name = code.as_str();
        if !("LW0601"..="LW0620").contains(&name) && !("LW0901"..="LW0903").contains(&name) {
            continue;
        }
        pages += 1;
        assert!(page.starts_with(&format!("# {name}: ")), "{name}");
        let known = raised.iter().any(|one| one == name)
            || files.iter().any(|error| error.code().as_str() == name);
        assert!(known, "{name} is raised by no case");
        let wrong = section(page, "Wrong").unwrap_or_else(|| panic!("{name}: nothing wrong"));
        let right = section(page, "Right").unwrap_or_else(|| panic!("{name}: nothing right"));
        if let Some(deployed) = section(page, "Deployed") {
            let deployed = block(deployed, "yaml").unwrap();
            let plan = plan_of(deployed, block(wrong, "yaml").unwrap(), wrong);
            assert!(codes(&plan).contains(&name), "{name}: wrong gives {:?}", codes(&plan));
            let plan = plan_of(deployed, block(right, "yaml").unwrap(), right);
            assert!(plan.refusals.is_empty(), "{name}: right gives {:?}", plan.refusals);
            run += 1;
        } else {
            let shown = block(wrong, "console").unwrap();
            assert!(shown.contains(&format!("error[{name}]: ")), "{name} shows its error");
        }
    }
    assert!(pages >= 15 && run >= 5, "{pages} pages, {run} with specs");
}
