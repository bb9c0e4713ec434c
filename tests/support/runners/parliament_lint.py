"""parliament_lint.py < policies.json: parliament over all policies in one process.

Standard input: a JSON list of {"identity": bool, "document": {...}}. Standard output: for each, in order, a list of [issue, message].
Issues that parliament itself mutes are left out, and for resource policies those that only make sense where the policy hangs on an
identity: Resource "*" is a key itself in a key policy, and whoever writes a resource policy means to manage permissions."""
import json, sys
from parliament import analyze_policy_string, enhance_finding

IDENTITY_ONLY = {"RESOURCE_STAR", "PERMISSIONS_MANAGEMENT_ACTIONS"}
answers = []
for policy in json.load(sys.stdin):
    findings = []
    for f in map(enhance_finding, analyze_policy_string(json.dumps(policy["document"])).findings):
        if f.severity in ("MUTE", "INFO") or (f.issue in IDENTITY_ONLY and not policy["identity"]):
            continue
        findings.append([f.issue, f"{f.title}: {f.detail}"[:300]])
    answers.append(findings)
json.dump(answers, sys.stdout)
