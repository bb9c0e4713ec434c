//! Access cases: who may do what on the templates as deployed, decided by an independent IAM evaluator.
//!
//! A YAML file names principals, requests and cases (`tests/judges/README.md` describes it); the policies are found in the
//! templates as AWS finds them: by the role, the bucket and the key that they hang on. All cases of all files are decided by one
//! process. Invariant: a case cannot pass by accident of a name. An unknown bucket, key, principal, action or context key is an
//! error, and so is a request that no case allows.

mod context;

use super::simulator::{Decision, Request, iam_simulate};
use super::template::{Folder, Kind, Origin, Policy, partition};
use context::Who;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What became of one case, or of a file as a whole.
#[derive(Debug)]
pub struct Verdict {
    pub file: PathBuf,
    /// The case as it is written, or what the complaint is about.
    pub case: String,
    /// `None`: as wanted. Otherwise what came instead, step by step, or what is wrong with the case.
    pub wrong: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// The folder of the templates, from this file.
    templates: String,
    account: Option<String>,
    /// Environments with their accounts: the file stands for one file each, in which `ENVIRONMENT` and `ACCOUNT` are replaced.
    #[serde(default)]
    environments: BTreeMap<String, String>,
    region: Option<String>,
    /// The path of our account in its organization: `o-id/r-id/ou-id`.
    organization: Option<String>,
    /// Buckets (names) and other resources (ARNs) that these templates do not make; they have no policy here.
    #[serde(default)]
    existing: BTreeSet<String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    principals: BTreeMap<String, Principal>,
    requests: BTreeMap<String, Vec<Step>>,
    #[serde(default)]
    variations: BTreeMap<String, Variation>,
    cases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Principal {
    is: String,
    organization: Option<String>,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Short(String),
    Long(LongStep),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongStep {
    action: String,
    on: String,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variation {
    context: Map<String, Value>,
}

/// A case as it is asked, for those who count what the cases cover.
pub struct Asked {
    pub file: PathBuf,
    /// The environment, where the file stands for several.
    pub environment: Option<String>,
    pub want: bool,
    pub steps: Vec<Request>,
    pub variations: Vec<String>,
}

/// Every case of every file that can be understood; nothing is decided.
pub fn asked(files: &[PathBuf]) -> Vec<Asked> {
    let mut all = Vec::new();
    for file in files {
        for desk in Desk::open(file, &Path::to_path_buf).into_iter().flatten() {
            for case in &desk.file.cases {
                let (Ok(sentence), Ok((plan, steps))) = (parse(case), desk.plan(case, 0)) else {
                    continue;
                };
                let variations = sentence.variations.iter().map(|v| v.to_string()).collect();
                let (file, environment) = (file.clone(), desk.environment.clone());
                all.push(Asked { file, environment, want: plan.want, steps, variations });
            }
        }
    }
    all
}

/// Decides every case of every file; one verdict a case, and one more for each thing that is wrong with a file.
pub fn judge(files: &[PathBuf]) -> Vec<Verdict> {
    judge_on(files, &Path::to_path_buf)
}

/// As `judge`, on other templates: `instead` says which folder to take instead of one that a file names.
pub fn judge_on(files: &[PathBuf], instead: &dyn Fn(&Path) -> PathBuf) -> Vec<Verdict> {
    assert!(!files.is_empty(), "there is nothing to judge");
    let mut verdicts = Vec::new();
    let mut requests = Vec::new();
    let mut plans = Vec::new();
    for file in files {
        let wrong = |case: &str, why: String| Verdict {
            file: file.clone(),
            case: case.to_string(),
            wrong: Some(why),
        };
        let desks = match Desk::open(file, instead) {
            Ok(desks) => desks,
            Err(why) => {
                verdicts.push(wrong("the file", why));
                continue;
            }
        };
        for desk in desks {
            verdicts.extend(desk.unused().map(|why| wrong("the file", why)));
            for case in &desk.file.cases {
                match desk.plan(case, requests.len()) {
                    Ok((mut plan, asked)) => {
                        requests.extend(asked);
                        if let Some(environment) = &desk.environment {
                            plan.text += &format!(" ({environment})");
                        }
                        plans.push((file, plan));
                    }
                    Err(why) => verdicts.push(wrong(case, why)),
                }
            }
        }
    }
    let decisions = if requests.is_empty() { Vec::new() } else { iam_simulate(&requests) };
    let mut reached: BTreeMap<(&PathBuf, String), bool> = BTreeMap::new();
    let mut complaints = BTreeSet::new();
    for (file, plan) in plans {
        let steps: Vec<_> = plan.steps.iter().map(|i| (&requests[*i], &decisions[*i])).collect();
        complaints.extend(
            steps
                .iter()
                .flat_map(|(_, d)| d.iter().flat_map(|d| &d.complaints))
                .map(|c| (file, c.clone())),
        );
        *reached.entry((file, plan.request.clone())).or_default() |= plan.want;
        verdicts.push(Verdict {
            file: file.clone(),
            case: plan.text.clone(),
            wrong: plan.compare(&steps).err(),
        });
    }
    let never = reached.into_iter().filter(|(_, allowed)| !allowed);
    verdicts.extend(never.map(|((file, request), _)| {
        Verdict {
            file: file.clone(),
            case: format!("the request `{request}`"),
            wrong: Some(
                "no case allows it, so its denials prove nothing: a name in it may be wrong"
                    .to_string(),
            ),
        }
    }));
    verdicts.extend(complaints.into_iter().map(|(file, why)| Verdict {
        file: file.clone(),
        case: "the policies".to_string(),
        wrong: Some(why),
    }));
    verdicts
}

fn read(text: &str) -> Result<CaseFile, String> {
    let value: Value = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// A case, ready to be compared with the decisions on its steps.
struct Plan {
    text: String,
    request: String,
    want: bool,
    /// The action that alone has to be refused.
    at: Option<String>,
    /// Places in the list of all requests.
    steps: Vec<usize>,
    /// Context keys in lower case that each step has to know, and those that one of them has to know.
    own_keys: Vec<BTreeSet<String>>,
    loose_keys: BTreeSet<String>,
}

impl Plan {
    fn compare(&self, steps: &[(&Request, &Result<Decision, String>)]) -> Result<(), String> {
        let mut decided = Vec::new();
        for ((request, decision), keys) in steps.iter().zip(&self.own_keys) {
            let place = format!("{} on {}", request.action, request.resource);
            let decision = decision.as_ref().map_err(|why| format!("{place}: {why}"))?;
            if let Some(key) = keys.intersection(&decision.ignored).next() {
                return Err(format!("{place}: the action has no condition key {key}"));
            }
            decided.push((place, decision));
        }
        for key in &self.loose_keys {
            if decided.iter().all(|(_, d)| d.ignored.contains(key)) {
                return Err(format!("no step of the request has the condition key {key}"));
            }
        }
        let fits = match &self.at {
            None => decided.iter().all(|(_, d)| d.allowed) == self.want,
            Some(action) => {
                let refused =
                    |(request, _): &(&Request, _)| request.action.eq_ignore_ascii_case(action);
                steps.iter().zip(&decided).all(|(step, (_, d))| d.allowed != refused(step))
            }
        };
        let all: Vec<String> =
            decided.iter().map(|(place, d)| format!("{place}: {}", d.result)).collect();
        if fits { Ok(()) } else { Err(all.join("; ")) }
    }
}

/// One file of cases, in one environment, with the templates that it is about.
struct Desk {
    file: CaseFile,
    environment: Option<String>,
    place: PathBuf,
    folder: Folder,
    policies: Vec<Policy>,
}

impl Desk {
    /// One desk, or one for each environment that the file names.
    fn open(path: &Path, instead: &dyn Fn(&Path) -> PathBuf) -> Result<Vec<Desk>, String> {
        let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
        let file = read(&text)?;
        if file.environments.is_empty() {
            return Ok(vec![Desk::of(file, None, path, instead)?]);
        }
        let mut desks = Vec::new();
        for (name, account) in &file.environments {
            let text = text.replace("ENVIRONMENT", name).replace("ACCOUNT", account);
            let file = CaseFile { account: Some(account.clone()), ..read(&text)? };
            desks.push(Desk::of(file, Some(name.clone()), path, instead)?);
        }
        Ok(desks)
    }

    fn of(
        file: CaseFile,
        environment: Option<String>,
        path: &Path,
        instead: &dyn Fn(&Path) -> PathBuf,
    ) -> Result<Desk, String> {
        let place = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let mut origin =
            Origin { parameters: file.parameters.clone(), strict: true, ..Origin::default() };
        origin.account = file.account.clone().unwrap_or(origin.account);
        origin.region = file.region.clone().unwrap_or(origin.region);
        let folder = Folder::below(&instead(&place.join(&file.templates)), &origin)?;
        let policies = folder.policies()?;
        Ok(Desk { file, environment, place, folder, policies })
    }

    /// Names that stand in the file and in no case.
    fn unused(&self) -> impl Iterator<Item = String> {
        let parsed: Vec<_> = self.file.cases.iter().filter_map(|case| parse(case).ok()).collect();
        let check = |kind: &str, names: Vec<&String>, used: &dyn Fn(&Sentence, &str) -> bool| {
            let unused = names.into_iter().filter(|name| !parsed.iter().any(|s| used(s, name)));
            unused.map(|name| format!("the {kind} `{name}` stands in no case")).collect::<Vec<_>>()
        };
        let mut all = check("principal", self.file.principals.keys().collect(), &|s, name| {
            s.principal == name
        });
        all.extend(check("request", self.file.requests.keys().collect(), &|s, name| {
            s.request == name
        }));
        all.extend(check("variation", self.file.variations.keys().collect(), &|s, name| {
            s.variations.contains(&name)
        }));
        all.into_iter()
    }

    /// What has to be asked for a case. Its first request will stand at `first` in the list of all requests.
    fn plan(&self, case: &str, first: usize) -> Result<(Plan, Vec<Request>), String> {
        let sentence = parse(case)?;
        let principal = self.file.principals.get(sentence.principal);
        let principal =
            principal.ok_or_else(|| format!("no principal is called `{}`", sentence.principal))?;
        let request = self.file.requests.get(sentence.request);
        let request =
            request.ok_or_else(|| format!("no request is called `{}`", sentence.request))?;
        let (mut at, mut with_identity, mut with_resource) = (None, true, true);
        let mut varied = Map::new();
        for variation in &sentence.variations {
            match (*variation, self.file.variations.get(*variation)) {
                (_, Some(own)) => varied.extend(own.context.clone()),
                ("without TLS", _) => {
                    _ = varied.insert("aws:SecureTransport".to_string(), json!("false"))
                }
                ("without identity policies", _) => with_identity = false,
                ("without resource policies", _) => with_resource = false,
                (other, _) => match other.strip_prefix("at ") {
                    Some(action) if !sentence.allow => at = Some(action.to_string()),
                    Some(_) => return Err("`at` is for what is denied".to_string()),
                    None => return Err(format!("no variation is called `{other}`")),
                },
            }
        }
        let who = self.who(principal)?;
        let identity =
            if with_identity { self.identity_policies(&who, principal)? } else { Vec::new() };
        let (mut asked, mut own_keys) = (Vec::new(), Vec::new());
        for step in request {
            let (action, on, own) = match step {
                Step::Long(long) => (long.action.as_str(), long.on.as_str(), long.context.clone()),
                Step::Short(words) => match words.split_once(' ') {
                    Some((action, on)) => (action, on.trim(), Map::new()),
                    None => return Err(format!("a step is `action resource`, not `{words}`")),
                },
            };
            let target = self.target(action, on)?;
            let mut context = self.usual_context(&who, principal, &target);
            for (key, value) in principal.context.iter().chain(&own).chain(&varied) {
                context.retain(|known, _| !known.eq_ignore_ascii_case(key));
                match value {
                    Value::Null => {} // the request does not carry the key
                    Value::Array(_) | Value::String(_) => {
                        _ = context.insert(key.clone(), value.clone())
                    }
                    other => _ = context.insert(key.clone(), json!(other.to_string())),
                }
            }
            own_keys.push(own.keys().map(|k| k.to_lowercase()).collect());
            asked.push(Request {
                principal: who.value(),
                action: action.to_string(),
                resource: target.arn,
                account: target.account,
                context,
                identity: identity.clone(),
                resource_policy: target.policy.filter(|_| with_resource),
            });
        }
        if let Some(action) = &at
            && !asked.iter().any(|r| r.action.eq_ignore_ascii_case(action))
        {
            return Err(format!("the request has no step {action}"));
        }
        let loose = principal.context.iter().chain(&varied).filter(|(_, v)| !v.is_null());
        let plan = Plan {
            text: case.to_string(),
            request: sentence.request.to_string(),
            want: sentence.allow,
            at,
            steps: (first..first + asked.len()).collect(),
            own_keys,
            loose_keys: loose.map(|(key, _)| key.to_lowercase()).collect(),
        };
        Ok((plan, asked))
    }

    fn who(&self, principal: &Principal) -> Result<Who, String> {
        let (is, origin) = (principal.is.as_str(), self.folder.origin());
        let arn = |account: &str, rest: &str| {
            format!("arn:{}:iam::{account}:{rest}", partition(&origin.region))
        };
        let named = |words: &str| {
            words.starts_with("role/") || words.starts_with("user/") || words == "root"
        };
        let arn = match is.split_once(':') {
            _ if is == "anonymous" => return Ok(Who::Nobody),
            _ if is.starts_with("arn:") => is.to_string(),
            _ if named(is) => arn(&origin.account, is),
            Some((account, rest)) if named(rest) => arn(account, rest),
            _ => match is.strip_prefix("service/") {
                Some(service) => return Ok(Who::Service(service.to_string())),
                None => self.folder.arn_of(is)?,
            },
        };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, _, "iam", "", account, rest] = parts[..] else {
            return Err(format!("not the ARN of a principal: {arn}"));
        };
        let kind = rest.split('/').next().unwrap_or_default();
        let name = rest.rsplit('/').next().unwrap_or_default();
        Ok(Who::Known {
            account: account.to_string(),
            on: format!("{kind}/{name}"),
            arn: arn.clone(),
        })
    }

    /// The policies that hang on the principal in the templates, and those that the file adds.
    fn identity_policies(&self, who: &Who, principal: &Principal) -> Result<Vec<Value>, String> {
        let mut documents = Vec::new();
        if let Who::Known { account, on, .. } = who {
            let hangs = |p: &&Policy| {
                p.kind == Kind::Identity && &p.account == account && p.on.contains(on)
            };
            documents.extend(self.policies.iter().filter(hangs).map(|p| p.document.clone()));
        }
        for named in &principal.policies {
            if named.ends_with(".json") {
                let text = fs::read_to_string(self.place.join(named))
                    .map_err(|e| format!("{named}: {e}"))?;
                let document = serde_json::from_str(&text).map_err(|e| format!("{named}: {e}"))?;
                // the half of a grant that another account attaches names keys of ours, as outputs do
                documents.push(self.folder.resolve_anywhere(&document)?);
                continue;
            }
            let (template, id) = self.folder.find(named)?;
            let is = |p: &&Policy| {
                p.kind == Kind::Identity && p.file == template.file && p.logical_id == id
            };
            let found: Vec<_> =
                self.policies.iter().filter(is).map(|p| p.document.clone()).collect();
            if found.is_empty() {
                return Err(format!("{named} is not an identity policy"));
            }
            documents.extend(found);
        }
        Ok(documents)
    }

    /// The resource that a step is about, who owns it, and the policy that hangs on it.
    fn target(&self, action: &str, on: &str) -> Result<Target, String> {
        let arn = match on {
            _ if on == "*" || on.starts_with("arn:") => on.to_string(),
            _ => match on.split_once('/') {
                Some((address, rest)) => format!("{}/{rest}", self.folder.arn_of(address)?),
                None => self.folder.arn_of(on)?,
            },
        };
        let origin = self.folder.origin();
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let (service, owner, rest) = match parts[..] {
            [_, _, service, _, owner, rest] => (service, owner, rest),
            _ if arn == "*" => {
                return Ok(Target { arn, account: origin.account.clone(), policy: None });
            }
            _ => return Err(format!("not an ARN: {arn}")),
        };
        let bucket = rest.split('/').next().unwrap_or_default();
        let base = if service == "s3" { arn.replacen(rest, bucket, 1) } else { arn.clone() };
        let trust = action.to_lowercase().starts_with("sts:");
        let mut account = owner.to_string();
        if ["s3", "kms", "sns", "sqs"].contains(&service) || trust {
            let existing = self.file.existing.contains(&base)
                || service == "s3" && self.file.existing.contains(bucket);
            if !existing && !self.folder.makes(&base)? {
                return Err(format!(
                    "the templates do not make {base}; where that is meant, list it under `existing`"
                ));
            }
        }
        if service == "s3" {
            account = self.folder.account_of_bucket(bucket)?.unwrap_or(&origin.account).to_string();
        }
        let kind = if trust { Kind::Trust } else { Kind::Resource };
        let mut hanging = self.policies.iter().filter(|p| p.kind == kind && p.on.contains(&base));
        match (hanging.next(), hanging.next()) {
            (Some(_), Some(_)) => Err(format!("two policies hang on {base}")),
            (one, _) => Ok(Target { arn, account, policy: one.map(|p| p.document.clone()) }),
        }
    }
}

struct Target {
    arn: String,
    account: String,
    policy: Option<Value>,
}

/// `allow|deny <principal> to <request>[, <variation>]...`
struct Sentence<'a> {
    allow: bool,
    principal: &'a str,
    request: &'a str,
    variations: Vec<&'a str>,
}

fn parse(case: &str) -> Result<Sentence<'_>, String> {
    let wrong = || "a case is `allow|deny <principal> to <request>[, <variation>]...`".to_string();
    let (verb, rest) = case.trim().split_once(' ').ok_or_else(wrong)?;
    let allow = match verb {
        "allow" => true,
        "deny" => false,
        _ => return Err(wrong()),
    };
    let (principal, rest) = rest.split_once(" to ").ok_or_else(wrong)?;
    let mut parts = rest.split(',').map(str::trim);
    let request = parts.next().unwrap_or_default();
    Ok(Sentence { allow, principal: principal.trim(), request, variations: parts.collect() })
}
