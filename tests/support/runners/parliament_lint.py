"""parliament_lint.py < policies.json: parliament over all policies in one process.

Standard input: a JSON list of {"identity": bool, "document": {...}}. Standard output: for each, in order, a list of [issue, message].
Issues that parliament itself mutes are left out, and for resource policies those that only make sense where the policy hangs on an
identity: Resource "*" is a key itself in a key policy, and whoever writes a resource policy means to manage permissions. A condition
that it does not know is part of the issue's name (`UNKNOWN_CONDITION_FOR_ACTION:aws:SourceOrgID`), so that an exception for one
condition says nothing about others."""
import json, re, sys
from parliament import analyze_policy_string, enhance_finding

IDENTITY_ONLY = {"RESOURCE_STAR", "PERMISSIONS_MANAGEMENT_ACTIONS"}
answers = []
for policy in json.load(sys.stdin):
    findings = []
    for f in map(enhance_finding, analyze_policy_string(json.dumps(policy["document"])).findings):
        if f.severity in ("MUTE", "INFO") or (f.issue in IDENTITY_ONLY and not policy["identity"]):
            continue
        unknown = re.match(r"Unknown condition (\S+) for action", str(f.detail))
        issue = f"{f.issue}:{unknown[1]}" if unknown else f.issue
        findings.append([issue, f"{f.title}: {f.detail}"[:300]])
    answers.append(findings)
json.dump(answers, sys.stdout)
