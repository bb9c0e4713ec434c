"""Whether policy documents allow one request, read from AWS's pages and nothing else.

In: a policy (or a list of them), the kind of the documents (identity, trust, resource) and one request
{"principal", "action", "resource", "context": {key: "value" | ["value", ...]}}. Out: True or False.
Standard library only; it knows nothing of lakewright, whose verdicts it judges.

Where AWS's pages leave a question open, a `Reading` answers it, and the judge asks every reading in turn:
what all of them agree on is the truth. Read next: oracle.py, which decides pairs with it.

Sources, below https://docs.aws.amazon.com/IAM/latest/UserGuide/ : reference_policies_elements_condition_operators.html,
reference_policies_elements_resource.html, reference_policies_elements_principal.html,
reference_policies_elements_notprincipal.html, reference_policies_variables.html,
reference_policies_condition-single-vs-multi-valued-context-keys.html, reference_policies_evaluation-logic.html
"""

import base64
import binascii
import ipaddress
import re
from datetime import datetime, timezone
from fractions import Fraction
from typing import NamedTuple

from patterns import Unresolved, arn_matches, lookup, matches, pieces, regex, resource_matches


class Reading(NamedTuple):
    """An answer to each question that the pages leave open.

    colon: how `*` and `?` of a Resource meet colons: "whole" (the string as one), "six" (within the six
    segments of an ARN; as last character of a segment `*` goes on), "every" (the same, for every colon),
    "strict" (within the six segments; only as last character of all does `*` go on).
    What does not begin with `arn:` has no segments.
    wide: whether a value that is no number, date, address, ARN or boolean can come with such a key at all,
    and whether a resource can be the empty string, an action one without a service or a name.
    parties: whom NotPrincipal in a Deny leaves out: a principal whose account, role and "session" are all named
    (`role/a` is some session of it), one whose account and "role" (or user) are, one of whom "any" of them is.
    In an Allow it grants to everyone but the named, which is documented.
    any_if_exists: what ForAnyValue:...IfExists says without the key, and with an empty set.
    standing: whether it matters that a grant to an account only delegates, and that one to a role is held
    by its permissions boundary, while users and sessions are granted to directly.
    """

    colon: str = "whole"
    wide: bool = False
    parties: str = "any"
    any_if_exists: tuple = (True, True)
    standing: bool = True


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(policies):
    """(version, statement) for each statement of one policy or several."""
    for policy in listed(policies):
        version = policy.get("Version", "2008-10-17")
        for statement in listed(policy.get("Statement", [])):
            yield version, statement


# ------------------------------------------------------------------------------------- conditions


def number(text):
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text):
        return None
    return Fraction(text)


EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def instant(text):
    """Seconds since the epoch, from ISO 8601 or from the number itself."""
    plain = number(text)
    if plain is not None:
        return plain
    found = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d))?", text
    )
    if not found:
        return None
    year, month, day, hour, minute, second = (int(g or 0) for g in found.groups()[:6])
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    seconds = Fraction(int((at - EPOCH).total_seconds()))
    if found.group(7):
        seconds += Fraction(int(found.group(7)), 10 ** len(found.group(7)))
    zone = found.group(8)
    if zone and zone != "Z":
        sign = -1 if zone[0] == "+" else 1
        seconds += sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return seconds


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def octets(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def compares(convert, relation):
    def test(parts, value):
        wanted, given = convert("".join(t for t, _ in parts)), convert(value)
        return wanted is not None and given is not None and relation(given, wanted)

    return test


def text_equals(parts, value):
    return "".join(t for t, _ in parts) == value


def text_equals_folded(parts, value):
    return "".join(t for t, _ in parts).lower() == value.lower()


def text_like(parts, value):
    return matches(regex(parts), value)


def in_network(parts, value):
    wanted, given = network("".join(t for t, _ in parts)), address(value)
    return wanted is not None and given is not None and given.version == wanted.version and given in wanted


RELATIONS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
# operator -> (test of one value against one value of the policy, negated, type of the key's values)
OPERATORS = {
    "StringEquals": (text_equals, False, "text"),
    "StringNotEquals": (text_equals, True, "text"),
    "StringEqualsIgnoreCase": (text_equals_folded, False, "text"),
    "StringNotEqualsIgnoreCase": (text_equals_folded, True, "text"),
    "StringLike": (text_like, False, "text"),
    "StringNotLike": (text_like, True, "text"),
    "Bool": (text_equals_folded, False, "boolean"),
    "BinaryEquals": (compares(octets, RELATIONS["Equals"]), False, "binary"),
    "IpAddress": (in_network, False, "address"),
    "NotIpAddress": (in_network, True, "address"),
    "ArnEquals": (arn_matches, False, "arn"),
    "ArnLike": (arn_matches, False, "arn"),
    "ArnNotEquals": (arn_matches, True, "arn"),
    "ArnNotLike": (arn_matches, True, "arn"),
}
for _name, _convert, _type in (("Numeric", number, "number"), ("Date", instant, "date")):
    for _suffix, _relation in RELATIONS.items():
        OPERATORS[_name + _suffix] = (compares(_convert, _relation), False, _type)
    OPERATORS[_name + "NotEquals"] = (compares(_convert, RELATIONS["Equals"]), True, _type)


def well_formed(kind, value):
    """Whether a request can carry this value under a key of this type, if it carries only what parses."""
    if kind == "number":
        return number(value) is not None
    if kind == "date":
        return instant(value) is not None
    if kind == "address":
        return address(value) is not None
    if kind == "arn":
        return value.startswith("arn:") and value.count(":") >= 5
    if kind == "boolean":
        return value.lower() in ("true", "false")
    if kind == "binary":
        return octets(value) is not None
    return True


def parse_operator(name):
    """(set operator or "", operator, whether ...IfExists). Names of operators are matched as written."""
    quantifier, _, base = name.rpartition(":")
    if_exists = base.endswith("IfExists")
    return quantifier, base.removesuffix("IfExists"), if_exists


def scalar(value):
    """JSON booleans and numbers stand for their text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def condition_holds(operator, wanted, given, version, context, reading):
    """One operator, one key. `given`: None (absent), a value, or a list of values."""
    quantifier, base, if_exists = parse_operator(operator)
    wanted = [scalar(w) for w in listed(wanted)]
    empty = isinstance(given, list) and not given
    if base == "Null":
        absent = given is None or empty
        return any((w.lower() == "true") == absent for w in wanted)
    test, negated, _ = OPERATORS[base]
    wanted = [pieces(w, version, context) for w in wanted]

    def one(value):
        return negated != any(test(w, value) for w in wanted)

    if quantifier == "ForAllValues":
        return given is None or all(one(v) for v in listed(given))
    if quantifier == "ForAnyValue":
        if given is None:
            return if_exists and reading.any_if_exists[0]
        if empty:
            return if_exists and reading.any_if_exists[1]
        return any(one(v) for v in listed(given))
    if given is None or empty:
        return if_exists or negated
    values = listed(given)
    return all(one(v) for v in values) if negated else any(one(v) for v in values)


def conditions(statement):
    """(operator, key, values) for each line of a statement's Condition."""
    for operator, block in statement.get("Condition", {}).items():
        for key, values in block.items():
            yield operator, key, values


# ------------------------------------------------------------------------------------- principals

ANONYMOUS = "*"
DELEGATED, HELD, DIRECT = 1, 2, 3


def parties(principal):
    """The names by which a Principal element can mean this principal, with how it would grant: to its
    account (delegated), to its role (held by a boundary), or to itself (direct)."""
    found = re.fullmatch(r"arn:([^:]*):(iam|sts)::(\d{12}):(.*)", principal)
    if not found:
        return {principal: DIRECT}
    partition, _, account, rest = found.groups()
    root = f"arn:{partition}:iam::{account}:root"
    if rest == "root":
        return {root: DIRECT}
    names = {root: DELEGATED}
    if rest.startswith("role/"):
        names[principal] = HELD
    elif rest.startswith("assumed-role/"):
        role = rest.split("/")[1]
        names[f"arn:{partition}:iam::{account}:role/{role}"] = HELD
        names[principal] = DIRECT
    elif rest.startswith(("saml-provider/", "oidc-provider/")):
        return {principal: DIRECT}
    else:
        names[principal] = DIRECT
    return names


def named(element, partition_of="aws"):
    """The names in a Principal or NotPrincipal element; an account id is its root."""
    if element == "*":
        return {"*"}
    names = set()
    for kind, values in element.items():
        for value in listed(values):
            value = scalar(value)
            if kind == "AWS" and re.fullmatch(r"\d{12}", value):
                value = f"arn:{partition_of}:iam::{value}:root"
            names.add(value)
    return names


def spared(names, mine, parties):
    """Whether a NotPrincipal element leaves out whoever has these names."""
    if parties == "any":
        return any(name in names for name in mine)
    role = [name for name in mine if ":assumed-role/" not in name]
    if parties == "role":
        return all(name in names for name in role)
    unnamed = any(":role/" in name for name in role) and len(role) == len(mine)
    return not unnamed and all(name in names for name in mine)


def standing_of(statement, principal, reading):
    """How a statement reaches a principal: 0 not at all, else DELEGATED, HELD or DIRECT."""
    mine = parties(principal)
    if "Principal" in statement:
        names = named(statement["Principal"])
        if "*" in names:
            return DIRECT
        return max((how for name, how in mine.items() if name in names), default=0)
    if "NotPrincipal" in statement:
        names = named(statement["NotPrincipal"])
        out = "*" in names or spared(names, mine, reading.parties if statement["Effect"] == "Deny" else "any")
        return 0 if out else DIRECT
    return DIRECT


# -------------------------------------------------------------------------------------- statements


def action_applies(statement, action):
    def hit(patterns):
        return any(matches(regex([(p, True)]), action, re.IGNORECASE) for p in listed(patterns))

    if "Action" in statement:
        return hit(statement["Action"])
    return not hit(statement["NotAction"])


def resource_applies(version, statement, resource, context, reading):
    key = "Resource" if "Resource" in statement else "NotResource"
    if key not in statement:
        return True  # trust policies have none
    hit = any(
        resource_matches(pieces(p, version, context), resource, reading.colon)
        for p in listed(statement[key])
    )
    return hit if key == "Resource" else not hit


def resolves(version, statement, context):
    """A variable without a value makes the statement void, Deny as well as Allow."""
    try:
        for element in ("Resource", "NotResource"):
            for pattern in listed(statement.get(element, [])):
                pieces(pattern, version, context)
        for operator, _, values in conditions(statement):
            for value in listed(values):
                pieces(scalar(value), version, context)
    except Unresolved:
        return False
    return True


def applies(version, statement, request, reading):
    """Whether action, resource and conditions of a statement fit, whoever asks."""
    context = request["context"]
    return (
        action_applies(statement, request["action"])
        and resolves(version, statement, context)
        and resource_applies(version, statement, request["resource"], context, reading)
        and all(
            condition_holds(operator, values, lookup(context, key), version, context, reading)
            for operator, key, values in conditions(statement)
        )
    )


def allows(kind, policies, request, help, reading):
    """With the help of the asker's own policies: DIRECT none, HELD a boundary that permits it, DELEGATED
    identity policies that allow it. A grant counts where it is at least as direct as the help is short."""
    allowed = False
    for version, statement in statements(policies):
        reach = DIRECT if kind == "identity" else standing_of(statement, request["principal"], reading)
        if not reach or not applies(version, statement, request, reading):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = allowed or reach >= help
    return allowed


def helps(kind, reading):
    return (DIRECT, HELD, DELEGATED) if kind != "identity" and reading.standing else (DELEGATED,)


def evaluate(kind, policies, request, help=DELEGATED, reading=Reading()):
    """Whether these documents allow this request."""
    return allows(kind, policies, request, help, reading)


def proves(kind, old, new, request, reading=Reading()):
    """Whether a request was denied by `old` and is allowed by `new`, with the same help both times."""
    return any(
        not allows(kind, old, request, help, reading) and allows(kind, new, request, help, reading)
        for help in helps(kind, reading)
    )
