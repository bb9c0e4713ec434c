//! The small forms of the language: durations, sizes, accounts, regions, schedules.
//!
//! Each is a text with a grammar. What it means is decided here once; `Place` and `Principal`, the
//! grammar of names, stand in `reference`.

use std::fmt;

use super::decode::{Decode, Decoder, Shape, shortened};
use crate::diagnostic::{self, Code, Diagnostic};
use crate::names::{AccountId, Arn, BucketName, Name, Region};
use crate::syntax::{Kind, Node};

/// Declares how a text of a certain form is decoded: what it is called, its regular expression for
/// editors, and the function that reads it, whose error is a sentence for the user.
macro_rules! text_form {
    ($type:ty, $what:literal, $pattern:expr, $code:ident, $read:expr) => {
        impl Decode for $type {
            fn shape() -> Shape {
                let pattern: Option<&str> = $pattern;
                Shape::Text { what: $what, pattern: pattern.map(str::to_owned) }
            }
            fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
                let (text, _) = decoder.text(node, $what)?;
                let read: fn(&str) -> Result<$type, _> = $read;
                match read(text) {
                    Ok(value) => Some(value),
                    Err(refused) => {
                        let headline = match text {
                            "" => format!("an empty text is not {}", $what),
                            text => format!("`{}` is not {}", shortened(text), $what),
                        };
                        $crate::spec::words::Refused::from(refused).report(
                            diagnostic::$code,
                            node,
                            headline,
                            decoder,
                        )
                    }
                }
            }
        }
    };
}
pub(super) use text_form;

/// Why a text is not of its form, and the text that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A sentence, lower case, without a full stop.
    pub reason: String,
    pub instead: Option<String>,
    /// Whether that is certain, or needs a second look.
    pub certain: bool,
}

impl Refused {
    /// A reason with the text that was probably meant.
    pub fn instead(reason: impl Into<String>, text: impl Into<String>) -> Self {
        Refused { reason: reason.into(), instead: Some(text.into()), certain: true }
    }

    /// A reason with a text that may have been meant.
    pub fn perhaps(reason: impl Into<String>, text: impl Into<String>) -> Self {
        Refused { certain: false, ..Refused::instead(reason, text) }
    }

    /// Reports it at the node.
    pub fn report<T>(
        self,
        code: Code,
        node: &Node,
        headline: String,
        decoder: &mut Decoder,
    ) -> Option<T> {
        let mut diagnostic = Diagnostic::error(code, node.span, headline).note(self.reason);
        if let Some(text) = self.instead {
            let quoted = matches!(node.kind, Kind::Scalar { quoted: true, .. });
            let replacement = if quoted { format!("\"{text}\"") } else { text.clone() };
            diagnostic = diagnostic.help(format!("write `{text}`"));
            diagnostic = match self.certain {
                true => diagnostic.fix(node.span, replacement),
                false => diagnostic.maybe(node.span, replacement),
            };
        }
        decoder.report(diagnostic);
        None
    }
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Refused { reason, instead: None, certain: false }
    }
}

impl From<&str> for Refused {
    fn from(reason: &str) -> Self {
        Refused { reason: reason.to_owned(), instead: None, certain: false }
    }
}

/// A length of time, in seconds. `m` is minutes and `y` 365 days; there are no months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

impl Duration {
    const UNITS: [(&'static str, u64); 6] =
        [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800), ("y", 31_536_000)];

    /// Reads `90s`, `15m`, `26h`, `30d`, `4w`, `2y`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "a number and one of s, m (minutes), h, d, w, y: `15m`, `26h`, `30d`, `2y`";
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wanted)?;
        let (digits, unit) = text.split_at(split);
        let (_, seconds) = Self::UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wanted)?;
        let count: u64 = digits.parse().map_err(|_| wanted())?;
        if count == 0 {
            return Err("a duration is at least 1 of its unit".into());
        }
        count
            .checked_mul(*seconds)
            .filter(|total| *total <= 100 * 31_536_000)
            .map(Duration)
            .ok_or_else(|| "at most 100y".into())
    }

    /// Whole days, rounded down.
    pub fn days(self) -> i64 {
        (self.0 / 86_400) as i64
    }

    /// Whether it is a whole number of days.
    pub fn is_whole_days(self) -> bool {
        self.0.is_multiple_of(86_400)
    }

    /// Seconds.
    pub fn seconds(self) -> i64 {
        self.0 as i64
    }
}

impl fmt::Display for Duration {
    /// In the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = Self::UNITS
            .iter()
            .rev()
            .filter(|(unit, _)| *unit != "w")
            .find(|(_, seconds)| self.0.is_multiple_of(*seconds))
            .unwrap_or(&("s", 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

text_form!(
    Duration,
    "a duration such as `30d`",
    Some("^[1-9][0-9]*(s|m|h|d|w|y)$"),
    LW0305,
    |text| Duration::parse(text).map_err(|reason| match text.parse::<u16>() {
        Ok(1..) => Refused::perhaps(reason, format!("{text}d")),
        _ => Refused::from(reason),
    })
);

/// A number of bytes. Units are binary: KiB, MiB, GiB, TiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    /// Reads `128MiB`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "a number and one of KiB, MiB, GiB, TiB: `128MiB`";
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wanted)?;
        let (digits, unit) = text.split_at(split);
        let shift = match unit {
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "TiB" => 40,
            _ => return Err(wanted().into()),
        };
        let count: u64 = digits.parse().map_err(|_| wanted())?;
        count.checked_mul(1 << shift).map(Size).ok_or_else(|| "that is more than there is".into())
    }

    /// Whole mebibytes, if it is a whole number of them.
    pub fn mebibytes(self) -> Option<i64> {
        self.0.is_multiple_of(1 << 20).then_some((self.0 >> 20) as i64)
    }
}

text_form!(
    Size,
    "a size such as `128MiB`",
    Some("^[1-9][0-9]*(KiB|MiB|GiB|TiB)$"),
    LW0305,
    |text| Size::parse(text).map_err(|reason| {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = text[digits.len()..].to_ascii_uppercase();
        let meant = ["KiB", "MiB", "GiB", "TiB"].into_iter().find(|known| {
            let letter = &known[..1];
            unit == letter || unit == format!("{letter}B") || unit == known.to_ascii_uppercase()
        });
        match meant.map(|meant| format!("{digits}{meant}")).filter(|it| Size::parse(it).is_ok()) {
            Some(meant) => Refused::perhaps(reason, meant),
            None => Refused::from(reason),
        }
    })
);

/// When something runs: EventBridge's `rate(...)` and `cron(...)`, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(pub String);

impl Schedule {
    /// Reads the two forms of "Schedule types in EventBridge Scheduler"
    /// (<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>): a rate of at
    /// least one minute with the unit in the right number, or six cron fields of which exactly one
    /// of day-of-month and day-of-week is `?`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let inner = |word: &str| {
            text.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')').map(str::to_owned)
        };
        if let Some(rate) = inner("rate") {
            let mut words = rate.split_whitespace();
            let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
                return Err("a rate is a number and a unit: `rate(5 minutes)`".into());
            };
            let count: u32 = count
                .parse()
                .ok()
                .filter(|count| *count > 0)
                .ok_or("the number of a rate is at least 1: `rate(1 hour)`")?;
            let singular = matches!(unit, "minute" | "hour" | "day");
            let plural = matches!(unit, "minutes" | "hours" | "days");
            return match (count, singular, plural) {
                (1, true, _) | (2.., _, true) => Ok(Schedule(text.to_owned())),
                (1, _, true) => Err(Refused::instead(
                    "one is singular",
                    format!("rate(1 {})", unit.trim_end_matches('s')),
                )),
                (_, true, _) => Err(Refused::instead(
                    "more than one is plural",
                    format!("rate({count} {unit}s)"),
                )),
                _ => Err("the units of a rate are minutes, hours and days".into()),
            };
        }
        if let Some(cron) = inner("cron") {
            let fields: Vec<&str> = cron.split_whitespace().collect();
            if fields.len() != 6 {
                return Err(format!(
                    "a cron expression has 6 fields (minute, hour, day of month, month, day of week, year), this one has {}",
                    fields.len()
                )
                .into());
            }
            if (fields[2] == "?") == (fields[4] == "?") {
                return Err("exactly one of day of month and day of week is `?`".into());
            }
            check_cron(&fields)?;
            return Ok(Schedule(text.to_owned()));
        }
        Err("it reads `rate(1 hour)` or `cron(0 3 * * ? *)`, in UTC".into())
    }
}

/// Each field holds numbers within its bounds, names where it has some, and the signs that
/// EventBridge knows.
fn check_cron(fields: &[&str]) -> Result<(), String> {
    const MONTHS: [&str; 12] =
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    /// Name, bounds, names of values, signs of its own.
    type Field<'a> = (&'a str, u32, u32, &'a [&'a str], &'a [char]);
    let rules: [Field; 6] = [
        ("minute", 0, 59, &[], &[]),
        ("hour", 0, 23, &[], &[]),
        ("day of month", 1, 31, &[], &['?', 'L', 'W']),
        ("month", 1, 12, &MONTHS, &[]),
        ("day of week", 1, 7, &DAYS, &['?', 'L', '#']),
        ("year", 1970, 2199, &[], &[]),
    ];
    for (field, (name, low, high, names, signs)) in fields.iter().zip(rules) {
        for part in field.split([',', '-', '/', '#']) {
            let bare = part.trim_matches(|c| signs.contains(&c));
            let known = bare == "*"
                || (bare.is_empty() && !part.is_empty())
                || names.contains(&bare.to_ascii_uppercase().as_str())
                || bare.parse::<u32>().is_ok_and(|n| (low..=high).contains(&n))
                || (field.contains('/') && bare.parse::<u32>().is_ok_and(|n| n <= high));
            if !known {
                return Err(format!("`{field}` cannot be a {name}: from {low} to {high}"));
            }
        }
    }
    Ok(())
}

text_form!(
    Schedule,
    "a schedule",
    Some(
        r"^(rate\([0-9]+ (minute|minutes|hour|hours|day|days)\)|cron\(\S+ \S+ \S+ \S+ \S+ \S+\))$"
    ),
    LW0305,
    Schedule::parse
);

impl Decode for AccountId {
    fn shape() -> Shape {
        Shape::Text { what: "an account id, quoted", pattern: Some("^[0-9]{12}$".to_owned()) }
    }
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let (text, quoted) = decoder.text(node, "an account id")?;
        let id = match AccountId::new(text) {
            Ok(id) => id,
            Err(reason) => {
                let headline = format!("`{}` is not an account id", shortened(text));
                decoder.report(
                    Diagnostic::error(diagnostic::LW0305, node.span, headline).note(reason),
                );
                return None;
            }
        };
        if quoted {
            return Some(id);
        }
        let mut diagnostic = Diagnostic::error(
            diagnostic::LW0302,
            node.span,
            format!("the account id `{text}` has to be quoted"),
        )
        .fix(node.span, format!("\"{text}\""));
        if text.starts_with('0') {
            diagnostic = diagnostic
                .note("without quotes some readers of YAML take it for octal and lose the zero");
        }
        decoder.report(diagnostic);
        None
    }
}

text_form!(
    Region,
    "a region such as `eu-west-1`",
    Some("^[a-z]+(-[a-z]+)+-[0-9]$"),
    LW0308,
    |text| {
        match (Region::new(text), crate::catalogue::region(text)) {
            (Ok(region), Some(_)) => Ok(region),
            (Err(reason), _) => Err(Refused::from(reason)),
            (Ok(_), None) => {
                let known = crate::catalogue::regions().map(|region| region.name);
                let reason = "no AWS region is called that";
                Err(match diagnostic::nearest(text, known) {
                    Some(near) => Refused::instead(reason, near),
                    None => reason.into(),
                })
            }
        }
    }
);
text_form!(
    BucketName,
    "a bucket name",
    Some("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"),
    LW0309,
    |text| { BucketName::new(text) }
);
text_form!(Arn, "an ARN", Some("^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+$"), LW0305, |text| {
    Arn::new(text)
});
text_form!(Name, "a name", Some("^[a-z][a-z0-9_-]*$"), LW0206, |text| {
    Name::new(text).map_err(|reason| {
        let mended = super::decode::mended_name(text, false);
        match Name::new(&mended) {
            Ok(_) => Refused::instead(reason, mended),
            Err(_) => Refused::from(reason),
        }
    })
});

/// A prefix of object keys: ends in a slash, starts with none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Prefix(pub String);

impl Prefix {
    /// Reads `tmp/`. S3 allows nearly any character in a key (S3 User Guide, "Naming Amazon S3
    /// objects"); here are refused those that mean something in a policy, a URL or a terminal.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text.is_empty() {
            return Err("without `prefix`, it is about everything: take the key out".into());
        }
        if !text.ends_with('/') {
            return Err(Refused::instead("a prefix ends in a slash", format!("{text}/")));
        }
        Self::check(text)?;
        Ok(Prefix(text.to_owned()))
    }

    fn check(text: &str) -> Result<(), String> {
        if text.starts_with('/') || text.contains("//") {
            return Err("a prefix has no empty part".into());
        }
        if text.split('/').any(|part| part == "." || part == "..") {
            return Err("a prefix has no part `.` or `..`".into());
        }
        if text.len() > 900 {
            return Err(
                "a prefix has at most 900 bytes, which leaves room in a key of 1,024".into()
            );
        }
        match text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || "!-_.'()/=+@:,&$; ".contains(*c)))
        {
            Some(bad) => Err(format!("`{}` cannot stand in a prefix", bad.escape_default())),
            None if text.contains("${") => Err("`${` cannot stand in a prefix".into()),
            None => Ok(()),
        }
    }
}

text_form!(Prefix, "a prefix such as `tmp/`", Some("^[^/].*/$"), LW0305, Prefix::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        for (text, seconds) in
            [("90s", 90), ("15m", 900), ("26h", 93_600), ("4w", 2_419_200), ("2y", 63_072_000)]
        {
            assert_eq!(Duration::parse(text).map(|d| d.0), Ok(seconds), "{text}");
        }
        for bad in ["", "30", "d", "0d", "1mo", "-1d", "1.5h", "99999999999999999999d", "101y"] {
            assert!(Duration::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Duration(63_072_000).to_string(), "2y");
        assert_eq!(Duration(93_600).to_string(), "26h");
        assert_eq!(Duration(28 * 86_400).to_string(), "28d");
    }

    #[test]
    fn schedules_are_eventbridges() {
        for good in [
            "rate(1 day)",
            "rate(5 minutes)",
            "cron(0 3 * * ? *)",
            "cron(0/15 8-18 ? * MON-FRI *)",
            "cron(0 0 L * ? 2027)",
            "cron(0 10 ? * 6#3 *)",
        ] {
            assert!(Schedule::parse(good).is_ok(), "{good}: {:?}", Schedule::parse(good));
        }
        for bad in [
            "",
            "rate(1 days)",
            "rate(2 day)",
            "rate(0 hours)",
            "cron(0 3 * * *)",
            "cron(0 3 * * * *)",
            "cron(0 25 * * ? *)",
            "cron(0 3 ? * ? *)",
            "every day",
        ] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_hold_nothing_that_a_policy_would_read() {
        assert!(Prefix::parse("tmp/day=1/").is_ok());
        for bad in [
            "tmp",
            "/tmp/",
            "a//b/",
            "a*/",
            "a?/",
            "${aws:username}/",
            "a\"/",
            "a{b}/",
            "../",
            "a\n/",
        ] {
            assert!(Prefix::parse(bad).is_err(), "{bad:?}");
        }
    }
}
