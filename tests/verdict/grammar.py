"""Random policy documents in which every element, operator and kind of value occurs.

Small alphabets and short patterns on purpose: that is where patterns overlap, contain and just miss each
other. Keys are invented (`test:...`), one per type of value and one more for sets of it, so that nothing
is known about them but what the documents say. Invariant: the same seed gives the same documents.
"""

QUANTIFIERS = ("ForAllValues", "ForAnyValue")
BY_TYPE = {
    "text": ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
             "StringLike", "StringNotLike"],
    "number": ["Numeric" + s for s in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan",
                                       "GreaterThanEquals")],
    "date": ["Date" + s for s in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan",
                                  "GreaterThanEquals")],
    "address": ["IpAddress", "NotIpAddress"],
    "arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    "boolean": ["Bool"],
    "binary": ["BinaryEquals"],
}
VALUES = {
    "literal": ["a", "b", "ab", "ba", "A", "aB", "abc", "", "a b"],
    "glob": ["a", "b", "a*", "*b", "*", "?", "?*", "a?", "*a*", "A*", "ab", "a*b", ""],
    "number": ["0", "1", "2", "10", "1.5", "-1", "3600", "0.25"],
    "date": ["2024-01-01T00:00:00Z", "2024-06-30T12:00:00Z", "2025-01-01T00:00:00Z", "1704067200",
             "1719748800", "2024-01-01T00:00:01Z", "0"],
    "address": ["203.0.113.0/24", "203.0.113.128/25", "203.0.113.7/32", "203.0.113.7", "10.0.0.0/8", "0.0.0.0/0",
                "2001:db8::/32", "2001:db8:1::/48", "::/0", "192.0.2.0/24"],
    "arn": ["arn:aws:s3:::a", "arn:aws:s3:::a*", "arn:aws:s3:::*", "arn:aws:iam::111122223333:role/a",
            "arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:role/a", "arn:*:s3:::a", "arn:aws:s3:::a:b",
            "arn:aws:s3:::a?b", "arn:aws:sns:eu-*-1:111122223333:t", "arn:aws:sns:*:1:t", "arn:aws:sns:e:2:1:t",
            "arn:aws:sns:?:2:*:t"],
    "boolean": ["true", "false"],
    "binary": ["YQ==", "Yg==", "YWI="],
}
# Keys of AWS that hang together (axioms.py): (key, type of its operators, values)
OF_AWS = [
    ("aws:PrincipalArn", "arn", ["arn:aws:iam::111122223333:role/r", "arn:aws:iam::111122223333:role/*",
                                 "arn:aws:iam::444455556666:user/u", "arn:aws:iam::*:role/r", "arn:aws:iam::*:user/*",
                                 "arn:aws:iam::111122223333:root", "arn:aws:iam::*:root"]),
    ("aws:PrincipalArn", "text", ["arn:aws:iam::111122223333:role/r", "arn:aws:iam::444455556666:role/q"]),
    ("aws:PrincipalAccount", "text", ["111122223333", "444455556666", "999999999999", "anonymous"]),
    ("aws:PrincipalType", "text", ["User", "AssumedRole", "Account", "Anonymous"]),
    ("aws:userid", "text", ["anonymous", "AROA:x"]),
    ("aws:username", "text", ["u", "bob"]),
    ("aws:PrincipalIsAWSService", "boolean", ["true", "false"]),
    ("aws:PrincipalServiceName", "text", ["glue.amazonaws.com", "sns.amazonaws.com"]),
    ("aws:PrincipalOrgID", "text", ["o-1", "o-2"]),
    ("aws:SecureTransport", "boolean", ["true", "false"]),
    ("aws:ViaAWSService", "boolean", ["true", "false"]),
    ("aws:RequestedRegion", "text", ["eu-west-1", "us-east-1"]),
    ("aws:CurrentTime", "date", ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]),
    ("aws:SourceAccount", "text", ["111122223333", "444455556666"]),
    ("aws:SourceArn", "arn", ["arn:aws:sns:*:111122223333:t", "arn:aws:s3:::a", "arn:aws:sns:*:444455556666:*"]),
    ("aws:SourceIp", "address", ["203.0.113.0/24", "203.0.113.7"]),
    ("aws:SourceVpce", "text", ["vpce-1", "vpce-2"]),
]
KEYS = {kind: [f"test:{kind.title()}"] for kind in BY_TYPE}
KEYS["text"].append("test:Other")
SETS = {kind: f"test:{kind.title()}Set" for kind in BY_TYPE}
ACTIONS = ["s:a", "s:b", "s:ab", "s:a*", "s:*b", "s:*", "s:?", "s:A", "t:a", "t:*", "*", "S:AB", "s:a?", "t:ab*"]
ACCOUNTS = ["111122223333", "444455556666"]
PRINCIPALS = (
    ["*", {"AWS": "*"}]
    + [{"AWS": a} for a in ACCOUNTS]
    + [{"AWS": f"arn:aws:iam::{a}:root"} for a in ACCOUNTS]
    + [{"AWS": f"arn:aws:iam::{a}:{n}"} for a in ACCOUNTS for n in ("role/r", "role/q", "user/u")]
    + [{"AWS": "arn:aws:sts::111122223333:assumed-role/r/one"}, {"AWS": "arn:aws:sts::111122223333:assumed-role/r/two"}]
    + [{"Service": s} for s in ("glue.amazonaws.com", "firehose.amazonaws.com")]
    + [{"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"}]
    + [{"AWS": ["arn:aws:iam::111122223333:role/r", "444455556666"]},
       {"AWS": "arn:aws:iam::111122223333:role/r", "Service": "glue.amazonaws.com"}]
)
TRUST = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:AssumeRoleWithWebIdentity", "sts:*",
         "sts:AssumeRole*", "sts:assumerole"]


def some(dice, choices, most=3):
    """A value, or a list of one to `most`."""
    if dice.random() < 0.6:
        return dice.choice(choices)
    return [dice.choice(choices) for _ in range(dice.randint(1, most))]


def word(dice, letters, most):
    return "".join(dice.choice(letters) for _ in range(dice.randint(1, most)))


def resource(dice):
    draw = dice.random()
    if draw < 0.15:
        return "*"
    tail = word(dice, "aab*?/", 4)
    if draw < 0.35:
        return tail
    if draw < 0.8:
        return "arn:aws:s3:::" + dice.choice(["a", "b", "a*", "ab"]) + "/" + tail
    head = f"arn:aws:sqs:{dice.choice(['eu-1', '*', 'eu-?', 'eu-*'])}:{dice.choice(['1', '2', '*'])}:"
    return head + tail


def operator(dice, kind, of_set):
    if dice.random() < 0.12:
        return "Null"
    name = dice.choice(BY_TYPE[kind])
    if dice.random() < 0.3:
        name += "IfExists"
    return f"{dice.choice(QUANTIFIERS)}:{name}" if of_set else name


def values(dice, kind, name):
    if name == "Null":
        return dice.choice(["true", "false"])
    choices = VALUES[kind] if kind != "text" else VALUES["glob" if "Like" in name else "literal"]
    return some(dice, choices)


def condition(dice, block):
    """Adds a line to a Condition block; of a key that holds a set, sometimes two at once."""
    if dice.random() < 0.15:
        key, kind, choices = dice.choice(OF_AWS)
        name = operator(dice, kind, False)
        held = dice.choice(["true", "false"]) if name == "Null" else some(dice, choices)
        if key not in block.setdefault(name, {}):
            block[name][key] = held
        return
    of_set = dice.random() < 0.4
    kind = dice.choice([*BY_TYPE, "text", "boolean", "binary"])
    key = SETS[kind] if of_set else dice.choice(KEYS[kind])
    for _ in range(2 if of_set and dice.random() < 0.5 else 1):
        name = operator(dice, kind, of_set)
        lines = block.setdefault(name, {})
        if not any(k.lower() == key.lower() for k in lines):
            lines[key if dice.random() < 0.9 else key.swapcase()] = values(dice, kind, name)


def statement(dice, kind):
    out = {"Effect": "Allow" if dice.random() < 0.7 else "Deny"}
    if kind != "identity":
        out["NotPrincipal" if kind == "resource" and dice.random() < 0.1 else "Principal"] = dice.choice(PRINCIPALS)
    if kind == "trust":
        out["Action"] = some(dice, TRUST)
    else:
        out["NotAction" if dice.random() < 0.12 else "Action"] = some(dice, ACTIONS)
        chosen = [resource(dice)] if dice.random() < 0.6 else [resource(dice) for _ in range(dice.randint(1, 3))]
        out["NotResource" if dice.random() < 0.12 else "Resource"] = chosen[0] if len(chosen) == 1 else chosen
    lines = dice.choice([0, 0, 1, 1, 2])
    if lines:
        out["Condition"] = {}
        for _ in range(lines):
            condition(dice, out["Condition"])
    return out


def policy(dice, kind):
    return {"Version": "2012-10-17", "Statement": [statement(dice, kind) for _ in range(dice.randint(1, 3))]}


def with_variable(dice, out):
    """Puts a policy variable into one resource or one text of a condition."""
    name = dice.choice(["${test:Text}", "${test:Other}", "${test:Text, 'a'}", "${*}", "${TEST:TEXT}"])
    chosen = dice.choice(out["Statement"])
    for element in ("Resource", "NotResource"):
        if element in chosen:
            chosen[element] = dice.choice([f"arn:aws:s3:::a/{name}/*", f"arn:aws:s3:::a/{name}", f"a{name}", f"home/{name}/*"])
            return
    chosen.setdefault("Condition", {}).setdefault("StringLike", {})["test:Other"] = name + "*"
