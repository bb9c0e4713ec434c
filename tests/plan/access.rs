//! Where a grant of a plan comes from: the flow that asked for it, not the policy that carries it.

use lakewright::lower::Scripts;
use lakewright::names::{AccountId, Region};
use lakewright::plan::{self, Context, Deployed};
use lakewright::policy::Library;
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::{compile, syntax};

#[test]
fn a_grants_line_is_that_of_its_flow() {
    let spec = r#"lakewright: 1
lake: acme
organization: { id: o-a1b2c3d4e5, trusted: { "333333333333": partner } }
environments:
  dev: { account: "111111111111", region: eu-west-1 }
keys: { raw: {} }
buckets: { raw: { encryption: keys.raw } }
sources:
  clicks: { from: kinesis, into: raw/clicks/, encryption: keys.raw }
access:
  partner:
    who: [account/333333333333]
    read: [raw/ledger/]
  finance:
    who: ["111111111111:role/Auditor"]
    read: [raw/ledger/]
  shop:
    who: [role/Shop]
    write: [clicks]
  office:
    who: [roles.office]
    read: [raw/prices/]
    when: { principal_tags: { team: planning } }
roles:
  office:
    session_tags: [team]
    external_id: generated
    assumed_by: [saml/Corp, role/OnCall, account/333333333333]
"#;
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", spec);
    let (tree, _) = syntax::parse(&sources, file);
    let understood = compile::understand(&tree, "dev");
    let lake = understood.lake.expect("the spec is valid");
    let library = Library::built_in();
    let made = compile::compile(&lake, &library, &Scripts::new(), &Placement::default());
    assert!(!made.diagnostics.has_errors());
    let account = AccountId::new("111111111111").expect("an account");
    let region = Region::new("eu-west-1").expect("a region");
    let mut context = Context::new("acme-dev", "dev", account, region);
    context.places = Some((&understood.origins, &sources));
    let plan = plan::plan(made.stacks, &Deployed::default(), &context);

    let mut shown: Vec<String> = plan
        .access
        .iter()
        .map(|grant| {
            let line = grant.cause.line.map_or("-".to_owned(), |line| line.to_string());
            format!("{}: {} {} | {}:{line}", grant.who, grant.verb, grant.place, grant.cause.path)
        })
        .collect();
    shown.sort();
    let expected = [
        "account 333333333333: decrypt with keys.raw | access.partner.read[0]:13",
        "account 333333333333: read raw/ledger/ | access.partner.read[0]:13",
        "role/Auditor: decrypt with keys.raw | access.finance.who[0]:15",
        "role/Auditor: read raw/ledger/ | access.finance.who[0]:15",
        "role/Shop: encrypt with keys.raw | access.shop.who[0]:18",
        "role/Shop: write clicks | access.shop.who[0]:18",
        "roles.office: read raw/prices/ | access.office.who[0]:21",
        "saml/Corp: take roles.office | roles.office.assumed_by[0]:28",
        "role/OnCall: take roles.office | roles.office.assumed_by[1]:28",
        "account 333333333333: take roles.office | roles.office.assumed_by[2]:28",
        "the role of clicks: decrypt with keys.raw | sources.clicks.into:9",
        "the role of clicks: encrypt with keys.raw | sources.clicks.into:9",
    ];
    for line in expected {
        assert!(shown.iter().any(|own| own == line), "{line} is missing in {shown:#?}");
    }
    let carried = plan.access.iter().filter(|grant| !grant.who.starts_with("role/KeyAdmin"));
    for grant in carried {
        let carrier = ["keys.", "buckets."].iter().any(|kind| grant.cause.path.starts_with(kind));
        assert!(!carrier, "{grant:?} is said to come from what carries it");
    }
}
