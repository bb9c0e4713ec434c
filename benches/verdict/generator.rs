//! Policies in bulk: the same on every run.

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn document(statements: &[String]) -> String {
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(","))
}

fn statement(effect: &str, actions: &str, resource: &str, condition: &str) -> String {
    let condition = if condition.is_empty() {
        String::new()
    } else {
        format!(", \"Condition\": {{{condition}}}")
    };
    format!(
        "{{\"Effect\": \"{effect}\", \"Action\": [{actions}], \"Resource\": [{resource}]{condition}}}"
    )
}

const ACTIONS: [&str; 8] = [
    r#""s3:GetObject", "s3:GetObjectVersion""#,
    r#""s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts""#,
    r#""s3:Get*", "s3:List*""#,
    r#""kms:Decrypt", "kms:DescribeKey""#,
    r#""glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions""#,
    r#""s3:*""#,
    r#""logs:CreateLogStream", "logs:PutLogEvents""#,
    r#""dynamodb:*Item", "dynamodb:Query""#,
];

fn resource(dice: &mut Dice) -> String {
    let (bucket, prefix) = (dice.roll(12), dice.roll(20));
    match dice.roll(4) {
        0 => format!("\"arn:aws:s3:::lake-{bucket}/*\""),
        1 => format!("\"arn:aws:s3:::lake-{bucket}\", \"arn:aws:s3:::lake-{bucket}/p{prefix}/*\""),
        2 => format!("\"arn:aws:glue:eu-west-1:111122223333:table/db{bucket}/t{prefix}\""),
        _ => format!("\"arn:aws:s3:::lake-{bucket}/*/year={prefix}/*\""),
    }
}

fn condition(dice: &mut Dice) -> String {
    match dice.roll(5) {
        0 => r#""StringEquals": {"aws:ResourceAccount": "111122223333"}"#.to_owned(),
        1 => format!(r#""StringLike": {{"s3:prefix": ["a/*", "b{}/*"]}}"#, dice.roll(9)),
        2 => format!(r#""IpAddress": {{"aws:SourceIp": "10.{}.0.0/16"}}"#, dice.roll(20)),
        _ => String::new(),
    }
}

fn any(dice: &mut Dice) -> String {
    let effect = if dice.roll(6) == 0 { "Deny" } else { "Allow" };
    let actions = ACTIONS[dice.roll(ACTIONS.len())];
    statement(effect, actions, &resource(dice), &condition(dice))
}

/// Pairs of roles with 20 statements each: a fifth the same in another order, the rest changed in some statements.
pub fn roles(count: usize) -> Vec<(String, String)> {
    let mut dice = Dice(3);
    let pair = |at: usize| {
        let old: Vec<String> = (0..20).map(|_| any(&mut dice)).collect();
        let mut new = old.clone();
        for _ in 0..at % 5 {
            let place = dice.roll(20);
            new[place] = any(&mut dice);
        }
        new.reverse();
        (document(&old), document(&new))
    };
    (0..count).map(pair).collect()
}

/// Eight keys with a value each out of `sides`, under operators of every kind.
fn eight(values: &[usize; 8]) -> String {
    let [a, b, c, d, e, f, g, h] = values;
    format!(
        r#""StringLike": {{"k:a": "*{a}*x*{b}*", "k:b": "v{b}*"}}, "StringNotLike": {{"k:c": "*{c}*{d}*"}},
        "NumericLessThan": {{"k:d": "{d}"}}, "IpAddress": {{"k:e": "10.{e}.0.0/12"}},
        "DateGreaterThan": {{"aws:CurrentTime": "20{:02}-01-01T00:00:00Z"}}, "Bool": {{"k:g": "{}"}},
        "StringEqualsIgnoreCase": {{"k:h": ["V{h}", "w{f}"]}}"#,
        10 + f,
        g % 2 == 0
    )
}

fn rolled(dice: &mut Dice, sides: usize) -> [usize; 8] {
    std::array::from_fn(|_| dice.roll(sides))
}

/// Pairs with 200 statements on each side, and some that are hard.
pub fn pairs() -> Vec<(&'static str, String, String)> {
    let mut dice = Dice(11);
    let mut pairs = Vec::new();
    let plain: Vec<String> = (0..200).map(|_| any(&mut dice)).collect();
    let mut changed = plain.clone();
    changed[199] = statement("Allow", r#""s3:PutObject""#, r#""arn:aws:s3:::new/*""#, "");
    pairs.push(("200 plain, one new", document(&plain), document(&changed)));
    let other: Vec<String> = (0..200).map(|_| any(&mut dice)).collect();
    pairs.push(("200 plain, all others", document(&plain), document(&other)));

    // each new one is covered by two old ones together, none by one
    let read = |prefix: usize| format!("\"arn:aws:s3:::lake/p{prefix}/*\"");
    let mut halves = Vec::new();
    let mut whole = Vec::new();
    for at in 0..100 {
        halves.push(statement("Allow", r#""s3:GetObject", "s3:ListBucket""#, &read(at), ""));
        halves.push(statement("Allow", r#""s3:PutObject*""#, &read(at), ""));
        for part in ["a*", "b?c*"] {
            let resource = format!("\"arn:aws:s3:::lake/p{at}/{part}\"");
            whole.push(statement("Allow", r#""s3:GetObject", "s3:PutObject""#, &resource, ""));
        }
    }
    pairs.push(("200 narrowed, covered in pieces", document(&halves), document(&whole)));

    // stars everywhere
    let starred = |dice: &mut Dice, count: usize| -> Vec<String> {
        (0..count)
            .map(|_| {
                let [a, b, c, d, ..] = rolled(dice, 26).map(|n| char::from(b'a' + n as u8));
                let resource = format!("\"arn:aws:s3:::*{a}*{b}*{c}*{d}*\"");
                let effect = if dice.roll(5) == 0 { "Deny" } else { "Allow" };
                statement(effect, &format!("\"s3:*{a}*t*{b}*\""), &resource, "")
            })
            .collect()
    };
    let one = starred(&mut dice, 200);
    let two = starred(&mut dice, 200);
    pairs.push(("200 with several stars, all others", document(&one), document(&two)));
    let fewer: Vec<String> =
        one.iter().filter(|s| s.contains("Allow")).take(120).cloned().collect();
    let denies = one.iter().filter(|s| s.contains("Deny")).cloned();
    let fewer: Vec<String> = fewer.into_iter().chain(denies).collect();
    pairs.push(("200 with several stars, some removed", document(&one), document(&fewer)));

    // eight keys
    let keyed = |dice: &mut Dice, count: usize| -> Vec<String> {
        (0..count)
            .map(|_| {
                let effect = if dice.roll(6) == 0 { "Deny" } else { "Allow" };
                let [a, b, ..] = rolled(dice, 5);
                let resource = format!("\"arn:aws:s3:::*{a}*/{b}*\"");
                statement(effect, r#""s3:*Object*""#, &resource, &eight(&rolled(dice, 9)))
            })
            .collect()
    };
    let one = keyed(&mut dice, 200);
    let two = keyed(&mut dice, 200);
    pairs.push(("200 with eight keys, all others", document(&one), document(&two)));
    let mut narrowed = one.clone();
    for statement in narrowed.iter_mut().filter(|s| s.contains("\"Allow\"")) {
        *statement = statement.replace("s3:*Object*", "s3:*Object");
    }
    pairs.push(("200 with eight keys, each narrowed", document(&one), document(&narrowed)));

    // all combinations of eight truths, each with its negation: covered, and by no single statement
    let mut corners = Vec::new();
    for corner in 0..256_u32 {
        let keys: Vec<String> = (0..8)
            .map(|key| {
                let word = corner >> key & 1 == 1;
                format!(r#""k:{key}": "{word}""#)
            })
            .collect();
        let condition = format!("\"BoolIfExists\": {{{}}}", keys.join(", "));
        corners.push(statement("Allow", r#""s3:*""#, r#""*""#, &condition));
    }
    let everything = vec![statement("Allow", r#""s3:GetObject""#, r#""*""#, "")];
    pairs.push(("256 corners of eight keys, covered", document(&corners), document(&everything)));
    corners.remove(77);
    pairs.push((
        "256 corners of eight keys, one missing",
        document(&corners),
        document(&everything),
    ));

    // one resource that has to avoid many globs, and a cover by prefixes of a star
    let avoid: Vec<String> = (0..200)
        .map(|at| {
            let (a, b, c) = (at % 7, at % 11, at % 13);
            let resource = format!("\"*{a}*{b}*{c}*\"");
            statement("Allow", r#""s3:*""#, &resource, "")
        })
        .collect();
    let star = vec![statement("Allow", r#""s3:*""#, r#""*0*1*2*3*4*5*6*7*8*9*""#, "")];
    pairs.push(("200 globs against one of ten stars", document(&avoid), document(&star)));
    let hard: Vec<String> = (0..14)
        .map(|at| {
            let letter = char::from(b'a' + at as u8);
            statement("Deny", r#""s3:*""#, &format!("\"*{letter}???????{letter}*\""), "")
        })
        .chain([statement("Allow", r#""s3:*""#, r#""*""#, "")])
        .collect();
    let harder: Vec<String> = hard.iter().map(|s| s.replace("???????", "??????*")).collect();
    pairs.push(("questions between stars, narrowed", document(&hard), document(&harder)));
    let all: String =
        (0..14).map(|at| format!("*{}", char::from(b'a' + at as u8))).collect::<String>();
    let must = |text: &str| vec![statement("Allow", r#""s3:*""#, text, "")];
    let cover: Vec<String> = (0..14)
        .map(|at| {
            let letter = char::from(b'a' + at as u8);
            statement("Allow", r#""s3:*""#, &format!("\"*{letter}?*\""), "")
        })
        .collect();
    pairs.push((
        "fourteen stars, covered by the last letters",
        document(&cover),
        document(&must(&format!("\"{all}*z\""))),
    ));
    // a word with an `a` at each of 24 distances from another, but at most seven of them: there is none (21 pairs), and
    // to see that is to try
    let ruler: Vec<String> = (1..25)
        .map(|distance| {
            let between = "?".repeat(distance - 1);
            let text = format!("\"*a{between}a*\"");
            statement("Allow", r#""s3:*""#, &text, "").replace("\"Resource\"", "\"NotResource\"")
        })
        .chain([statement("Allow", r#""s3:*""#, &format!("\"{}*\"", "*a".repeat(8)), "")])
        .collect();
    pairs.push(("a ruler that cannot be", document(&ruler), document(&must("\"*\""))));
    let rulers: Vec<String> = (0..8).flat_map(|key| {
        let ruler = (1..25).map(move |distance| {
            let between = "?".repeat(distance - 1);
            let condition = format!(r#""StringNotLike": {{"k:{key}": "*a{between}a*"}}, "Null": {{"k:{key}": "false"}}"#);
            statement("Allow", r#""s3:*""#, "\"*\"", &condition)
        });
        let most = format!(r#""StringLike": {{"k:{key}": "{}*"}}"#, "*a".repeat(8));
        ruler.chain([statement("Allow", r#""s3:*""#, "\"*\"", &most)])
    }).collect();
    let present: Vec<String> = (0..8).map(|key| format!(r#""k:{key}": "false""#)).collect();
    let present =
        statement("Allow", r#""s3:*""#, "\"*\"", &format!("\"Null\": {{{}}}", present.join(", ")));
    pairs.push(("eight keys with such rulers", document(&rulers), document(&[present])));
    // each of 60 boxes takes one corner of three of 24 truths: a covering that only trying decides
    let mut boxes: Vec<String> = Vec::new();
    for _ in 0..110 {
        let mut keys: Vec<usize> = Vec::new();
        while keys.len() < 3 {
            let key = dice.roll(24);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let truths: Vec<String> =
            keys.iter().map(|key| format!(r#""k:{key}": "{}""#, dice.roll(2) == 0)).collect();
        boxes.push(statement(
            "Allow",
            r#""s3:*""#,
            "\"*\"",
            &format!("\"BoolIfExists\": {{{}}}", truths.join(", ")),
        ));
    }
    for key in 0..24 {
        boxes.push(statement(
            "Allow",
            r#""s3:*""#,
            "\"*\"",
            &format!(r#""Null": {{"k:{key}": "true"}}"#),
        ));
    }
    pairs.push(("a random formula of 24 truths", document(&boxes), document(&must("\"*\""))));
    let exponential: Vec<String> = (0..12)
        .map(|at| {
            let letter = char::from(b'a' + at as u8);
            let conditions = format!(r#""StringNotLike": {{"k:a": "*{letter}????????????????*"}}"#);
            statement("Allow", r#""s3:*""#, &format!("\"*{letter}????????????*\""), &conditions)
        })
        .collect();
    // 64 globs of ten stars each, under eight keys of which each may be absent or empty: once all others, once narrowed
    let letter = |at: usize| char::from(b'a' + (at % 26) as u8);
    let stars = |seed: usize| -> String {
        (0..10).map(|at| format!("*{}", letter(seed * 7 + at * (seed % 5 + 1)))).collect()
    };
    let globs = |from: usize, more: &str| -> Vec<String> {
        let one = |at: usize| {
            let condition = format!(
                r#""ForAnyValue:StringLikeIfExists": {{"k:{}": "*{}*"}}, "StringLike": {{"k:{}": "*{}*"}}"#,
                at % 3,
                letter(at),
                3 + at % 5,
                letter(at + 1)
            );
            statement("Allow", r#""s3:*""#, &format!("\"{}{more}*\"", stars(at)), &condition)
        };
        (from..from + 64).map(one).collect()
    };
    let ten = globs(0, "");
    pairs.push(("64 globs of ten stars, all others", document(&ten), document(&globs(64, ""))));
    pairs.push(("64 globs of ten stars, each narrowed", document(&ten), document(&globs(0, "*z"))));
    pairs.push((
        "made to blow up",
        document(&exponential),
        document(&must("\"*????????????????????*\"")),
    ));
    pairs
}
