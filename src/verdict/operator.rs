//! The condition operators of IAM by name.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
//! keys". A name is read as prefix (`ForAllValues:`, `ForAnyValue:`), test, and suffix `IfExists`.

/// What a condition asks of one value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// `StringEquals`: character for character.
    Equals,
    /// `StringLike`: with `*` and `?`.
    Like,
    /// `StringEqualsIgnoreCase`.
    IgnoreCase,
    Bool,
    Binary,
    Numeric(Order),
    Date(Order),
    IpAddress,
    /// `ArnLike` and `ArnEquals`, which behave the same.
    Arn,
    Null,
    /// An operator that AWS does not document.
    Unknown,
}

/// How a number or a date is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How many of several values have to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Several {
    /// `ForAllValues`; also true of no value.
    All,
    /// `ForAnyValue`; false of no value.
    Any,
}

/// An operator, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operator {
    pub several: Option<Several>,
    pub test: Test,
    /// `...Not...`: true where the test is false, and where the key is missing.
    pub negated: bool,
    /// True where the key is missing.
    pub if_exists: bool,
}

impl Operator {
    /// Reads the name of an operator, whatever its case.
    pub fn read(name: &str) -> Operator {
        let lower = name.to_ascii_lowercase();
        let (several, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Some(Several::All), rest),
            Some(("foranyvalue", rest)) => (Some(Several::Any), rest),
            _ => (None, lower.as_str()),
        };
        let (rest, if_exists) = match rest.strip_suffix("ifexists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (test, negated) = test(rest);
        Operator { several, test, negated, if_exists }
    }

    /// Whether AWS's pages leave open what it says of a request without the key: `ForAnyValue` is false of no value,
    /// `IfExists` true. See `docs/access-model.md`, "Two readings".
    pub const fn is_open_without_key(&self) -> bool {
        self.if_exists && matches!(self.several, Some(Several::Any))
    }

    /// Whether AWS reads policy variables in its values.
    pub const fn reads_variables(&self) -> bool {
        matches!(self.test, Test::Equals | Test::Like | Test::IgnoreCase | Test::Arn)
    }

    /// Whether `*` and `?` mean something in its values.
    pub const fn reads_wildcards(&self) -> bool {
        matches!(self.test, Test::Like | Test::Arn)
    }

    /// What it says of a request without the key; where that is open, that it holds.
    pub const fn of_missing(&self) -> bool {
        match self.several {
            _ if self.if_exists => true,
            Some(Several::All) => true,
            Some(Several::Any) => false,
            None => self.negated,
        }
    }
}

fn test(name: &str) -> (Test, bool) {
    use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    match name {
        "stringequals" => (Test::Equals, false),
        "stringnotequals" => (Test::Equals, true),
        "stringequalsignorecase" => (Test::IgnoreCase, false),
        "stringnotequalsignorecase" => (Test::IgnoreCase, true),
        "stringlike" => (Test::Like, false),
        "stringnotlike" => (Test::Like, true),
        "bool" => (Test::Bool, false),
        "binaryequals" => (Test::Binary, false),
        "numericequals" => (Test::Numeric(Equal), false),
        "numericnotequals" => (Test::Numeric(Equal), true),
        "numericlessthan" => (Test::Numeric(Less), false),
        "numericlessthanequals" => (Test::Numeric(LessOrEqual), false),
        "numericgreaterthan" => (Test::Numeric(Greater), false),
        "numericgreaterthanequals" => (Test::Numeric(GreaterOrEqual), false),
        "dateequals" => (Test::Date(Equal), false),
        "datenotequals" => (Test::Date(Equal), true),
        "datelessthan" => (Test::Date(Less), false),
        "datelessthanequals" => (Test::Date(LessOrEqual), false),
        "dategreaterthan" => (Test::Date(Greater), false),
        "dategreaterthanequals" => (Test::Date(GreaterOrEqual), false),
        "ipaddress" => (Test::IpAddress, false),
        "notipaddress" => (Test::IpAddress, true),
        "arnequals" | "arnlike" => (Test::Arn, false),
        "arnnotequals" | "arnnotlike" => (Test::Arn, true),
        "null" => (Test::Null, false),
        _ => (Test::Unknown, false),
    }
}
