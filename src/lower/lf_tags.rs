//! LF-tags: the keys with every value that the spec uses, and what carries them.
//!
//! In: databases, tables and columns with their own tags; inherited ones Lake Formation works out itself.
//! Out: `AWS::LakeFormation::Tag`, one a key, and `TagAssociation`, one for each thing that has tags of
//! its own. INVARIANT: a key is there before anything carries it.

use super::lakeformation::owned;
use super::permits::tag_id;
use super::{Lowering, table_id};
use crate::document;
use crate::document::Value;
use crate::graph::{Part, Resource};
use crate::lake::formation::TagsOf;
use crate::lake::naming::logical_id;
use crate::names::LogicalId;

impl Lowering<'_> {
    /// The keys with every value that the spec uses, and what carries them.
    pub(super) fn lf_tags(&mut self, settings: Option<&LogicalId>) {
        let lake = self.lake;
        let account = lake.home.account.to_string();
        for (key, values) in lake.tag_values() {
            let values: Value = values.into_iter().map(owned).collect();
            let mut tag = Resource::new(
                tag_id(key),
                "AWS::LakeFormation::Tag",
                &lake.home.region,
                Part::Catalog,
                "lake_formation",
            );
            tag.set("CatalogId", account.clone())
                .set("TagKey", self.tag_key(key))
                .set("TagValues", values);
            tag.after.extend(settings.cloned());
            self.graph.add(tag);
        }
        for database in lake.governed().filter(|database| !database.existing) {
            let name = database.catalog_name.clone();
            self.carry(
                ("TagsDatabase", &[database.name.as_str()]),
                database.path(),
                document!({"Database": {"CatalogId": (account.clone()), "Name": (name.clone())}}),
                &database.lf_tags,
                super::database_id(&database.name),
            );
            for table in database.tables.values() {
                let names = [database.name.as_str(), table.name.as_str()];
                let id = table_id(&database.name, &table.name);
                self.carry(
                    ("TagsTable", &names),
                    table.path(),
                    document!({"Table": {
                        "CatalogId": (account.clone()),
                        "DatabaseName": (name.clone()),
                        "Name": (table.name.to_string())
                    }}),
                    &table.lf_tags,
                    id.clone(),
                );
                for column in &table.columns.0 {
                    let called = column.name.value.0.to_string();
                    self.carry(
                        ("TagsColumn", &[names[0], names[1], &called]),
                        table.path(),
                        document!({"TableWithColumns": {
                            "CatalogId": (account.clone()),
                            "DatabaseName": (name.clone()),
                            "Name": (table.name.to_string()),
                            "ColumnNames": (Value::List(vec![called.clone().into()]))
                        }}),
                        &column.lf_tags,
                        id.clone(),
                    );
                }
            }
        }
    }

    /// Puts tags on something; nothing happens where it has none of its own.
    fn carry(
        &mut self,
        (prefix, names): (&str, &[&str]),
        path: String,
        on: Value,
        tags: &crate::spec::lake_formation::LfTags,
        after: LogicalId,
    ) {
        if tags.0.is_empty() {
            return;
        }
        let tags: TagsOf =
            tags.0.iter().map(|tag| (tag.key.value.as_str(), tag.value.value.as_str())).collect();
        let account = self.lake.home.account.to_string();
        let pair = |(key, value): (&&str, &&str)| {
            document!({
                "CatalogId": (account.clone()),
                "TagKey": (self.tag_key(key)),
                "TagValues": (Value::List(vec![owned(value)]))
            })
        };
        let mut resource = Resource::new(
            logical_id(prefix, names),
            "AWS::LakeFormation::TagAssociation",
            &self.lake.home.region,
            Part::Catalog,
            path,
        );
        resource.set("Resource", on).set_from(
            "LFTags",
            ".lf_tags",
            tags.iter().map(pair).collect::<Value>(),
        );
        resource.after.extend(tags.keys().map(|key| tag_id(key)));
        resource.after.push(after);
        self.graph.add(resource);
    }
}
