"""cloudsplaining_scan.py < policies.json: cloudsplaining over all identity policies in one process.

Standard input: a JSON list of policy documents. Standard output: for each, in order, a list of [issue, message]. An issue is a risk
of cloudsplaining and what it is about, `DataExfiltration:s3:GetObject`, so that an exception for one action says nothing about
others. A condition excuses nothing here: cloudsplaining cannot tell whether it narrows anything."""
import json, sys
from cloudsplaining.scan.policy_document import PolicyDocument

RISKS = {
    "PermissionsManagement": "permissions_management_without_constraints",
    "DataExfiltration": "allows_data_exfiltration_actions",
    "CredentialsExposure": "credentials_exposure",
    "ServiceWildcard": "service_wildcard",
    "InfrastructureModification": "infrastructure_modification",
}
answers = []
for document in json.load(sys.stdin):
    policy = PolicyDocument(document, flag_conditional_statements=True)
    findings = []
    for way in policy.allows_privilege_escalation:
        findings.append([f"PrivilegeEscalation:{way['type']}", ", ".join(way["actions"])])
    for risk, name in RISKS.items():
        for action in sorted(set(getattr(policy, name))):
            findings.append([f"{risk}:{action}", f"{action} without a resource that narrows it"])
    for statement in policy.contains_statement_using_not_action:
        findings.append(["NotAction", json.dumps(statement)[:200]])
    answers.append(findings)
json.dump(answers, sys.stdout)
