"""Changes of a policy document: `change` may alter what it allows, `rewrite` never does.

Both work in place on one document whose Statement is a list. What a change does to the verdict is not
recorded: the oracle finds it out. That a rewrite changes nothing is a claim about AWS's language, and the
oracle checks it for every pair that was only rewritten.
"""

import copy
import re

import evaluator as ev
import grammar
from evaluator import listed


def lines(policy):
    """(statement, operator, key) of every condition."""
    return [(s, o, k) for s in policy["Statement"] for o, block in s.get("Condition", {}).items() for k in block]


def tidy(statement, operator):
    if not statement["Condition"][operator]:
        del statement["Condition"][operator]
    if not statement["Condition"]:
        del statement["Condition"]


def element(statement, *names):
    return next((n for n in names if n in statement), None)


# ------------------------------------------------------------------------------------ real changes


def drop_statement(dice, policy, kind):
    if len(policy["Statement"]) > 1:
        policy["Statement"].remove(dice.choice(policy["Statement"]))


def add_statement(dice, policy, kind):
    policy["Statement"].append(grammar.statement(dice, kind))


def flip_effect(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    s["Effect"] = "Deny" if s["Effect"] == "Allow" else "Allow"


def add_denial(dice, policy, kind):
    s = copy.deepcopy(dice.choice(policy["Statement"]))
    s["Effect"] = "Deny"
    grammar.condition(dice, s.setdefault("Condition", {}))
    policy["Statement"].append(s)


def add_condition(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    grammar.condition(dice, s.setdefault("Condition", {}))


def drop_condition(dice, policy, kind):
    found = lines(policy)
    if found:
        s, operator, key = dice.choice(found)
        del s["Condition"][operator][key]
        tidy(s, operator)


def change_value(dice, policy, kind):
    found = lines(policy)
    if not found:
        return
    s, operator, key = dice.choice(found)
    _, base, _ = ev.parse_operator(operator)
    old = [ev.scalar(v) for v in listed(s["Condition"][operator][key])]
    if base == "Null":
        s["Condition"][operator][key] = "false" if old == ["true"] else "true"
        return
    kind_of = ev.OPERATORS[base][2]
    draw = dice.random()
    if kind_of == "text" and draw < 0.4:
        at = dice.randrange(len(old))
        old[at] = dice.choice([old[at] + "a", old[at][:-1], old[at].upper(), old[at][:3] + "*", "*", "?*"])
    elif draw < 0.6 and len(old) > 1:
        old.pop(dice.randrange(len(old)))
    else:
        values = grammar.VALUES[kind_of] if kind_of != "text" else grammar.VALUES["glob" if "Like" in base else "literal"]
        old.append(dice.choice(values))
    s["Condition"][operator][key] = old


def change_operator(dice, policy, kind):
    found = lines(policy)
    if not found:
        return
    s, operator, key = dice.choice(found)
    quantifier, base, if_exists = ev.parse_operator(operator)
    if base == "Null":
        return
    draw = dice.random()
    if draw < 0.35:
        if_exists = not if_exists
    elif draw < 0.55 and quantifier:
        quantifier = "ForAnyValue" if quantifier == "ForAllValues" else "ForAllValues"
    else:
        base = dice.choice(grammar.BY_TYPE[ev.OPERATORS[base][2]])
    name = (quantifier + ":" if quantifier else "") + base + ("IfExists" if if_exists else "")
    values = s["Condition"][operator].pop(key)
    tidy(s, operator)
    s.setdefault("Condition", {}).setdefault(name, {}).setdefault(key, values)


def negate_element(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    choices = [n for n in ("Action", "Resource") if kind != "trust"] + (["Principal"] if kind == "resource" else [])
    if choices:
        name = dice.choice(choices)
        here = element(s, name, "Not" + name)
        if here and not (name == "Principal" and ev.named(s[here]) == {"*"}):
            s["Not" + name if here == name else name] = s.pop(here)


def change_glob(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    names = ["Action", "NotAction"] if dice.random() < 0.4 or kind == "trust" else ["Resource", "NotResource"]
    here = element(s, *names)
    if not here:
        return
    old = list(listed(s[here]))
    at = dice.randrange(len(old))
    text, draw = old[at], dice.random()
    if draw < 0.25 and len(text) > 1 and text[-1] != "}":
        text = text[:-1] + "*"
    elif draw < 0.45 and text not in ("*", "*:*"):
        text += dice.choice(["*", "a", "?", "/*"])
    elif draw < 0.6 and "*" in text:
        spot = dice.choice([m.start() for m in re.finditer(r"\*", text)])
        text = text[:spot] + dice.choice(["a", "a*", "?", "ab/*"]) + text[spot + 1:]
    elif draw < 0.75 and len(old) > 1:
        old.pop(at)
        s[here] = old
        return
    elif draw < 0.85 and "${" not in text and len(text) > 2:
        spot = dice.randrange(len(text))
        if text[spot] not in ":*?":
            text = text[:spot] + "?" + text[spot + 1:] if here.endswith("Resource") and spot > 13 else text.swapcase()
    else:
        old.append(grammar.resource(dice) if here.endswith("Resource") else dice.choice(grammar.TRUST if kind == "trust" else grammar.ACTIONS))
        s[here] = old
        return
    old[at] = text
    s[here] = old if len(old) > 1 else old[0]


def change_principal(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    here = element(s, "Principal", "NotPrincipal")
    if here:
        s[here] = dice.choice([p for p in grammar.PRINCIPALS if here == "Principal" or ev.named(p) != {"*"}])


def copy_condition(dice, policy, kind):
    found = [s for s in policy["Statement"] if "Condition" in s]
    if found:
        dice.choice(policy["Statement"])["Condition"] = copy.deepcopy(dice.choice(found)["Condition"])


def another_of_the_set(dice, policy, kind):
    """A second line over a key that holds a set: now two of its values may be needed."""
    found = [(s, o, k) for s, o, k in lines(policy) if o.startswith("For") and k.lower() in KINDS_OF_SETS]
    if not found:
        s, key = dice.choice(policy["Statement"]), dice.choice(list(grammar.SETS.values()))
        values = grammar.VALUES[KINDS_OF_SETS[key.lower()]] if "Text" not in key else grammar.VALUES["literal"]
        name = "ForAnyValue:" + grammar.BY_TYPE[KINDS_OF_SETS[key.lower()]][0]
        s.setdefault("Condition", {}).setdefault(name, {})[key] = dice.choice(values)
        found = [(s, name, key)]
    s, operator, key = dice.choice(found)
    kind_of = KINDS_OF_SETS[key.lower()]
    name = dice.choice(["ForAnyValue:", "ForAnyValue:", "ForAllValues:"]) + dice.choice(grammar.BY_TYPE[kind_of])
    block = s["Condition"].setdefault(name, {})
    if key.lower() not in (k.lower() for k in block):
        block[key] = grammar.values(dice, kind_of, name)


KINDS_OF_SETS = {name.lower(): kind for kind, name in grammar.SETS.items()}
CHANGES = [another_of_the_set, drop_statement, add_statement, flip_effect, add_denial, add_condition, add_condition, drop_condition,
           change_value, change_value, change_operator, change_operator, negate_element, change_glob, change_glob,
           change_glob, change_principal, change_principal, copy_condition]


def change(dice, policy, kind):
    dice.choice(CHANGES)(dice, policy, kind)


# ------------------------------------------------------------------------------ the same once more


def reorder(dice, policy, kind):
    dice.shuffle(policy["Statement"])


def repeat(dice, policy, kind):
    policy["Statement"].append(copy.deepcopy(dice.choice(policy["Statement"])))


def repeat_narrower(dice, policy, kind):
    s = copy.deepcopy(dice.choice(policy["Statement"]))
    grammar.condition(dice, s.setdefault("Condition", {}))
    policy["Statement"].append(s)


def name_it(dice, policy, kind):
    dice.choice(policy["Statement"])["Sid"] = "Sid" + str(dice.randint(1, 99))


def list_or_not(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in s:
            values = listed(s[name])
            s[name] = values[0] if len(values) == 1 and isinstance(s[name], list) else values[::-1] + values[:1]


def split(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    names = [n for n in ("Action", "Resource") if n in s and len(listed(s[n])) > 1]
    if names:
        name = dice.choice(names)
        other = copy.deepcopy(s)
        values = listed(s[name])
        s[name], other[name] = values[0], values[1:]
        policy["Statement"].append(other)


def action_case(dice, policy, kind):
    s = dice.choice(policy["Statement"])
    here = element(s, "Action", "NotAction")
    values = [dice.choice([v.upper(), v.lower(), v.swapcase()]) for v in listed(s[here])]
    s[here] = values if len(values) > 1 else values[0]


def key_case(dice, policy, kind):
    found = lines(policy)
    if found:
        s, operator, key = dice.choice(found)
        block = s["Condition"][operator]
        other = dice.choice([key.upper(), key.lower(), key.swapcase()])
        if not any(k != key and k.lower() == other.lower() for k in block):
            block[other] = block.pop(key)


def account_or_root(dice, policy, kind):
    for s in policy["Statement"]:
        here = element(s, "Principal", "NotPrincipal")
        if here and isinstance(s[here], dict) and "AWS" in s[here] and dice.random() < 0.8:
            out = []
            for v in listed(s[here]["AWS"]):
                found = re.fullmatch(r"arn:aws:iam::(\d{12}):root", v)
                out.append(found.group(1) if found else f"arn:aws:iam::{v}:root" if v.isdigit() else v)
            s[here] = {**s[here], "AWS": out if len(out) > 1 else out[0]}


def same_operator(dice, policy, kind):
    found = lines(policy)
    if not found:
        return
    s, operator, key = dice.choice(found)
    quantifier, base, if_exists = ev.parse_operator(operator)
    values = [ev.scalar(v) for v in listed(s["Condition"][operator][key])]
    swap = {"ArnEquals": "ArnLike", "ArnLike": "ArnEquals", "ArnNotEquals": "ArnNotLike", "ArnNotLike": "ArnNotEquals"}
    if not any(c in v for v in values for c in "*?$"):
        swap |= {"StringEquals": "StringLike", "StringLike": "StringEquals", "StringNotEquals": "StringNotLike",
                 "StringNotLike": "StringNotEquals"}
    if base in swap:
        name = operator.replace(base, swap[base])
        if key.lower() not in (k.lower() for k in s["Condition"].get(name, {})):
            moved = s["Condition"][operator].pop(key)
            tidy(s, operator)
            s.setdefault("Condition", {}).setdefault(name, {})[key] = moved


def same_value(dice, policy, kind):
    found = lines(policy)
    if not found:
        return
    s, operator, key = dice.choice(found)
    _, base, _ = ev.parse_operator(operator)
    values = listed(s["Condition"][operator][key])
    out = [v for v in values]
    for at, value in enumerate(values):
        value = ev.scalar(value)
        kind_of = "null" if base == "Null" else ev.OPERATORS[base][2]
        if kind_of == "number":
            out[at] = value + ("0" if "." in value else ".0")
        elif kind_of == "date" and "T" in value:
            out[at] = str(ev.instant(value))
        elif kind_of == "date" and value.isdigit():
            from oracle import iso

            out[at] = iso(ev.instant(value))
        elif kind_of == "address" and value.endswith("/24"):
            out[at] = value.replace(".0/24", ".9/24")
        elif kind_of in ("boolean", "null"):
            out[at] = value == "true" if isinstance(values[at], str) else value
    dice.shuffle(out)
    s["Condition"][operator][key] = out if len(out) > 1 else out[0]


def implied_presence(dice, policy, kind):
    """A key that has to match has to be there: saying so adds nothing."""
    found = lines(policy)
    if found:
        s, operator, key = dice.choice(found)
        quantifier, base, if_exists = ev.parse_operator(operator)
        if base != "Null" and not if_exists and quantifier != "ForAllValues" and (quantifier or not ("Not" in base)):
            block = s["Condition"].setdefault("Null", {})
            if key.lower() not in (k.lower() for k in block):
                block[key] = "false"


REWRITES = [reorder, repeat, repeat_narrower, repeat_narrower, name_it, list_or_not, split, split, action_case, key_case,
            account_or_root, same_operator, same_operator, same_value, same_value, implied_presence]


def rewrite(dice, policy, kind):
    dice.choice(REWRITES)(dice, policy, kind)
