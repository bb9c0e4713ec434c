"""Requests that cannot come: what AWS's pages say about context keys that belong together.

`impossible(request)` names the first rule that a request breaks, or gives None. The verdict leaves such
requests out (and says so), so a pair may be less than what its documents alone allow; the judge checks that
no witness breaks a rule, and that what was left out had to be.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, at each key.
"""

import re

from evaluator import lookup

PRINCIPAL = re.compile(r"arn:([^:]*):(iam|sts)::(\d{12}):(user|role|assumed-role|federated-user|root)(/.*)?$")


def arn_of(principal):
    """aws:PrincipalArn: for a session it is the role's."""
    found = PRINCIPAL.match(principal)
    if found and found.group(4) == "assumed-role":
        return f"arn:{found.group(1)}:iam::{found.group(3)}:role/{found.group(5).split('/')[1]}"
    return principal


def types_of(principal):
    """aws:PrincipalType."""
    kind = PRINCIPAL.match(principal).group(4)
    return {"user": ["User"], "role": ["AssumedRole"], "assumed-role": ["AssumedRole"], "root": ["Account"],
            "federated-user": ["FederatedUser"]}[kind]


def others(one, other):
    """Whether two accounts differ. What is no account id on either side says nothing."""
    return one != other and any(isinstance(a, str) and re.fullmatch(r"\d{12}", a) for a in (one, other))


def impossible(request):
    """The rule that this request breaks, in a few words, or None."""
    context, principal = request["context"], request["principal"]
    given = {k.lower(): v for k, v in context.items()}
    ours = PRINCIPAL.match(principal)
    service = re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", principal)
    if ours:
        for key, right in (("aws:principalarn", [arn_of(principal)]), ("aws:principalaccount", [ours.group(3)]),
                           ("aws:principaltype", types_of(principal))):
            if key in given and given[key] not in right:
                return f"{key} follows from the principal"
        if str(given.get("aws:principalisawsservice", "false")).lower() == "true":
            return "aws:PrincipalIsAWSService is false for principals of accounts"
    if service and str(given.get("aws:principalisawsservice", "true")).lower() == "false":
        return "aws:PrincipalIsAWSService is true for services"
    if ":saml-provider/" in principal or ":oidc-provider/" in principal:
        if given.get("aws:principalarn", principal) != principal:
            return "aws:PrincipalArn follows from the principal"
    if service or principal == "*":
        for key in given:
            if key in ("aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths",
                       "aws:principaltype", "aws:userid", "aws:username") or key.startswith("aws:principaltag/"):
                return f"{key} is absent for services and anonymous requests"
    if principal == "*" and "aws:principalisawsservice" in given:
        return "the anonymous have no principal keys"
    segments = request["resource"].split(":")
    if len(segments) >= 6 and segments[4]:
        if others(segments[4], given.get("aws:resourceaccount", segments[4])):
            return "aws:ResourceAccount follows from the ARN"
    source = lookup(context, "aws:SourceArn")
    if isinstance(source, str) and len(source.split(":")) >= 6:
        account = source.split(":")[4]
        if account and others(account, given.get("aws:sourceaccount", account)):
            return "aws:SourceAccount follows from aws:SourceArn"
    if "aws:sourcevpce" in given and "aws:sourceip" in given:
        return "through a VPC endpoint aws:SourceIp is absent"
    if str(given.get("aws:viaawsservice")).lower() == "true" and not given.get("aws:calledvia", ["?"]):
        return "aws:CalledVia is not empty when a service calls"
    return None
