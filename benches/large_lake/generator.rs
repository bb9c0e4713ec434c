//! Writes the spec of a large lake: the same text for the same size, every time.
//!
//! A size of 1 is the lake of the promise in the README: 200 buckets, 40 keys, 60 databases, 7,000
//! tables of 12 columns, and pipelines, sources and access for the rest of 10,000 resources.

use std::fmt::Write;

/// The words that column names and types rotate through.
const COLUMNS: [(&str, &str); 12] = [
    ("id", "bigint"),
    ("created_at", "timestamp"),
    ("updated_at", "timestamp"),
    ("country", "string"),
    ("amount", "decimal(12,2)"),
    ("currency", "string"),
    ("customer_id", "bigint"),
    ("status", "string"),
    ("channel", "string"),
    ("tags", "array<string>"),
    ("attributes", "map<string,string>"),
    ("is_test", "boolean"),
];

/// The same lake in which one team writes what it read.
pub fn changed(size: usize) -> String {
    spec(size).replace("role/Team0], read:", "role/Team0], write:")
}

/// The spec of a lake `size` times as large as the promise.
pub fn spec(size: usize) -> String {
    let (keys, buckets, databases, tables) = (40 * size, 200 * size, 60 * size, 7_000 * size);
    let (pipelines, sources, access) = (300 * size, 110 * size, 180 * size);
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments| {
        writeln!(out, "{text}").expect("a string takes everything");
    };
    line(format_args!("lakewright: 1\nlake: large\nenvironments:"));
    line(format_args!("  prod: {{ account: \"222222222222\", region: eu-west-1 }}"));
    line(format_args!("keys:"));
    for n in 0..keys {
        line(format_args!("  key-{n}: {{ rotation: 365d, admins: [role/KeyAdmin] }}"));
    }
    line(format_args!("buckets:"));
    for n in 0..buckets {
        line(format_args!("  zone-{n}:\n    encryption: keys.key-{}", n % keys));
        line(format_args!("    retention:\n      - {{ prefix: tmp/, after: 7d, then: expire }}"));
        line(format_args!("      - {{ noncurrent: 90d, then: expire }}"));
    }
    line(format_args!("databases:"));
    let each = tables / databases;
    for d in 0..databases {
        line(format_args!("  db-{d}:\n    location: zone-{}/db{d}/\n    tables:", d % buckets));
        let last = if d == databases - 1 { tables - each * (databases - 1) } else { each };
        for t in 0..last {
            line(format_args!("      t{t}:\n        format: parquet\n        columns:"));
            for (name, kind) in COLUMNS {
                line(format_args!("          {name}: {kind}"));
            }
        }
    }
    line(format_args!("sources:"));
    for n in 0..sources {
        let zone = databases % buckets + n % (buckets - databases % buckets);
        line(format_args!("  src-{n}: {{ from: kinesis, into: zone-{zone}/src{n}/ }}"));
    }
    line(format_args!("pipelines:"));
    for n in 0..pipelines {
        let database = n % databases;
        line(format_args!("  pipe-{n}:\n    run: glue\n    script: job.py"));
        line(format_args!(
            "    read: [db-{database}.t0]\n    write: [db-{database}.t{}]",
            1 + n / databases
        ));
        line(format_args!("    schedule: \"cron(0 3 * * ? *)\""));
    }
    line(format_args!("access:"));
    for n in 0..access {
        line(format_args!("  team-{n}: {{ who: [role/Team{n}], read: [db-{}] }}", n % databases));
    }
    out
}
