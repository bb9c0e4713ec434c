"""The fuzzer's pairs: documents of the grammar or of the examples, changed in one or two places.

`generate(seed, count)` gives `count` pairs {"id", "kind", "old", "new", "half", "rewritten"}, the same for the same seed; half of
them ("generated") change policies that stand in examples/*/templates. Every pair has its own seed, so that
any slice can be made alone. Read next: mutations.py for the changes, judge.py for what is done with them.
"""

import copy
import functools
import json
import random
from pathlib import Path

import grammar
import mutations

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = {"AWS::IAM::ManagedPolicy": "identity", "AWS::IAM::Role": "trust"}


def concrete(value):
    """A template's value with its intrinsics replaced by a name that such a thing could have."""
    if isinstance(value, list):
        return [concrete(v) for v in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["Ref"]:
        name = value["Ref"].lower()
        if "topic" in name:
            return f"arn:aws:sns:eu-west-1:111111111111:{name}"
        return f"arn:aws:kms:eu-west-1:111111111111:key/{name}"
    if list(value) == ["Fn::GetAtt"]:
        name = value["Fn::GetAtt"][0].lower()
        if "bucket" in name:
            return f"arn:aws:s3:::{name}"
        return f"arn:aws:{'kms:eu-west-1:111111111111:key/' if 'key' in name else 'iam::111111111111:role/'}{name}"
    if list(value) == ["Fn::Join"]:
        by, parts = value["Fn::Join"]
        return by.join(concrete(p) for p in parts)
    if list(value) == ["Fn::Sub"]:
        text = value["Fn::Sub"]
        return text if isinstance(text, str) else text[0]
    return {k: concrete(v) for k, v in value.items()}


def documents(node, owner):
    if isinstance(node, dict):
        owner = node["Type"] if isinstance(node.get("Type"), str) else owner
        if "Statement" in node:
            found = concrete(node)
            found["Statement"] = grammar_list(found["Statement"])
            principal = any("Principal" in s for s in found["Statement"])
            yield KINDS.get(owner, "resource") if principal else "identity", found
        for child in node.values():
            yield from documents(child, owner)
    elif isinstance(node, list):
        for child in node:
            yield from documents(child, owner)


def grammar_list(value):
    return value if isinstance(value, list) else [value]


@functools.cache
def generated():
    """The policies of all examples, each once, in order: [(kind, text)]."""
    found = {}
    for file in sorted(EXAMPLES.glob("*/templates/**/*.json")):
        for kind, document in documents(json.loads(file.read_text()), None):
            found.setdefault((kind, json.dumps(document, sort_keys=True)))
    assert len(found) > 50, "the examples have policies"
    return list(found)


def excerpt(dice, document):
    """One to four statements of a document: enough to be telling, and to be gone through."""
    chosen = document["Statement"]
    if len(chosen) > 4:
        chosen = dice.sample(chosen, dice.randint(1, 4))
    return {"Version": document.get("Version", "2012-10-17"), "Statement": copy.deepcopy(chosen)}


def pair(seed, number):
    dice = random.Random(f"{seed}/{number}")
    half = "generated" if number % 2 else "grammar"
    if half == "generated":
        kind, text = dice.choice(generated())
        old = excerpt(dice, json.loads(text))
    else:
        kind = dice.choice(["identity", "identity", "resource", "trust"])
        old = grammar.policy(dice, kind)
    if dice.random() < 0.04 and kind != "trust":
        grammar.with_variable(dice, old)
    new = copy.deepcopy(old)
    draw = dice.random()
    rewritten = draw < 0.18
    if rewritten:
        for _ in range(dice.randint(1, 4)):
            mutations.rewrite(dice, new, kind)
    elif draw < 0.92 or half == "generated":
        for _ in range(dice.choice([1, 1, 2, 2, 3])):
            mutations.change(dice, new, kind)
        if dice.random() < 0.3:
            mutations.rewrite(dice, new, kind)
    else:
        new = grammar.policy(dice, kind)
    if dice.random() < 0.5:
        old, new = new, old
    if dice.random() < 0.1 and len(new["Statement"]) > 1:
        new = [{"Version": new["Version"], "Statement": [s]} for s in new["Statement"]]
    return {"id": f"{seed}/{number}", "kind": kind, "half": half, "rewritten": rewritten, "old": old, "new": new}


def generate(seed, count, start=0):
    for number in range(start, start + count):
        yield pair(seed, number)


# -------------------------------------------------------------- requests at random, for the self-test


def texts_of(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from texts_of(child)
    elif isinstance(node, dict):
        for child in node.values():
            yield from texts_of(child)


def random_request(dice, pair):
    """A request made of the pair's own strings, with wildcards filled and letters changed."""
    statements = [s for side in ("old", "new") for p in grammar_list(pair[side]) for s in p["Statement"]]

    def filled(text):
        out = "".join(dice.choice(["", "x", "a", "b", "xa"]) if c == "*" else dice.choice("xab") if c == "?" else c for c in text)
        return out if dice.random() < 0.8 else dice.choice([out + "x", out[:-1], out.swapcase(), "", "x", out + "b"])

    def one(*elements):
        found = [t for s in statements for e in elements for t in texts_of(s.get(e, []))]
        return filled(dice.choice(found)) if found else "x"

    action = one("Action", "NotAction")
    if action.count(":") != 1 or action[0] == ":" or action[-1] == ":":
        action = dice.choice(["s:x", "s:a", "x:x"])
    context = {}
    for s in statements:
        for operator, block in s.get("Condition", {}).items():
            for key, wanted in block.items():
                if key.lower() in (k.lower() for k in context) or dice.random() < 0.25:
                    continue
                like = [filled(v) if isinstance(v, str) else str(v) for v in grammar_list(wanted)]
                kind = next((k for k, names in grammar.SETS.items() if names.lower() == key.lower()), None)
                if kind is not None or operator.startswith("For"):
                    context[key] = [dice.choice(like + grammar.VALUES.get(kind, ["x"])) for _ in range(dice.randint(0, 3))]
                    context[key] = [v for v in context[key] if "*" not in v and "/" not in v]
                elif operator.startswith(("String", "Null")):
                    context[key] = dice.choice(like) if operator != "Null" else "x"
                else:
                    context[key] = dice.choice([v.split("/")[0] if operator.endswith(("IpAddress", "IpAddressIfExists")) else v for v in like])
    names = [t for s in statements for e in ("Principal", "NotPrincipal") for t in texts_of(s.get(e, []))]
    names = [f"arn:aws:iam::{n}:role/x" if n.isdigit() else n for n in names if n != "*"]
    asker = dice.choice(names + ["*", "arn:aws:iam::111122223333:role/r", "arn:aws:iam::999999999999:user/x"])
    resource = one("Resource", "NotResource") or "x"
    return {"principal": asker, "action": action, "resource": resource, "context": context}
