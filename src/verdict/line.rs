//! Numbers, dates and addresses: values on a line, which a policy cuts at finitely many points.
//!
//! Between two cuts all values are alike, so each cut and one value of each gap stand for all. Decimal numbers are kept
//! exactly, in units of 10^-15; dates as seconds since 1970 on the same line; addresses as numbers, IPv4 and IPv6 apart.
//! Source: IAM User Guide, "Condition operators" (numeric, date, IP address).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::operator::Order;

/// Units in one.
const UNIT: i128 = 1_000_000_000_000_000;
/// The largest magnitude, in ones, that is read.
const MOST: i128 = 10_000_000_000_000_000_000;

/// A decimal number, exactly; `None` for what is none, or has over 12 decimals or 19 digits.
pub fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 12 || whole.trim_start_matches('0').len() > 19 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if whole > MOST {
        return None;
    }
    let parts: i128 = format!("{fraction:0<15}").parse().ok()?;
    let value = whole * UNIT + parts;
    Some(if negative { -value } else { value })
}

/// A number as text, without what it does not need.
pub fn number_text(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, parts) = (value.unsigned_abs() / UNIT as u128, value.unsigned_abs() % UNIT as u128);
    match parts {
        0 => format!("{sign}{whole}"),
        parts => {
            let parts = format!("{parts:015}");
            format!("{sign}{whole}.{}", parts.trim_end_matches('0'))
        }
    }
}

/// A date in ISO 8601 or as seconds since 1970, in units of the line.
pub fn date(text: &str) -> Option<i128> {
    if let Some(seconds) = number(text) {
        // a year alone is a date too, but so short a number of seconds is not worth the doubt
        return Some(seconds);
    }
    let text = text.trim();
    let (day, time) = match text.split_once(['T', 't', ' ']) {
        Some((day, time)) => (day, time),
        None => (text, "00:00:00Z"),
    };
    let mut parts = day.splitn(3, '-');
    let year: i64 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: i64 = two(parts.next()?)?;
    let day: i64 = two(parts.next()?)?;
    let (clock, offset) = zone(time)?;
    let mut fields = clock.splitn(3, ':');
    let hour = two(fields.next()?)?;
    let minute = two(fields.next()?)?;
    let seconds = match fields.next() {
        None => 0,
        Some(text) => number(text).filter(|s| *s >= 0 && *s < 61 * UNIT)?,
    };
    if !(1..=12).contains(&month)
        || !(1..=days_in(year, month)).contains(&day)
        || hour > 24
        || minute > 59
    {
        return None;
    }
    let minutes =
        i128::from(days(year, month, day)) * 1440 + i128::from(hour * 60 + minute - offset);
    Some(minutes * 60 * UNIT + seconds)
}

fn two(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A time and its offset in minutes.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, offset) = time.split_at(at);
    let (sign, offset) = offset.split_at(1);
    let (hours, minutes) = match offset.split_once(':') {
        Some((hours, minutes)) => (two(hours)?, two(minutes)?),
        None if offset.len() == 4 => (two(&offset[..2])?, two(&offset[2..])?),
        None => (two(offset)?, 0),
    };
    let minutes = hours * 60 + minutes;
    Some((clock, if sign == "-" { -minutes } else { minutes }))
}

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // years begin in March, so that the leap day comes last
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A date as text, in UTC; as seconds where no calendar year of four digits holds it.
pub fn date_text(value: i128) -> String {
    let seconds = value.div_euclid(UNIT);
    let parts = value.rem_euclid(UNIT);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let Ok(number) = i64::try_from(day) else { return number_text(value) };
    let shifted = number + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + late;
    if !(1000..=9999).contains(&year) {
        return number_text(value);
    }
    let fraction = match parts {
        0 => String::new(),
        parts => format!(".{}", format!("{parts:015}").trim_end_matches('0')),
    };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Whether `left` stands to `right` as `order` says.
pub fn holds(left: i128, order: Order, right: i128) -> bool {
    match order {
        Order::Equal => left == right,
        Order::Less => left < right,
        Order::LessOrEqual => left <= right,
        Order::Greater => left > right,
        Order::GreaterOrEqual => left >= right,
    }
}

/// The cuts, and a value from each gap: whole seconds or numbers where there is one.
pub fn representatives(mut cuts: Vec<i128>) -> Vec<i128> {
    cuts.sort_unstable();
    cuts.dedup();
    let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else { return vec![0] };
    let (first, last) = (first - UNIT, last + UNIT);
    let mut out = vec![first.div_euclid(UNIT) * UNIT];
    for pair in cuts.windows(2) {
        out.push(pair[0]);
        let whole = (pair[0].div_euclid(UNIT) + 1) * UNIT;
        out.push(if whole < pair[1] { whole } else { i128::midpoint(pair[0], pair[1]) });
    }
    out.extend(cuts.last());
    out.push(last);
    out
}

/// A range of addresses: whether of version 6, the first and the last, as numbers.
pub type Range = (bool, u128, u128);

/// An address or a range such as `203.0.113.0/24`; bits behind the mask do not count.
pub fn range(text: &str) -> Option<Range> {
    let text = text.trim();
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (six, bits, width) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (true, u128::from(address), 128),
    };
    let mask = mask.unwrap_or(width);
    if mask > width {
        return None;
    }
    let host = match width - mask {
        128 => u128::MAX,
        free => (1_u128 << free) - 1,
    };
    Some((six, bits & !host, bits | host))
}

/// The first address of each stretch between the ends of ranges.
pub fn addresses(ranges: &[Range]) -> Vec<(bool, u128)> {
    // documentation addresses for the stretch that a policy does not name (RFC 5737, RFC 3849)
    let mut starts = vec![
        (false, 0),
        (true, 0),
        (false, u128::from(u32::from(Ipv4Addr::new(198, 51, 100, 7)))),
        (true, u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7))),
    ];
    for (six, first, last) in ranges {
        starts.push((*six, *first));
        let most = if *six { u128::MAX } else { u128::from(u32::MAX) };
        if *last < most {
            starts.push((*six, last + 1));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    // the two documentation addresses first, as they read best
    starts.sort_by_key(|(six, at)| {
        let known = u128::from(u32::from(Ipv4Addr::new(198, 51, 100, 7)));
        (*six, *at != known && *at == 0, *at != known)
    });
    starts
}

/// An address as text.
pub fn address_text((six, at): (bool, u128)) -> String {
    if six {
        return Ipv6Addr::from(at).to_string();
    }
    Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_addresses() {
        assert_eq!(number("5.0"), number("5"));
        assert_eq!(number_text(number("-1.50").unwrap()), "-1.5");
        assert_eq!(number("1e3"), None);
        assert_eq!(date("1970-01-02"), number("86400"));
        assert_eq!(date("2024-02-29T12:00:00+02:00"), date("2024-02-29T10:00:00Z"));
        assert_eq!(date_text(date("2026-11-23T08:09:10Z").unwrap()), "2026-11-23T08:09:10Z");
        assert_eq!(date("2023-02-29"), None);
        assert_eq!(range("10.1.2.3/8"), range("10.0.0.0/8"));
        assert_ne!(range("::/0"), range("0.0.0.0/0"));
        assert_eq!(range("10.0.0.0/33"), None);
    }

    #[test]
    fn every_gap_has_a_value() {
        let cuts = vec![number("1").unwrap(), number("2").unwrap()];
        let texts: Vec<String> = representatives(cuts).into_iter().map(number_text).collect();
        assert_eq!(texts, ["0", "1", "1.5", "2", "3"]);
    }
}
