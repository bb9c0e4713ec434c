//! Requests for the templates of one environment: made from their statements, then bent.

use super::combine::Layers;
use super::support::simulator;
use super::support::template::{Folder, Kind, Origin, Policy};
use lakewright::catalogue::iam;
use lakewright::document::Value as Own;
use lakewright::verdict::{self, Document, Request, Requester};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// SplitMix64: small, seeded, the same everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// What one of the patterns takes.
    fn made_of<T: AsRef<str>>(&mut self, patterns: &[T]) -> String {
        let at = self.below(patterns.len());
        concrete(patterns[at].as_ref(), self)
    }

    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A request and what it was made with.
pub struct Asked {
    pub request: simulator::Request,
    /// Places in `Ground::policies` of the asker's own policies and of the resource's.
    identity: Vec<usize>,
    resource: Option<usize>,
    pub administrator: bool,
}

/// The policies of one environment, and the names that requests are made of.
pub struct Ground {
    pub name: String,
    folder: Folder,
    account: String,
    partition: String,
    organization: Option<String>,
    policies: Vec<Policy>,
    /// The same as our engine reads them, and what they grant to named askers alone.
    documents: Vec<(Document, Document)>,
    administrator: Document,
    /// Keys that policies compare as ARNs, in lower case.
    arn_keys: BTreeSet<String>,
    /// ARNs of roles and users, those of the lake first; services; strangers.
    principals: Vec<Option<String>>,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Key → values that policies mention, as they would stand in a request.
    values: BTreeMap<String, Vec<String>>,
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

fn statements(document: &Value) -> Vec<&Value> {
    list(&document["Statement"])
}

/// (operator, key, values) of a statement.
fn conditions(statement: &Value) -> Vec<(&str, &str, Vec<&str>)> {
    let operators = statement["Condition"].as_object();
    let mut all: Vec<(&str, &str, Vec<&str>)> = operators
        .into_iter()
        .flatten()
        .flat_map(|(operator, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, values)| (operator.as_str(), key.as_str(), texts(values)))
        })
        .collect();
    // what only says that a key is there comes first, so that others give it its value
    all.sort_by_key(|(operator, ..)| *operator != "Null");
    all
}

fn own(value: &Value) -> Own {
    Own::from_json(&value.to_string()).expect("invariant: JSON is JSON")
}

impl Ground {
    pub fn read(root: &Path) -> Ground {
        let folder = Folder::below(root, &Origin::default()).unwrap_or_else(|why| panic!("{why}"));
        // the account is the one of the lake's own names
        let text: String = walk(root);
        let account = most_common_account(&text).unwrap_or_else(|| folder.origin().account.clone());
        let region = region_of(root);
        let origin = Origin { account: account.clone(), region, ..Origin::default() };
        let folder = Folder::below(root, &origin).unwrap_or_else(|why| panic!("{why}"));
        let policies = folder.policies().unwrap_or_else(|why| panic!("{why}"));
        let organization = text.find("\"o-").map(|at| {
            text[at + 1..]
                .split(['"', '/'])
                .next()
                .expect("invariant: a split has a first")
                .to_owned()
        });
        let example = root.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default();
        let environment = root.file_name().unwrap_or_default();
        let mut ground = Ground {
            name: format!("{} {}", example.to_string_lossy(), environment.to_string_lossy()),
            folder,
            account,
            partition: "aws".to_owned(),
            organization,
            documents: policies
                .iter()
                .map(|it| {
                    (read(it.kind, &it.document), read(it.kind, &without_accounts(&it.document)))
                })
                .collect(),
            administrator: read(Kind::Identity, &everything()),
            arn_keys: BTreeSet::new(),
            policies,
            principals: Vec::new(),
            actions: Vec::new(),
            resources: Vec::new(),
            values: BTreeMap::new(),
        };
        ground.collect(&text);
        ground
    }

    fn collect(&mut self, text: &str) {
        let (partition, account) = (self.partition.clone(), self.account.clone());
        let iam = |account: &str, rest: &str| format!("arn:{partition}:iam::{account}:{rest}");
        let mut principals: BTreeSet<String> = BTreeSet::new();
        let mut services: BTreeSet<String> = BTreeSet::new();
        let mut actions: BTreeSet<String> = BTreeSet::new();
        let mut resources: BTreeSet<String> = BTreeSet::new();
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for policy in &self.policies {
            match policy.kind {
                Kind::Identity => {
                    principals.extend(policy.on.iter().map(|on| iam(&policy.account, on)))
                }
                Kind::Trust => {
                    principals.extend(policy.on.iter().cloned());
                    resources.extend(policy.on.iter().cloned());
                }
                Kind::Resource => resources.extend(policy.on.iter().cloned()),
            }
            for statement in statements(&policy.document) {
                actions.extend(
                    texts(&statement["Action"])
                        .into_iter()
                        .filter(|a| !a.contains('*'))
                        .map(str::to_owned),
                );
                services.extend(
                    texts(&statement["Principal"]["Service"]).into_iter().map(str::to_owned),
                );
                resources.extend(
                    texts(&statement["Resource"])
                        .into_iter()
                        .filter(|r| r.len() > 1)
                        .map(str::to_owned),
                );
                for (operator, key, given) in conditions(statement) {
                    if operator.contains("Arn") {
                        self.arn_keys.insert(key.to_lowercase());
                    }
                    if operator == "Null" {
                        continue;
                    }
                    if key == "aws:PrincipalArn" {
                        principals.extend(
                            given.iter().filter(|v| v.contains(":iam:")).map(|v| plain(v, "x")),
                        );
                    }
                    let one = |v: &&str| match operator.contains("IpAddress") {
                        true => host(v),
                        false => plain(v, "x"),
                    };
                    values.entry(key.to_owned()).or_default().extend(given.iter().map(one));
                }
            }
        }
        let neighbours: Vec<String> = actions
            .iter()
            .filter_map(|action| action.split_once(':'))
            .filter_map(|(service, _)| iam::service(service))
            .flat_map(|service| service.actions.iter().step_by(17).map(iam::Action::full_name))
            .collect();
        actions.extend(neighbours);
        for other in accounts(text).into_iter().chain(["999999999999".to_owned(), account.clone()])
        {
            principals.extend(
                ["role/Loader", "role/path/Stranger", "user/Ada", "root"]
                    .map(|rest| iam(&other, rest)),
            );
        }
        services.insert("delivery.logs.amazonaws.com".to_owned());
        self.principals = principals.into_iter().chain(services).map(Some).collect();
        self.principals.push(None);
        self.actions = actions.into_iter().collect();
        self.resources = resources.into_iter().collect();
        self.values =
            values.into_iter().map(|(key, set)| (key, set.into_iter().collect())).collect();
    }

    /// So many requests; those of each statement first, then of statements by chance.
    pub fn requests(&self, count: usize, rng: &mut Rng) -> Vec<Asked> {
        let places: Vec<(usize, usize)> =
            self.statements().into_iter().map(|(place, _)| place).collect();
        let mut requests = Vec::new();
        for at in 0..count.max(places.len() * 7) {
            let place =
                if at < places.len() * 7 { places[at % places.len()] } else { *rng.pick(&places) };
            let bend = at >= places.len() * 5 && rng.percent(55);
            requests.extend(self.of_statement(place, bend, rng));
        }
        requests
    }

    /// So many requests of each of these statements, as they are.
    pub fn of_statements(
        &self,
        places: &[(usize, usize)],
        each: usize,
        rng: &mut Rng,
    ) -> Vec<Asked> {
        let all = places.iter().flat_map(|place| std::iter::repeat_n(*place, each));
        all.filter_map(|place| self.of_statement(place, rng.percent(10), rng)).collect()
    }

    /// Every statement: its place and its name.
    pub fn statements(&self) -> Vec<((usize, usize), String)> {
        let mut all = Vec::new();
        for (at, policy) in self.policies.iter().enumerate() {
            for (index, statement) in statements(&policy.document).into_iter().enumerate() {
                let sid = statement["Sid"].as_str().unwrap_or("-");
                all.push(((at, index), format!("{} {sid}", policy.logical_id)));
            }
        }
        all
    }

    fn of_statement(&self, place: (usize, usize), bend: bool, rng: &mut Rng) -> Option<Asked> {
        let policy = &self.policies[place.0];
        let statement = statements(&policy.document)[place.1];
        let deny = statement["Effect"] == "Deny";
        let actions = texts(&statement["Action"]);
        let mut action = (*rng.pick(&actions)).to_owned();
        if action.contains('*') {
            let service = action.split(':').next().unwrap_or_default();
            let fits: Vec<&String> = self
                .actions
                .iter()
                .filter(|a| service == "*" || a.starts_with(&format!("{service}:")))
                .collect();
            action = (*rng.pick(&fits)).clone();
        }
        let given = texts(&statement["Resource"]);
        let mut resource = match policy.kind {
            Kind::Trust => policy.on.first()?.clone(),
            Kind::Resource if given == ["*"] => policy.on.first()?.clone(),
            _ => rng.made_of(&given),
        };
        if policy.kind == Kind::Identity && resource == "*" {
            resource = self.any_resource(&action);
        }
        let mut principal = self.asker(policy, statement, rng);
        if bend && rng.percent(35) {
            principal.clone_from(rng.pick(&self.principals));
        }
        if bend && rng.percent(25) {
            let types = types_of(&action);
            let alike: Vec<&String> =
                self.actions.iter().filter(|it| types_of(it) == types).collect();
            if let Some(other) = alike.get(rng.below(alike.len())) {
                action.clone_from(other);
            }
        }
        if bend && rng.percent(30) {
            let service = |arn: &str| arn.split(':').nth(2).map(str::to_owned);
            let object = |arn: &str| arn.contains('/');
            let alike: Vec<&String> = self
                .resources
                .iter()
                .filter(|it| service(it) == service(&resource) && object(it) == object(&resource))
                .collect();
            resource = match rng.below(2) {
                0 if !alike.is_empty() => rng.made_of(&alike),
                _ if resource.len() > 1 => resource + "x",
                _ => resource,
            };
        }
        let account = self.owner(&resource);
        let mut context = self.usual(&principal, &account, rng);
        for (operator, key, values) in conditions(statement) {
            self.satisfy(&mut context, operator, key, &values, rng);
        }
        let via = self
            .values
            .get("kms:ViaService")
            .filter(|_| action.starts_with("kms:") && rng.percent(50));
        if let Some(via) = via {
            context.entry("kms:ViaService").or_insert_with(|| json!(rng.pick(via)));
        }
        if bend {
            self.bend(&mut context, rng);
        }
        let administrator = match &principal {
            // a provider of identities has no policies of its own
            Some(who) if who.starts_with("arn:") && !who.contains("-provider/") => {
                let ours = self.own_policies(who).next().is_some();
                let far = !who.contains(&format!("::{account}:"));
                let delegates =
                    texts(&statement["Principal"]["AWS"]).iter().any(|it| it.ends_with(":root"));
                let chance = match (deny || delegates, ours, far) {
                    (true, ..) => 90,
                    (_, _, true) => 75,
                    (_, true, _) => 5,
                    _ => 30,
                };
                rng.percent(chance)
            }
            _ => false,
        };
        Some(self.asked(principal, action, resource, account, context, administrator))
    }

    fn asked(
        &self,
        principal: Option<String>,
        action: String,
        resource: String,
        account: String,
        context: Map<String, Value>,
        administrator: bool,
    ) -> Asked {
        let known = principal.as_ref().filter(|who| who.starts_with("arn:"));
        let identity: Vec<usize> =
            known.map_or_else(Vec::new, |who| self.own_policies(who).collect());
        let on = self.hanging(&action, &resource);
        let mut documents: Vec<Value> =
            identity.iter().map(|at| self.policies[*at].document.clone()).collect();
        if administrator {
            documents.push(everything());
        }
        let request = simulator::Request {
            principal,
            action,
            resource,
            account,
            context,
            identity: documents,
            resource_policy: on.map(|at| self.policies[at].document.clone()),
        };
        Asked { request, identity, resource: on, administrator }
    }

    /// A resource of the kind that an action on everything works on.
    fn any_resource(&self, action: &str) -> String {
        let found = iam::action(action).and_then(|it| Some((it, it.resources.first()?)));
        let Some((action, on)) = found else { return "*".to_owned() };
        let form = iam::resource_type(action.service, on.resource).map_or("*", |it| it.arn);
        let mut out = String::new();
        for (at, part) in form.split("${").enumerate() {
            let (name, rest) =
                if at == 0 { ("", part) } else { part.split_once('}').unwrap_or(("", part)) };
            out += match name {
                "" => "",
                "Partition" => &self.partition,
                "Region" => &self.folder.origin().region,
                "Account" => &self.account,
                _ => "x",
            };
            out += rest;
        }
        out
    }

    /// Somebody whom the statement is for.
    fn asker(&self, policy: &Policy, statement: &Value, rng: &mut Rng) -> Option<String> {
        if policy.kind == Kind::Identity {
            let on = rng.pick(&policy.on);
            return Some(format!("arn:{}:iam::{}:{on}", self.partition, policy.account));
        }
        let who = &statement["Principal"];
        let named = conditions(statement);
        let arns =
            named.iter().filter(|(op, key, _)| *key == "aws:PrincipalArn" && !op.contains("Not"));
        if let Some((_, _, arns)) = arns.into_iter().next() {
            return Some(rng.made_of(arns));
        }
        let service = |(_, key, values): &(&str, &str, Vec<&str>)| {
            *key == "aws:PrincipalIsAWSService" && values[..] == ["true"]
        };
        if named.iter().any(service) {
            let is_service =
                |it: &&Option<String>| it.as_ref().is_some_and(|it| !it.starts_with("arn:"));
            let services: Vec<&Option<String>> =
                self.principals.iter().filter(is_service).collect();
            return (*rng.pick(&services)).clone();
        }
        let services = texts(&who["Service"]);
        if !services.is_empty() {
            return Some((*rng.pick(&services)).to_owned());
        }
        let providers = federated(statement);
        if !providers.is_empty() {
            return Some((*rng.pick(&providers)).to_owned());
        }
        let given = texts(&who["AWS"]);
        if given.is_empty() || given.contains(&"*") || who == "*" {
            return rng.pick(&self.principals).clone();
        }
        let one = *rng.pick(&given);
        match one.strip_suffix(":root") {
            Some(head) => {
                let fits: Vec<&String> =
                    self.principals.iter().flatten().filter(|p| p.starts_with(head)).collect();
                Some((*rng.pick(&fits)).clone())
            }
            None => Some(one.to_owned()),
        }
    }

    /// The keys that AWS itself adds to a request, as `tests/support/access/context.rs` has them.
    fn usual(
        &self,
        principal: &Option<String>,
        account: &str,
        rng: &mut Rng,
    ) -> Map<String, Value> {
        let mut context = Map::new();
        let mut set = |key: &str, value: Value| _ = context.insert(key.to_owned(), value);
        set("aws:SecureTransport", json!("true"));
        set("aws:ResourceAccount", json!(account));
        match principal {
            None => {
                set("aws:PrincipalType", json!("Anonymous"));
                set("aws:PrincipalAccount", json!("anonymous"));
            }
            Some(arn) if arn.starts_with("arn:") => {
                let own = arn.split(':').nth(4).unwrap_or_default();
                set("aws:PrincipalArn", json!(arn));
                set("aws:PrincipalAccount", json!(own));
                set("aws:PrincipalIsAWSService", json!("false"));
                set("aws:ViaAWSService", json!("false"));
                let kind = match arn.rsplit(':').next().unwrap_or_default() {
                    rest if rest.starts_with("role/") => "AssumedRole",
                    rest if rest.starts_with("user/") => "User",
                    _ => "Account",
                };
                set("aws:PrincipalType", json!(kind));
                if let Some(organization) = self
                    .organization
                    .as_ref()
                    .filter(|_| rng.percent(if own == self.account { 80 } else { 50 }))
                {
                    set("aws:PrincipalOrgID", json!(organization));
                }
            }
            Some(service) => {
                set("aws:PrincipalIsAWSService", json!("true"));
                set("aws:PrincipalServiceName", json!(service));
                set("aws:SourceAccount", json!(self.account));
            }
        }
        context
    }

    /// Makes a condition hold, where that can be done by its own key.
    fn satisfy(
        &self,
        context: &mut Map<String, Value>,
        operator: &str,
        key: &str,
        values: &[&str],
        rng: &mut Rng,
    ) {
        // these follow from the asker and the resource
        if [
            "aws:PrincipalArn",
            "aws:PrincipalAccount",
            "aws:PrincipalIsAWSService",
            "aws:ResourceAccount",
        ]
        .contains(&key)
        {
            return;
        }
        let several = operator.contains(':');
        let bare = operator.rsplit(':').next().unwrap_or(operator).trim_end_matches("IfExists");
        let value = match bare {
            "Null" if values.contains(&"true") => {
                context.remove(key);
                return;
            }
            "Null" => context.get(key).and_then(Value::as_str).unwrap_or("x").to_owned(),
            _ if bare.contains("Not") && rng.percent(40) => {
                // a negated operator holds without the key, unless the statement wants it there
                if context.get(key).is_none_or(|it| it != "x") {
                    context.remove(key);
                    return;
                }
                concrete(values[0], rng) + "x"
            }
            _ if bare.contains("Not") => concrete(values[0], rng) + "x",
            // the network's own address is one of it
            "IpAddress" => host(&rng.made_of(values)),
            _ => rng.made_of(values),
        };
        let value =
            if several || key == "aws:PrincipalOrgPaths" { json!([value]) } else { json!(value) };
        context.insert(key.to_owned(), value);
    }

    /// A key away, another value, or a key more.
    fn bend(&self, context: &mut Map<String, Value>, rng: &mut Rng) {
        let own = |key: &str| key.starts_with("aws:Principal") || key == "aws:ResourceAccount";
        let keys: Vec<String> = context.keys().filter(|key| !own(key)).cloned().collect();
        for _ in 0..1 + rng.below(2) {
            let key = rng.pick(&keys).clone();
            match rng.below(4) {
                0 => _ = context.remove(&key),
                1 => _ = context.insert(key, json!("")),
                2 => {
                    let Some(text) = context.get(&key).and_then(Value::as_str) else { continue };
                    let other =
                        if text == "true" { "false".to_owned() } else { format!("{text}x") };
                    context.insert(key, json!(other));
                }
                _ => {
                    let all: Vec<(&String, &Vec<String>)> =
                        self.values.iter().filter(|(key, _)| !own(key)).collect();
                    if !all.is_empty() {
                        let (key, values) = *rng.pick(&all);
                        context.insert(key.clone(), json!(rng.pick(values)));
                    }
                }
            }
        }
    }

    fn own_policies(&self, arn: &str) -> impl Iterator<Item = usize> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let (account, rest) = (parts[4].to_owned(), parts[5]);
        let kind = rest.split('/').next().unwrap_or_default();
        let name = format!("{kind}/{}", rest.rsplit('/').next().unwrap_or_default());
        self.policies
            .iter()
            .enumerate()
            .filter(move |(_, p)| {
                p.kind == Kind::Identity && p.account == account && p.on.contains(&name)
            })
            .map(|(at, _)| at)
    }

    fn hanging(&self, action: &str, resource: &str) -> Option<usize> {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let [_, _, service, _, _, rest] = parts[..] else { return None };
        let bucket = rest.split('/').next().unwrap_or_default();
        let base =
            if service == "s3" { resource.replacen(rest, bucket, 1) } else { resource.to_owned() };
        let kind = if action.starts_with("sts:") { Kind::Trust } else { Kind::Resource };
        self.policies.iter().position(|p| p.kind == kind && p.on.contains(&base))
    }

    fn owner(&self, resource: &str) -> String {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        match parts[..] {
            [_, _, _, _, account, _] if account.len() == 12 => account.to_owned(),
            [_, _, "s3", _, _, rest] => {
                let bucket = rest.split('/').next().unwrap_or_default();
                let made = self.folder.account_of_bucket(bucket).ok().flatten();
                made.unwrap_or(&self.account).to_owned()
            }
            _ => self.account.clone(),
        }
    }

    /// What our side is asked: the documents of each layer, and the request without keys that the action does not have.
    pub fn layers(&self, asked: &Asked, ignored: &BTreeSet<String>) -> Layers {
        let one = &asked.request;
        let who = match &one.principal {
            None => Requester::Anonymous,
            Some(arn) if arn.contains("-provider/") => Requester::read("Federated", arn),
            Some(arn) if arn.starts_with("arn:") => Requester::read("AWS", arn),
            Some(service) => Requester::read("Service", service),
        };
        let own_account = who.account().map(|(_, account)| account.to_owned());
        let trust = one.action.starts_with("sts:") && asked.resource.is_some();
        let context = one
            .context
            .iter()
            .filter(|(key, _)| !ignored.contains(&key.to_lowercase()))
            .map(|(key, value)| {
                let values = texts(value).into_iter().map(str::to_owned).collect();
                (key.to_lowercase(), (key.clone(), values))
            })
            .collect();
        let request = Request {
            principal: Some(who),
            standing: Default::default(),
            tokens: Vec::new(),
            action: one.action.clone(),
            resource: Some(one.resource.clone()),
            context,
        };
        let mut identity: Vec<Document> =
            asked.identity.iter().map(|at| self.documents[*at].0.clone()).collect();
        if asked.administrator {
            identity.push(self.administrator.clone());
        }
        Layers {
            identity,
            resource: asked.resource.map(|at| self.documents[at].0.clone()),
            direct: asked.resource.map(|at| self.documents[at].1.clone()),
            same_account: own_account.as_deref() == Some(one.account.as_str()),
            has_identity: own_account.is_some(),
            sovereign: trust || one.resource.contains(":kms:"),
            request,
            places: (asked.identity.iter().copied().enumerate())
                .chain(asked.resource.map(|at| (usize::MAX, at)))
                .collect(),
        }
    }

    /// Whether a value that is no ARN stands where a policy compares ARNs: AWS does not document what happens then.
    pub fn is_odd(&self, asked: &Asked) -> bool {
        asked.request.context.iter().any(|(key, value)| {
            self.arn_keys.contains(&key.to_lowercase())
                && texts(value).iter().any(|text| text.matches(':').count() < 5)
        })
    }

    /// Whether the engine proves that nothing changes without a statement: others say the same.
    pub fn is_redundant(&self, (at, index): (usize, usize)) -> bool {
        let policy = &self.policies[at];
        let own = &self.documents[at].0;
        let mut without = own.clone();
        without.statements.remove(index);
        let same = |rest: &[Document]| {
            let with = |one: &Document| [std::slice::from_ref(one), rest].concat();
            let options = verdict::Options::default();
            let found =
                verdict::compare(&with(own), &with(&without), of_kind(policy.kind), &options);
            found.verdict == verdict::Verdict::Equivalent
        };
        if policy.kind != Kind::Identity {
            // a Deny takes from what the policies of its own account may add, too
            let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
                "Resource": "*", "Principal": {"AWS": self.account}}]});
            let deny = statements(&policy.document)[index]["Effect"] == "Deny";
            return match deny && policy.kind == Kind::Resource {
                true => same(&[read(Kind::Resource, &all)]),
                false => same(&[]),
            };
        }
        policy.on.iter().all(|who| {
            let beside = |other: &usize| {
                let it = &self.policies[*other];
                *other != at
                    && it.kind == Kind::Identity
                    && it.account == policy.account
                    && it.on.contains(who)
            };
            let others = (0..self.policies.len()).filter(beside);
            let others: Vec<Document> = others.map(|it| self.documents[it].0.clone()).collect();
            same(&others)
        })
    }
}

/// The providers of identities that a trust policy names. They ask for nothing else.
fn federated(statement: &Value) -> Vec<&str> {
    texts(&statement["Principal"]["Federated"])
}

/// An address of a network.
fn host(network: &str) -> String {
    network.split('/').next().unwrap_or(network).to_owned()
}

fn of_kind(kind: Kind) -> verdict::Kind {
    match kind {
        Kind::Identity => verdict::Kind::Identity,
        Kind::Resource => verdict::Kind::Resource,
        Kind::Trust => verdict::Kind::Trust,
    }
}

fn read(kind: Kind, document: &Value) -> Document {
    Document::read(&own(document), of_kind(kind)).unwrap_or_else(|why| panic!("{why}"))
}

/// The types of resources that an action works on, with its service.
fn types_of(action: &str) -> Option<(&'static str, Vec<&'static str>)> {
    iam::action(action).map(|it| (it.service, it.resources.iter().map(|on| on.resource).collect()))
}

/// What an administrator has.
fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

/// The policy with a name that nobody has in place of each account that an Allow names.
fn without_accounts(document: &Value) -> Value {
    let mut document = document.clone();
    let Some(all) = document["Statement"].as_array_mut() else { return document };
    for statement in all.iter_mut().filter(|it| it["Effect"] == "Allow") {
        let Some(who) = statement.get_mut("Principal").and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(given) = who.get("AWS") {
            let account = |name: &str| name.ends_with(":root") || name.len() == 12;
            let kept: Vec<&str> = texts(given).into_iter().filter(|name| !account(name)).collect();
            let kept = if kept.is_empty() {
                json!(["arn:aws:iam::000000000000:user/nobody"])
            } else {
                json!(kept)
            };
            who.insert("AWS".to_owned(), kept);
        }
    }
    document
}

/// A text that a pattern takes.
fn concrete(pattern: &str, rng: &mut Rng) -> String {
    if pattern == "*" {
        return pattern.to_owned();
    }
    let fill = *rng.pick(&["x", "a/b.parquet", "day=2026-11-23/x", "1", "x/y"]);
    plain(pattern, if pattern.contains(":logs:") { "x" } else { fill })
}

/// The pattern with `fill` for each star, and IAM's escapes as what they stand for.
fn plain(pattern: &str, fill: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let escape = [("${*}", '*'), ("${?}", '?'), ("${$}", '$')]
            .into_iter()
            .find(|(text, _)| rest.starts_with(text));
        if let Some((text, is)) = escape {
            out.push(is);
            rest = &rest[text.len()..];
            continue;
        }
        match c {
            '*' => out += fill,
            '?' => out.push('x'),
            other => out.push(other),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn walk(root: &Path) -> String {
    let files = super::support::template::templates_below(root);
    files.iter().map(|file| std::fs::read_to_string(file).unwrap_or_default()).collect()
}

/// Every run of exactly twelve digits between colons or quotes.
fn accounts(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|word| word.len() == 12)
        .map(str::to_owned)
        .collect()
}

/// The account that owns what is granted: the one that statements on buckets demand most often.
fn most_common_account(text: &str) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for after in text.split("\"aws:ResourceAccount\"").skip(1) {
        let account = after.split('"').nth(1).filter(|word| word.len() == 12);
        account.into_iter().for_each(|account| *counts.entry(account).or_default() += 1);
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(account, _)| account.to_owned())
}

/// Templates lie in a folder for each region.
fn region_of(root: &Path) -> String {
    let mut regions: Vec<String> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.matches('-').count() >= 2)
        .collect();
    regions.sort();
    regions.first().cloned().unwrap_or_else(|| "eu-central-1".to_owned())
}
