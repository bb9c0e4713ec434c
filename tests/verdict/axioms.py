"""Requests that cannot come: what AWS's pages say about context keys that belong together.

`impossible(request, asked)` names the first rule that a request breaks, or gives None; of the keys in `asked` it is known
that a request without them lacks them. The verdict leaves such requests out (and says so), so a pair may be less than
what its documents alone allow; the judge checks that no witness breaks a rule, and that what was left out had to be.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, "Availability" of each
key, and reference_policies_variables.html#principaltable for the values. What these pages leave open may come.
"""

import re

import evaluator as ev
from evaluator import lookup

PRINCIPAL = re.compile(r"arn:([^:]*):(iam|sts)::(\d{12}):(user|role|assumed-role|federated-user|root)(/.*)?$")
HOLDER = "whoever holds the policy"
SIGNS, SERVICE, NOBODY, PROVIDER, OTHER = "signs", "service", "nobody", "provider", "other"

# Callers in whose requests a key always is, and never is; of the others nothing is said.
EVERYBODY = (SIGNS, SERVICE, NOBODY, PROVIDER, OTHER)
KEYS = {
    # "This key is always included in the request context."
    "aws:currenttime": (EVERYBODY, ()),
    "aws:epochtime": (EVERYBODY, ()),
    "aws:requestedregion": (EVERYBODY, ()),
    "aws:securetransport": (EVERYBODY, ()),
    "aws:viaawsservice": (EVERYBODY, ()),
    # "... for all signed requests. Anonymous requests do not include this key."
    "aws:principalarn": ((SIGNS,), (NOBODY, PROVIDER)),
    # "... for all requests, including anonymous requests": which of the three values a service has is not said
    "aws:principalaccount": ((SIGNS, NOBODY), ()),
    "aws:principaltype": ((SIGNS, NOBODY), ()),
    # of this one, also: "anonymous users will not populate the ${aws:userid} variable"
    "aws:userid": ((SIGNS,), ()),
    # "... for all signed API requests that use AWS credentials. Anonymous requests do not include this key."
    "aws:principalisawsservice": ((SIGNS, SERVICE), (NOBODY,)),
    # "... when the call is made by an AWS service principal. This key is not present in any other situation"
    "aws:principalservicename": ((SERVICE,), (SIGNS, NOBODY, PROVIDER)),
    "aws:principalservicenameslist": ((SERVICE,), (SIGNS, NOBODY, PROVIDER)),
    # "... only if the principal is a member of an organization. Anonymous requests do not include this key."
    "aws:principalorgid": ((), (SERVICE, NOBODY)),
    "aws:principalorgpaths": ((), (SERVICE, NOBODY)),
    # of users and roles with tags
    "aws:principaltag/": ((), (SERVICE, NOBODY)),
    # "... for IAM users. Anonymous requests and requests that are made using the root user or IAM roles do not"
    "aws:username": ((), (SERVICE, NOBODY, PROVIDER)),
    # "... only when the call to your resource is being made directly by an AWS service principal"
    "aws:sourceaccount": ((), (SIGNS, NOBODY, PROVIDER)),
    "aws:sourcearn": ((), (SIGNS, NOBODY, PROVIDER)),
    "aws:sourceorgid": ((), (SIGNS, NOBODY, PROVIDER)),
    "aws:sourceorgpaths": ((), (SIGNS, NOBODY, PROVIDER)),
}
TYPES = {"user": "User", "role": "AssumedRole", "assumed-role": "AssumedRole", "root": "Account",
         "federated-user": "FederatedUser"}


def arn_of(principal):
    """aws:PrincipalArn: for a session it is the role's."""
    found = PRINCIPAL.match(principal)
    if found and found.group(4) == "assumed-role":
        return f"arn:{found.group(1)}:iam::{found.group(3)}:role/{found.group(5).split('/')[1]}"
    return principal


def types_of(principal):
    """aws:PrincipalType."""
    return [TYPES[PRINCIPAL.match(principal).group(4)]]


def others(one, other):
    """Whether two accounts differ. What is no account id on either side says nothing."""
    return one != other and any(isinstance(a, str) and re.fullmatch(r"\d{12}", a) for a in (one, other))


def caller(principal):
    if principal == HOLDER or PRINCIPAL.match(principal):
        return SIGNS
    if principal == ev.ANONYMOUS:
        return NOBODY
    if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", principal):
        return SERVICE
    if ":saml-provider/" in principal or ":oidc-provider/" in principal:
        return PROVIDER
    return OTHER


def asked(pair):
    """The keys that a pair's documents ask for, as variables too, in lower case."""
    found = set()
    for side in ("old", "new"):
        for version, statement in ev.statements(pair[side]):
            found |= {key.lower() for _, key, _ in ev.conditions(statement)}
            if version == "2012-10-17":
                found |= {name.lower() for name in re.findall(r"\$\{([^}*?$,]+)[^}]*\}", str(statement))}
    return found


def wrong_kind(given, who, keys):
    """What is said of principals of accounts: their ARN, their type and their name go together."""
    shown = given.get("aws:principalarn")
    ours = PRINCIPAL.match(shown if isinstance(shown, str) else who)
    if who == HOLDER and shown is not None and (not ours or ours.group(4) in ("root", "assumed-role")):
        return "aws:PrincipalArn is a user's or a role's"
    kind = given.get("aws:principaltype")
    if ours and kind is not None and kind != TYPES[ours.group(4)]:
        return "aws:PrincipalType is that of aws:PrincipalArn"
    kind = TYPES[ours.group(4)] if ours else kind
    if kind in TYPES.values() and "aws:username" in keys and (kind == "User") != ("aws:username" in given):
        return "aws:username is there for users, and for nobody else"
    if ours and ours.group(4) == "user" and given.get("aws:username", ours.group(5).split("/")[-1]) != ours.group(5).split("/")[-1]:
        return "aws:username is the user's name"
    if ours and others(given.get("aws:principalaccount", ours.group(3)), ours.group(3)):
        return "aws:PrincipalAccount is that of aws:PrincipalArn"
    return None


def impossible(request, asked=()):
    """The rule that this request breaks, in a few words, or None."""
    context, principal = request["context"], request["principal"]
    given = {k.lower(): v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in context.items() if v != []}
    keys = {k.lower() for k in asked} | set(given)
    ours, who = PRINCIPAL.match(principal), caller(principal)
    for key in keys:
        always, never = KEYS.get(key) or KEYS.get(key.partition("/")[0] + "/") or ((), ())
        if who in always and key not in given:
            return f"{key} is there in every request of a caller who {who}"
        if who in never and key in given:
            return f"{key} is never there in a request of {who}"
    if ours:
        for key, right in (("aws:principalarn", [arn_of(principal)]), ("aws:principalaccount", [ours.group(3)]),
                           ("aws:principaltype", types_of(principal))):
            if key in given and given[key] not in right:
                return f"{key} follows from the principal"
    if who == SIGNS and wrong_kind(given, principal, keys):
        return wrong_kind(given, principal, keys)
    if str(given.get("aws:principalisawsservice", who == SERVICE)).lower() != str(who == SERVICE).lower():
        return "aws:PrincipalIsAWSService is true for services, and for nobody else"
    for key, word in (("aws:principalaccount", "anonymous"), ("aws:principaltype", "Anonymous"), ("aws:userid", "anonymous")):
        if key in given and (given[key] == word) != (who == NOBODY):
            return f"{key} is {word} of the anonymous, and of nobody else"
    if who in (SERVICE, PROVIDER):
        if re.fullmatch(r"\d{12}", str(given.get("aws:principalaccount"))):
            return "neither a service nor a provider belongs to an account"
        if re.match(r"arn:[^:]*:(iam|sts):", str(given.get("aws:principalarn"))):
            return "aws:PrincipalArn of a service is no user's and no role's"
    if who == SIGNS and not re.fullmatch(r"\d{12}", str(given.get("aws:principalaccount", "0" * 12))):
        return "aws:PrincipalAccount is an account's id"
    segments = request["resource"].split(":")
    if len(segments) >= 6 and segments[4]:
        if others(segments[4], given.get("aws:resourceaccount", segments[4])):
            return "aws:ResourceAccount follows from the ARN"
    source = lookup(context, "aws:SourceArn")
    if isinstance(source, str) and len(source.split(":")) >= 6:
        account = source.split(":")[4]
        if account and others(account, given.get("aws:sourceaccount", account)):
            return "aws:SourceAccount follows from aws:SourceArn"
    if {"aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"} & set(given) and "aws:sourceip" in given:
        return "through a VPC endpoint aws:SourceIp is absent"
    if str(given.get("aws:viaawsservice")).lower() == "true" and not given.get("aws:calledvia", ["?"]):
        return "aws:CalledVia is not empty when a service calls"
    return None
