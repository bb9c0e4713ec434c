//! Every alarm and rule that is generated, held to `docs/alarms.md`.
//!
//! The page's tables are read; for each alarm of the examples and of `alarms/lake.yaml`, which has one of
//! each kind, the row of what it watches says what has to stand in the template: metric, dimensions,
//! statistic, threshold, period, datapoints, missing data, or the pattern of an event. The values of
//! dimensions are those of resources in the same lake: its stream, its delivery, its bucket and a filter
//! on it with the right prefix, its job. A row that no alarm uses fails, and so does an alarm without one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lakewright::compile::{compile, scripts_of, understand};
use lakewright::lake::Lake;
use lakewright::lake::places::{Location, Place};
use lakewright::lake::watch::{Alarm, Trouble, Watched};
use lakewright::lower::Scripts;
use lakewright::policy::Library;
use lakewright::resolve::environments;
use lakewright::source::Sources;
use lakewright::stacks::Placement;
use lakewright::syntax::parse;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A row of a table, by the heading of its columns.
type Row = BTreeMap<String, String>;

/// The tables of a page, without their last column's links.
fn tables(page: &str) -> Vec<Vec<Row>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut tables: Vec<Vec<Row>> = Vec::new();
    let mut heading: Option<Vec<String>> = None;
    for line in page.lines() {
        match (&heading, line.starts_with('|')) {
            (None, true) => {
                heading = Some(cells(line));
                tables.push(Vec::new());
            }
            (Some(_), true) if line.starts_with("|---") => {}
            (Some(names), true) => {
                let row = cells(line);
                assert_eq!(row.len(), names.len(), "a row of another length: {line}");
                let row = names.iter().cloned().zip(row).collect();
                tables.last_mut().expect("a row follows a heading").push(row);
            }
            (_, false) => heading = None,
        }
    }
    tables
}

/// The words of a cell that stand in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The page, and which of its rows were used.
struct Page {
    metrics: Vec<Row>,
    statistics: Vec<Row>,
    events: Vec<Row>,
    used: RefCell<BTreeSet<String>>,
}

impl Page {
    fn read() -> Page {
        let text = fs::read_to_string(root().join("docs/alarms.md")).expect("the page is there");
        let [metrics, statistics, events]: [Vec<Row>; 3] =
            tables(&text).try_into().expect("the page has three tables");
        for row in metrics.iter().chain(&events) {
            let link = row["AWS"].contains("](https://docs.aws.amazon.com/");
            assert!(link, "{} {}: no page of AWS", row["what is watched"], row["what is wrong"]);
        }
        Page { metrics, statistics, events, used: RefCell::default() }
    }

    /// The one row for what is watched and what is wrong.
    fn row<'p>(
        &self,
        rows: &'p [Row],
        kinds: &[&str],
        wrong: &str,
        metric: Option<(&str, &str)>,
    ) -> Result<&'p Row, String> {
        let fits = |row: &&Row| {
            let kind = row["what is watched"].split(", ").any(|kind| kinds.contains(&kind));
            let named = metric.is_none_or(|(namespace, name)| {
                row["namespace"] == format!("`{namespace}`")
                    && (row["metric"] == "any" || quoted(&row["metric"]).contains(&name))
            });
            kind && row["what is wrong"] == format!("`{wrong}`") && named
        };
        let mut found = rows.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(row), None) => {
                self.used.borrow_mut().insert(format!("{row:?}"));
                Ok(row)
            }
            (None, _) => Err(format!("no row for {kinds:?}, `{wrong}` {metric:?}")),
            _ => Err(format!("several rows for {kinds:?}, `{wrong}` {metric:?}")),
        }
    }

    fn statistic(&self, metric: &str) -> &str {
        let fits = |row: &&Row| {
            let ends = &row["the name ends in"];
            ends == "anything else" || quoted(ends).iter().any(|end| metric.ends_with(end))
        };
        let row = self.statistics.iter().find(fits).expect("the last row takes everything");
        self.used.borrow_mut().insert(format!("{row:?}"));
        quoted(&row["statistic"])[0]
    }
}

/// A lake of one environment and all of its resources, by spec path.
struct Deployed {
    name: String,
    lake: Lake,
    resources: Vec<Value>,
}

fn deployed(spec: &Path) -> Vec<Deployed> {
    let mut sources = Sources::default();
    let text = fs::read_to_string(spec).unwrap_or_else(|e| panic!("{}: {e}", spec.display()));
    let file = sources.add(spec.display().to_string(), text);
    let (tree, found) = parse(&sources, file);
    assert!(!found.has_errors(), "{}: {found:?}", spec.display());
    let mut all = Vec::new();
    for environment in environments(&tree) {
        let understood = understand(&tree, environment);
        let found = &understood.diagnostics;
        assert!(!found.has_errors(), "{}: {found:?}", spec.display());
        let lake = understood.lake.expect("a valid spec is a lake");
        let scripts: Scripts =
            scripts_of(&lake).into_iter().map(|path| (path.to_owned(), "0".repeat(64))).collect();
        let compiled = compile(&lake, &Library::built_in(), &scripts, &Placement::default());
        let found = &compiled.diagnostics;
        assert!(!found.has_errors(), "{}: {found:?}", spec.display());
        let mut resources = Vec::new();
        for stack in &compiled.stacks {
            let template: Value = serde_json::from_str(&stack.body()).expect("templates are JSON");
            for (id, resource) in template["Resources"].as_object().into_iter().flatten() {
                let mut resource = resource.clone();
                resource["LogicalId"] = json!(id);
                resources.push(resource);
            }
        }
        let name = format!("{} ({environment})", spec.display());
        all.push(Deployed { name, lake, resources });
    }
    all
}

impl Deployed {
    /// The resources of a type that a thing of the spec has.
    fn of<'d>(&'d self, kind: &str, path: &str) -> impl Iterator<Item = &'d Value> + use<'d> {
        let (kind, path) = (json!(kind), json!(path));
        self.resources.iter().filter(move |resource| {
            resource["Type"] == kind && resource["Metadata"]["lakewright"]["path"] == path
        })
    }

    fn one(&self, kind: &str, path: &str) -> Result<&Value, String> {
        let found: Vec<&Value> = self.of(kind, path).collect();
        match found[..] {
            [one] => Ok(&one["Properties"]),
            _ => Err(format!("{} of {kind} for {path}", found.len())),
        }
    }

    fn text(&self, kind: &str, path: &str, property: &str) -> Result<String, String> {
        let value = &self.one(kind, path)?[property];
        value.as_str().map(str::to_owned).ok_or(format!("{kind} of {path} has no {property}"))
    }

    fn location(&self, place: &Place) -> Result<Location, String> {
        let found = match place {
            Place::Objects(location) => Some(location.clone()),
            Place::Table { database, table } => {
                Some(self.lake.databases[database].tables[table].location.clone())
            }
            Place::Database(name) => self.lake.databases[name].location.clone(),
            Place::Stream(_) => None,
        };
        found.ok_or("a place without a location".to_owned())
    }

    /// What a dimension has to be, given what the page says of it. A filter has to be looked for by the
    /// name that the alarm gives: its bucket must have it, with the right prefix.
    fn dimension(&self, says: &str, watched: &Watched, given: &str) -> Result<String, String> {
        let path = match watched {
            Watched::Source(name) => format!("sources.{name}"),
            Watched::Pipeline(name) => format!("pipelines.{name}"),
            Watched::Place(place) => format!("buckets.{}", self.location(place)?.bucket),
        };
        Ok(match says {
            "its stream" => self.text("AWS::Kinesis::Stream", &path, "Name")?,
            "its delivery" => {
                let kind = "AWS::KinesisFirehose::DeliveryStream";
                self.text(kind, &path, "DeliveryStreamName")?
            }
            "its bucket" => self.text("AWS::S3::Bucket", &path, "BucketName")?,
            "its job" => self.text("AWS::Glue::Job", &path, "Name")?,
            "its filter" => {
                let Watched::Place(place) = watched else {
                    return Err("a filter on no place".to_owned());
                };
                let prefix = self.location(place)?.prefix;
                let bucket = self.one("AWS::S3::Bucket", &path)?;
                let filters = bucket["MetricsConfigurations"].as_array();
                let filter = filters.into_iter().flatten().find(|filter| filter["Id"] == given);
                let filter = filter.ok_or(format!("{path} has no metrics filter `{given}`"))?;
                let filters_by = filter["Prefix"].as_str().unwrap_or_default();
                if filters_by != prefix {
                    return Err(format!("`{given}` counts below `{filters_by}`, not `{prefix}`"));
                }
                given.to_owned()
            }
            literal if !literal.contains(' ') => literal.to_owned(),
            other => return Err(format!("the page says `{other}`, which means nothing here")),
        })
    }

    /// Whether the alarm tells those it should.
    fn tells(&self, alarm: &Alarm, actions: &[&Value]) -> Result<(), String> {
        let expected: BTreeSet<String> = alarm
            .notify
            .iter()
            .map(|name| match &self.lake.notify[&name.value].existing {
                Some(arn) => json!(arn.value.to_string()).to_string(),
                None => {
                    let path = format!("notify.{}", name.value);
                    let topic = self.of("AWS::SNS::Topic", &path).next();
                    json!({"Ref": topic.map_or(&Value::Null, |topic| &topic["LogicalId"])})
                        .to_string()
                }
            })
            .collect();
        for told in actions {
            let told: BTreeSet<String> =
                told.as_array().into_iter().flatten().map(Value::to_string).collect();
            if told != expected {
                return Err(format!("it tells {told:?}, not {expected:?}"));
            }
        }
        Ok(())
    }
}

/// What the page may call this thing.
fn kinds(lake: &Lake, watched: &Watched) -> Vec<&'static str> {
    match watched {
        Watched::Place(Place::Objects(location)) if location.prefix.is_empty() => vec!["bucket"],
        Watched::Place(Place::Objects(_)) => vec!["prefix"],
        Watched::Place(Place::Table { .. }) => vec!["table"],
        Watched::Place(Place::Database(_)) => vec!["database"],
        Watched::Place(Place::Stream(_)) => unreachable!("a source is watched as one"),
        Watched::Source(name) if lake.sources[name].table.is_some() => {
            vec!["source", "source with a table"]
        }
        Watched::Source(_) => vec!["source", "source without a table"],
        Watched::Pipeline(_) => vec!["pipeline"],
    }
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

/// Compares an alarm with its row. The first difference is the error.
fn hold_alarm(
    page: &Page,
    deployed: &Deployed,
    alarm: &Alarm,
    watched: &Watched,
    found: &Value,
) -> Result<(), String> {
    let (wrong, named, age) = match &alarm.trouble.value {
        Trouble::OlderThan(age) => ("older_than", None, *age),
        Trouble::Failures(count) => ("failures", None, *count),
        Trouble::Lag(behind) => ("lag", None, *behind),
        Trouble::Metric { metric, .. } => {
            ("metric", Some((metric.namespace.as_str(), metric.name.as_str())), 0)
        }
    };
    let row = page.row(&page.metrics, &kinds(&deployed.lake, watched), wrong, named)?;
    let metric = named.map_or_else(|| quoted(&row["metric"])[0], |(_, name)| name);
    let statistic = match row["statistic"].as_str() {
        "by its name" => page.statistic(metric),
        cell => quoted(cell)[0],
    };
    let (comparison, threshold) = match (row["rings"].as_str(), &alarm.trouble.value) {
        ("below 1", _) => ("LessThanThreshold", json!(1)),
        ("above the age in seconds", _) => ("GreaterThanThreshold", json!(age)),
        ("above the lag in milliseconds", _) => ("GreaterThanThreshold", json!(age * 1000)),
        ("at that many", _) => ("GreaterThanOrEqualToThreshold", json!(age)),
        ("as it says", Trouble::Metric { threshold, above: true, .. }) => {
            ("GreaterThanThreshold", number(*threshold))
        }
        ("as it says", Trouble::Metric { threshold, above: false, .. }) => {
            ("LessThanThreshold", number(*threshold))
        }
        (other, _) => return Err(format!("the page says `{other}`, which means nothing here")),
    };
    let given = alarm.period.as_ref().map(|at| at.value);
    let period = match row["period"].as_str() {
        "5m up to a day, 1h beyond" => {
            if age <= 86_400 {
                300
            } else {
                3600
            }
        }
        "`period`, else 5m with `breaching`, else the age" => {
            given.unwrap_or(if alarm.breaching.is_some() { 300 } else { (age + 59) / 60 * 60 })
        }
        "`period`, else 5m" => given.unwrap_or(300),
        "`period`, else 1d" => given.unwrap_or(86_400),
        other => return Err(format!("the page says `{other}`, which means nothing here")),
    };
    let (bad, of) = match row["datapoints"].as_str() {
        "as many as the age" => ((age + period - 1) / period, (age + period - 1) / period),
        "`breaching`, else 1 of 1" => {
            alarm.breaching.as_ref().map_or((1, 1), |at| (at.value.bad, at.value.of))
        }
        other => return Err(format!("the page says `{other}`, which means nothing here")),
    };
    // CloudWatch API reference, PutMetricAlarm, Period
    let most = if period < 3600 { 86_400 } else { 604_800 };
    if period * of > most || period % 60 != 0 {
        return Err(format!("CloudWatch refuses {of} periods of {period} seconds"));
    }
    let namespace = quoted(&row["namespace"])[0];
    for (property, expected) in [
        ("Namespace", json!(namespace)),
        ("MetricName", json!(metric)),
        ("Statistic", json!(statistic)),
        ("ComparisonOperator", json!(comparison)),
        ("Threshold", threshold),
        ("Period", json!(period)),
        ("EvaluationPeriods", json!(of)),
        ("DatapointsToAlarm", json!(bad)),
        ("TreatMissingData", json!(quoted(&row["missing data"])[0])),
    ] {
        if found[property] != expected {
            return Err(format!("{property} is {}, not {expected}", found[property]));
        }
    }
    let dimensions = found["Dimensions"].as_array().ok_or("it has no dimensions")?;
    let says: Vec<&str> = row["dimensions"].split(", ").collect();
    if dimensions.len() != says.len() {
        return Err(format!("{} dimensions, not {}", dimensions.len(), says.len()));
    }
    for says in says {
        let (name, what) = says.split_once(": ").ok_or("a dimension is `Name`: what")?;
        let own = dimensions.iter().find(|own| own["Name"] == quoted(name)[0]);
        let own =
            own.and_then(|own| own["Value"].as_str()).ok_or(format!("no dimension {name}"))?;
        let expected = deployed.dimension(what, watched, own)?;
        if own != expected {
            return Err(format!("{name} is `{own}`, not {what}, `{expected}`"));
        }
    }
    deployed.tells(alarm, &[&found["AlarmActions"], &found["OKActions"]])
}

/// Compares a rule with its row.
fn hold_rule(
    page: &Page,
    deployed: &Deployed,
    alarm: &Alarm,
    watched: &Watched,
    found: &Value,
) -> Result<(), String> {
    let row = page.row(&page.events, &kinds(&deployed.lake, watched), "failures", None)?;
    let mut detail = serde_json::Map::new();
    for says in row["detail"].split(", ") {
        let (name, what) = says.split_once(": ").ok_or("a detail is `name`: what")?;
        let values: Vec<Value> = match what.split_once(" or ") {
            Some((a, b)) => vec![json!(a), json!(b)],
            None => vec![json!(deployed.dimension(what, watched, "")?)],
        };
        detail.insert(quoted(name)[0].to_owned(), Value::Array(values));
    }
    let pattern = json!({
        "source": [quoted(&row["source"])[0]],
        "detail-type": [quoted(&row["detail-type"])[0]],
        "detail": detail
    });
    if found["EventPattern"] != pattern || found["State"] != "ENABLED" {
        return Err(format!("the pattern is {}, not {pattern}", found["EventPattern"]));
    }
    let targets = found["Targets"].as_array().into_iter().flatten();
    let targets: Value = targets.map(|target| target["Arn"].clone()).collect();
    deployed.tells(alarm, &[&targets])
}

fn specs() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples")).expect("examples are part of the crate");
    let mut all: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().join("lake.yaml"))
        .filter(|p| p.exists())
        .collect();
    all.sort();
    all.push(root().join("tests/alarms/lake.yaml"));
    all
}

#[test]
fn every_alarm_is_what_the_page_says() {
    let page = Page::read();
    let mut wrong = String::new();
    let mut count = 0;
    for deployed in specs().iter().flat_map(|spec| deployed(spec)) {
        for alarm in deployed.lake.alarms.values() {
            let path = alarm.path();
            let alarms: Vec<&Value> = deployed.of("AWS::CloudWatch::Alarm", &path).collect();
            let rules: Vec<&Value> = deployed.of("AWS::Events::Rule", &path).collect();
            if alarms.len() + rules.len() != alarm.watched.len() {
                wrong += &format!(
                    "  {}: {path}: {} alarms for {} things\n",
                    deployed.name,
                    alarms.len() + rules.len(),
                    alarm.watched.len()
                );
            }
            for watched in &alarm.watched {
                count += 1;
                // one of the resources of the alarm has to be right for this thing
                let tried: Vec<Result<(), String>> =
                    alarms
                        .iter()
                        .map(|one| hold_alarm(&page, &deployed, alarm, watched, &one["Properties"]))
                        .chain(rules.iter().map(|one| {
                            hold_rule(&page, &deployed, alarm, watched, &one["Properties"])
                        }))
                        .collect();
                if !tried.iter().any(Result::is_ok) {
                    let why: BTreeSet<String> = tried.into_iter().filter_map(Result::err).collect();
                    wrong +=
                        &format!("  {}: {path} on {}: {why:?}\n", deployed.name, watched.name());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "not as docs/alarms.md says:\n{wrong}");
    assert!(count >= 60, "only {count} alarms");
    let used = page.used.borrow();
    let rows = page.metrics.iter().chain(&page.statistics).chain(&page.events);
    let unused: Vec<&Row> = rows.filter(|row| !used.contains(&format!("{row:?}"))).collect();
    assert!(unused.is_empty(), "rows that no alarm uses: {unused:#?}");
}

/// An alarm's name begins as the topic's policy and its key let through, and no two are the same.
#[test]
fn every_alarm_gets_through_to_its_topic() {
    for deployed in specs().iter().flat_map(|spec| deployed(spec)) {
        let prefix = format!("{}-", deployed.lake.naming.lake_id());
        let alarms =
            deployed.resources.iter().filter(|one| one["Type"] == "AWS::CloudWatch::Alarm");
        let mut names = BTreeSet::new();
        for alarm in alarms {
            let name = alarm["Properties"]["AlarmName"].as_str().unwrap_or_default().to_owned();
            assert!(name.starts_with(&prefix) && name.len() <= 255, "{}: {name}", deployed.name);
            assert!(names.insert(name.clone()), "{}: two alarms are called {name}", deployed.name);
        }
        let rules = deployed.resources.iter().filter(|one| one["Type"] == "AWS::Events::Rule");
        for rule in rules {
            let own = json!({"Fn::GetAtt": [rule["LogicalId"], "Arn"]});
            for target in rule["Properties"]["Targets"].as_array().into_iter().flatten() {
                if target["Arn"].is_string() {
                    continue; // not ours: its owner lets the rule in
                }
                let lets_in = deployed.resources.iter().any(|one| {
                    one["Type"] == "AWS::SNS::TopicPolicy"
                        && one["Properties"]["Topics"][0] == target["Arn"]
                        && one["Properties"]["PolicyDocument"]
                            .to_string()
                            .contains(&own.to_string())
                });
                assert!(lets_in, "{}: nobody lets {own} publish", deployed.name);
            }
        }
    }
}
