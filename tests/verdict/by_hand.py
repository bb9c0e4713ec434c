"""The cases by hand: before and after, the verdict, the page that decides and one sentence why.

In: cases/*.json. Out: each case and its reverse, and what is wrong with a case by itself: the oracle has to
agree with what a person wrote. Template tokens get the values that the case gives them. Invariant: nothing here
has seen the engine. Read next: judge.py.
"""

import json
from pathlib import Path

import oracle
import possible

CASES = Path(__file__).resolve().parent / "cases"


def cases():
    """Every case by hand, and each of them reversed."""
    turned = {"broadened": "narrowed", "narrowed": "broadened"}
    for file in sorted(CASES.glob("*.json")):
        for case in json.loads(file.read_text())["cases"]:
            case["id"] = f"{file.stem}/{case['id']}"
            yield case
            verdict = case.get("reversed") or turned.get(case["verdict"], case["verdict"])
            yield {**case, "id": case["id"] + " reversed", "old": case["new"], "new": case["old"], "verdict": verdict}


def tokens_of(node):
    """The functions of CloudFormation in a document whose value is not known, in order."""
    if isinstance(node, dict):
        if "Ref" in node or "Fn::GetAtt" in node:
            yield json.dumps(node)
        for child in node.values():
            yield from tokens_of(child)
    elif isinstance(node, list):
        for child in node:
            yield from tokens_of(child)


def filled(node, values):
    """The document with its tokens' values put in."""
    if isinstance(node, list):
        return [filled(n, values) for n in node]
    if not isinstance(node, dict):
        return node
    if json.dumps(node) in values:
        return values[json.dumps(node)]
    if "Fn::Join" in node:
        return node["Fn::Join"][0].join(filled(node["Fn::Join"][1], values))
    if "Fn::Sub" in node:
        return node["Fn::Sub"]
    return {k: filled(v, values) for k, v in node.items()}


def by_tokens(case):
    """The verdicts for the values that the case gives its tokens."""
    names = sorted(set(tokens_of([case["old"], case["new"]])))
    out = set()
    for chosen in case["tokens"]:
        values = dict(zip(names, chosen, strict=True))
        pair = {"kind": case["kind"], "old": filled(case["old"], values), "new": filled(case["new"], values)}
        out |= set(oracle.judge(pair).verdicts.values())
    return out


def wrong_by_hand(case):
    """What a case lacks, or where the oracle says otherwise."""
    for needed in ("url", "why"):
        if not case.get(needed):
            yield f"no {needed}"
    if not case["url"].startswith("https://docs.aws.amazon.com/"):
        yield f"{case['url']} is no page of AWS's documentation"
    truth = None if "tokens" in case else oracle.judge(case)
    said = set(truth.verdicts.values()) if truth else by_tokens(case)
    if case.get("axiom"):
        if possible.judge(case) != case["verdict"]:
            yield f"{case['verdict']} by hand, the oracle says {possible.judge(case)}"
    elif case["verdict"] == "undecided":
        if len(said) == 1 and (truth is None or truth.complete):
            yield f"undecided by hand, the oracle says {said.pop()}"
    elif case["verdict"] not in said:
        yield f"{case['verdict']} by hand, the oracle says {sorted(said)}"
