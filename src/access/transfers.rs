//! What buckets have S3 write elsewhere, and where tables lie.
//!
//! Source: AWS CloudFormation User Guide, `AWS::S3::Bucket` (`LoggingConfiguration`, `ReplicationConfiguration`) and
//! `AWS::Glue::Table` (`StorageDescriptor`, `OpenTableFormatInput`).

use super::source::Source;
use super::state::Transfer;
use super::template::{Reader, origin};
use crate::document::Value;

impl Reader<'_> {
    /// The access logs and copies of a bucket.
    pub(super) fn transfers(&mut self, at: (&Source, &str, &Value), bucket: &str) {
        let (source, id, definition) = at;
        let get = |path: &[&str]| definition.get("Properties").and_then(|all| all.at(path));
        let text = |value: Option<&Value>| value.map(|one| self.texts.text(source, one));
        let own = |to, prefix: Option<String>, role| Transfer {
            from: bucket.to_owned(),
            to,
            prefix: prefix.unwrap_or_default(),
            role,
            origin: origin(source, id, definition),
        };
        let mut found = Vec::new();
        if let Some(logs) = get(&["LoggingConfiguration"]) {
            // without a destination a bucket's logs go to itself
            let to = logs.get("DestinationBucketName");
            let to = to.map_or_else(|| bucket.to_owned(), |to| self.bucket_arn(source, to));
            found.push(own(to, text(logs.get("LogFilePrefix")), None));
        }
        let role = text(get(&["ReplicationConfiguration", "Role"]));
        let rules = get(&["ReplicationConfiguration", "Rules"]).and_then(Value::as_list);
        for rule in rules.unwrap_or(&[]) {
            let off = rule.get("Status").and_then(Value::as_str) == Some("Disabled");
            let to = text(rule.at(&["Destination", "Bucket"]));
            if let (Some(to), false) = (to, off) {
                let prefix = rule.at(&["Filter", "Prefix"]).or(rule.get("Prefix"));
                found.push(own(to, text(prefix), role.clone()));
            }
        }
        self.state.transfers.extend(found);
    }

    /// A bucket's ARN by what names the bucket.
    fn bucket_arn(&self, source: &Source, name: &Value) -> String {
        let text = self.texts.text(source, name);
        match text.starts_with('{') {
            true => self.sibling(source, Some(name)),
            false => format!("arn:{}:s3:::{text}", source.partition()),
        }
    }

    /// Where a table's objects lie, if that is said and in S3.
    pub(super) fn location(&mut self, at: (&Source, &str, &Value), table: (String, String)) {
        let (source, _, definition) = at;
        let at = ["Properties", "TableInput", "StorageDescriptor", "Location"];
        let iceberg =
            ["Properties", "OpenTableFormatInput", "IcebergInput", "IcebergTableInput", "Location"];
        let location = definition.at(&at).or(definition.at(&iceberg));
        let location = location.map(|one| self.texts.text(source, one));
        let rest = location.as_deref().and_then(|text| text.strip_prefix("s3://"));
        if let Some(rest) = rest {
            let arn = format!("arn:{}:s3:::{}", source.partition(), rest.trim_end_matches('/'));
            self.state.locations.insert(table, arn);
        }
    }
}
