"""cfn_validate.py TEMPLATE...: cloudformation-validate over all templates in one process.

Prints a JSON list with an entry for each template, in order: a list of [rule, logical id or "", message] of everything that is a
warning or worse."""
import json, sys
import cloudformation_validate as cv

engine = cv.CompositeEngine()
answers = []
for path in sys.argv[1:]:
    findings = []
    for d in engine.validate_template(path).diagnostics:
        if d.severity.name in ("WARN", "ERROR", "FATAL"):
            findings.append([d.rule_id, getattr(d.entity, "logical_id", None) or "", d.message])
    answers.append(findings)
json.dump(answers, sys.stdout)
