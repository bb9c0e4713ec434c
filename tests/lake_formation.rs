//! What holds of Lake Formation's grants in every lake: laws over compiled templates.
//!
//! The rules that refuse a spec have their cases in `tests/corpus/lake-formation/`; what the sandbox
//! accepts stands in `tests/conformance/lake-formation.json`. Here is what must be true of what is made:
//! nobody who is granted something gets a file of it, nothing is granted by exclusion, and one more
//! entry changes no grant that was there.

use std::collections::{BTreeMap, BTreeSet};

use lakewright::compile::{Compiled, compile, scripts_of, understand};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::syntax::parse;
use serde_json::Value;

const LAKE: &str = r#"lakewright: 1
lake: acme
organization:
  id: o-a1b2c3d4e5
  management_account: "999999999999"
  trusted: { "333333333333": partner }
environments:
  prod: { account: "111111111111", region: eu-west-1, execution_role: role/Cfn }
keys: { k: {} }
buckets: { raw: { encryption: keys.k }, out: {} }
lake_formation: { admins: [role/Cfn, role/Steward] }
databases:
  sales:
    location: raw/sales/
    mode: lakeformation
    lf_tags: { domain: sales }
    tables:
      orders:
        format: iceberg
        columns: { order_id: bigint, email: { type: string, lf_tags: { sensitivity: pii } }, country: string }
      clicks: { format: parquet, columns: { session: string, url: string }, partition: { day: string } }
      secrets: { format: parquet, lf_tags: { sensitivity: pii }, columns: { key: string } }
  shop:
    location: out/shop/
    mode: hybrid
    tables:
      baskets: { format: parquet, columns: { id: bigint, who: string } }
access:
  analysts: { who: [role/Analyst], read: [sales], hide: { sensitivity: pii } }
  partner: { who: [account/333333333333], read: [sales.orders], columns: [order_id], rows: country = 'DE' }
  unit: { who: [ou/ou-ab12-cdefghij], read: [sales.clicks] }
  stewards: { who: [role/Steward], admin: [sales.orders] }
  writers: { who: [role/Writer], write: [sales.orders, sales.clicks], delete: [sales.clicks] }
  tagged: { who: [role/Tagged, saml/Corp/group/Sales], lf_tags: { domain: sales } }
  old: { who: [role/Old], read: [shop] }
  new: { who: [role/New], read: [shop.baskets], columns: [id] }
"#;

fn compiled(text: &str) -> Compiled {
    let mut sources = Sources::default();
    let file = sources.add("lake.yaml", text);
    let (tree, found) = parse(&sources, file);
    assert!(!found.has_errors(), "{found:?}");
    let understood = understand(&tree, "prod");
    assert!(!understood.diagnostics.has_errors(), "{:?}", understood.diagnostics);
    let lake = understood.lake.expect("a valid spec is a lake");
    let scripts: Scripts =
        scripts_of(&lake).into_iter().map(|path| (path.to_owned(), "0".repeat(64))).collect();
    compile(&lake, &Library::built_in(), &scripts, &Placement::default())
}

/// Every resource by its logical id.
fn resources(text: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for stack in compiled(text).stacks {
        let template: Value = serde_json::from_str(&stack.body()).expect("a template is JSON");
        for (id, resource) in template["Resources"].as_object().expect("a template has resources") {
            all.insert(id.clone(), resource.clone());
        }
    }
    all
}

fn of<'a>(all: &'a BTreeMap<String, Value>, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let kind = format!("AWS::LakeFormation::{kind}");
    let fits = |resource: &&Value| resource["Type"] == *kind;
    all.iter().map(|(id, one)| (id.as_str(), one)).filter(|(_, one)| fits(one)).collect()
}

fn grants(all: &BTreeMap<String, Value>) -> BTreeMap<&str, &Value> {
    of(all, "PrincipalPermissions").into_iter().map(|(id, one)| (id, &one["Properties"])).collect()
}

fn who(grant: &Value) -> &str {
    grant["Principal"]["DataLakePrincipalIdentifier"].as_str().expect("a principal")
}

fn words(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The columns of a table that somebody is granted.
fn columns<'a>(all: &'a BTreeMap<String, Value>, whom: &str, table: &str) -> BTreeSet<&'a str> {
    let on = |grant: &&Value| {
        who(grant).ends_with(whom) && grant["Resource"]["TableWithColumns"]["Name"] == *table
    };
    let found = grants(all).into_values().filter(on);
    found.flat_map(|grant| words(&grant["Resource"]["TableWithColumns"]["ColumnNames"])).collect()
}

#[test]
fn what_is_hidden_is_a_list_of_what_is_shown() {
    let all = resources(LAKE);
    assert_eq!(columns(&all, "role/Analyst", "orders"), ["country", "order_id"].into());
    assert_eq!(columns(&all, "role/Analyst", "clicks"), ["day", "session", "url"].into());
    // a table of which nothing is left, and tables that nobody declared, are not granted at all
    let analysts = grants(&all).into_values().filter(|grant| who(grant).ends_with("role/Analyst"));
    for grant in analysts {
        assert!(grant["Resource"]["Table"].is_null(), "{grant}");
        assert_ne!(grant["Resource"]["TableWithColumns"]["Name"], "secrets");
    }
    // one more column that carries the tag is not shown either
    let more = LAKE.replace(
        "country: string }",
        "country: string, phone: { type: string, lf_tags: { sensitivity: pii } } }",
    );
    assert_ne!(more, LAKE);
    assert_eq!(
        columns(&resources(&more), "role/Analyst", "orders"),
        ["country", "order_id"].into()
    );
}

#[test]
fn nothing_is_granted_by_exclusion() {
    for (id, resource) in resources(LAKE) {
        let text = resource.to_string();
        assert!(!text.contains("ExcludedColumnNames"), "{id}");
        assert!(!text.contains("AllRowsWildcard"), "{id}");
        if resource["Type"] == "AWS::LakeFormation::PrincipalPermissions" {
            let permissions = words(&resource["Properties"]["Permissions"]);
            assert!(!permissions.contains("ALL") && !permissions.contains("DROP"), "{id}");
        }
    }
}

#[test]
fn the_grant_option_is_given_where_it_is_asked_for() {
    let all = resources(LAKE);
    for (id, grant) in grants(&all) {
        let delegates =
            ["333333333333", ":ou/", "role/Steward"].iter().any(|one| who(grant).contains(one));
        let passed_on = words(&grant["PermissionsWithGrantOption"]);
        match delegates {
            true => assert_eq!(passed_on, words(&grant["Permissions"]), "{id}"),
            false => assert!(passed_on.is_empty(), "{id}"),
        }
    }
}

/// Whoever Lake Formation grants something reads no object by a policy of ours.
#[test]
fn nobody_who_is_granted_something_gets_the_files() {
    let all = resources(LAKE);
    let mut through = 0;
    for (id, resource) in &all {
        if resource["Type"] != "AWS::IAM::ManagedPolicy" {
            continue;
        }
        let text = resource["Properties"]["PolicyDocument"].to_string();
        if text.contains("lakeformation:GetDataAccess") {
            through += 1;
            assert!(!text.contains("s3:") && !text.contains("kms:"), "{id}: {text}");
        }
    }
    assert_eq!(through, 5, "analysts, stewards, writers, tagged, new");
    // who was never restricted on a hybrid database goes on as before, and has no grant
    let old = all.iter().find(|(id, _)| id.starts_with("PolicyAccessOldRoleOld"));
    let text = old.expect("a policy for role/Old").1["Properties"]["PolicyDocument"].to_string();
    assert!(text.contains("s3:GetObject") && !text.contains("lakeformation:"), "{text}");
    assert!(grants(&all).values().all(|grant| !who(grant).ends_with("role/Old")));
    // bucket and key policies let no account in on its own
    let buckets = all.values().filter(|one| one["Type"] == "AWS::S3::BucketPolicy");
    assert!(buckets.into_iter().all(|one| !one.to_string().contains("333333333333")));
}

/// One more entry, another order, a shorter list: the grants that are still asked for stay as they are.
#[test]
fn grants_are_stable() {
    let before = resources(LAKE);
    let with = |more: &str| resources(&format!("{LAKE}{more}"));
    let changed = |after: &BTreeMap<String, Value>| -> Vec<String> {
        let kinds = ["PrincipalPermissions", "DataCellsFilter", "TagAssociation", "Resource"];
        let was = kinds.iter().flat_map(|kind| of(&before, kind));
        was.filter(|(id, one)| after.get(*id) != Some(*one)).map(|(id, _)| id.to_owned()).collect()
    };
    let none: Vec<String> = Vec::new();
    // somebody else, before and behind the others in the alphabet
    assert_eq!(changed(&with("  aaa: { who: [role/More], read: [sales.clicks] }\n")), none);
    assert_eq!(changed(&with("  zzz: { who: [role/More], read: [sales] }\n")), none);
    // the same people, asking once more for what they have
    let again = with("  again: { who: [role/Writer], write: [sales.clicks] }\n");
    assert_eq!(changed(&again), none);
    assert_eq!(grants(&again).len(), grants(&before).len());
    // an entry that is divided
    let divided = LAKE.replace(
        "write: [sales.orders, sales.clicks], delete: [sales.clicks] }",
        "write: [sales.orders] }\n  writers-too: { who: [role/Writer], delete: [sales.clicks], write: [sales.clicks] }",
    );
    assert_ne!(divided, LAKE);
    assert_eq!(changed(&resources(&divided)), none);
    // one grant for each principal and resource
    let mut seen = BTreeSet::new();
    for (id, grant) in grants(&before) {
        assert!(seen.insert((who(grant).to_owned(), grant["Resource"].to_string())), "{id} twice");
    }
}

/// A filter that says something else is another one, with a grant of its own: a grant goes with its
/// filter. Spaces say nothing.
#[test]
fn a_changed_filter_is_another_filter() {
    let before = resources(LAKE);
    let ids = |all: &BTreeMap<String, Value>| -> BTreeSet<String> {
        of(all, "DataCellsFilter").keys().map(|id| (*id).to_owned()).collect()
    };
    let same = resources(&LAKE.replace("country = 'DE'", "\"country  =   'DE'\""));
    assert_eq!(ids(&before), ids(&same));
    let other = resources(&LAKE.replace("country = 'DE'", "country = 'FR'"));
    assert!(ids(&before).is_disjoint(&ids(&other)));
    let filter = of(&other, "DataCellsFilter").into_values().next().expect("a filter");
    let name = &filter["Properties"]["Name"];
    let granted = grants(&other);
    let on = granted.values().find(|grant| grant["Resource"]["DataCellsFilter"]["Name"] == *name);
    assert!(on.is_some_and(|grant| words(&grant["Permissions"]) == ["SELECT"].into()));
}

#[test]
fn administrators_are_added_and_stay() {
    let all = resources(LAKE);
    let settings = of(&all, "DataLakeSettings");
    let (_, settings) = settings.into_iter().next().expect("settings");
    assert_eq!(settings["Properties"]["MutationType"], "APPEND");
    assert_eq!(settings["DeletionPolicy"], "RetainExceptOnCreate");
    for key in ["CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"] {
        assert!(settings["Properties"][key].is_null(), "CloudFormation cannot clear {key}");
    }
    let defaults =
        |id: &str| all[id]["Properties"]["DatabaseInput"]["CreateTableDefaultPermissions"].clone();
    assert_eq!(defaults("DatabaseSales"), serde_json::json!([]));
    assert!(defaults("DatabaseShop").is_null(), "hybrid leaves its tables to IAM");
}

/// The registered place is that of the database and its role can be taken by Lake Formation alone.
#[test]
fn places_are_registered_with_a_role_of_ours() {
    let all = resources(LAKE);
    let places: BTreeMap<String, bool> = of(&all, "Resource")
        .values()
        .map(|one| {
            let properties = &one["Properties"];
            assert_eq!(properties["UseServiceLinkedRole"], false);
            let role = properties["RoleArn"]["Fn::GetAtt"][0].as_str().expect("a role of ours");
            let trust = &all[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"];
            let trust = trust.as_array().expect("statements");
            assert_eq!(trust.len(), 1);
            assert_eq!(trust[0]["Principal"]["Service"], "lakeformation.amazonaws.com");
            assert_eq!(trust[0]["Condition"]["StringEquals"]["aws:SourceAccount"], "111111111111");
            let arn = properties["ResourceArn"].as_str().expect("an ARN").to_owned();
            (arn, properties["HybridAccessEnabled"] == true)
        })
        .collect();
    let expected = [
        ("arn:aws:s3:::acme-prod-out/shop".to_owned(), true),
        ("arn:aws:s3:::acme-prod-raw/sales".to_owned(), false),
    ];
    assert_eq!(places, expected.into());
}

#[test]
fn identity_center_sets_the_context_of_the_role() {
    let trust = |text: &str| {
        let all = resources(text);
        all["RoleLakeFormationSales"]["Properties"]["AssumeRolePolicyDocument"].to_string()
    };
    assert!(!trust(LAKE).contains("sts:SetContext"));
    let centred = "  people: { who: [identity-center/group/93a4b8c2-0011-7022-8033-445566778899], read: [sales.clicks] }\n";
    assert!(trust(&format!("{LAKE}{centred}")).contains("sts:SetContext"));
    // only that of the database in which Identity Center is given something, by name or by LF-tags
    let people = "identity-center/group/93a4b8c2-0011-7022-8033-445566778899";
    for (given, sales, shop) in [
        ("read: [sales.clicks]", true, false),
        ("read: [shop.baskets]", false, true),
        ("lf_tags: { domain: sales }", true, false),
    ] {
        let all = resources(&format!("{LAKE}  people: {{ who: [{people}], {given} }}\n"));
        let centred = |role: &str| {
            let trust = &all[role]["Properties"]["AssumeRolePolicyDocument"];
            trust.to_string().contains("sts:SetContext")
        };
        let found = (centred("RoleLakeFormationSales"), centred("RoleLakeFormationShop"));
        assert_eq!(found, (sales, shop), "{given}");
    }
}

#[test]
fn the_other_side_is_handed_over() {
    let all = compiled(LAKE).handovers;
    let names: Vec<String> = all
        .iter()
        .map(|one| format!("{} {} {}", one.access, one.to, one.what.unwrap_or("-")))
        .collect();
    assert_eq!(
        names,
        [
            "new role/New opt-ins",
            "partner account/333333333333 lake-formation",
            "partner account/333333333333 resource-links",
            "tagged saml/Corp/group/Sales lake-formation",
            "unit ou/ou-ab12-cdefghij lake-formation",
            "unit ou/ou-ab12-cdefghij resource-links",
        ]
    );
    let links = all[2].policy.to_json();
    assert!(links.contains(r#""TargetTable":{"CatalogId":"111111111111","DatabaseName":"acme_prod_sales","Name":"orders","Region":"eu-west-1"}"#), "{links}");
    assert!(links.contains("AWS Resource Access Manager"), "{links}");
    let opt_ins = all[0].policy.to_json();
    assert!(opt_ins.contains(r#""Name":"baskets""#) && opt_ins.contains("role/New"), "{opt_ins}");
}
