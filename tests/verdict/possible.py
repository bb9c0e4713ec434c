"""What is true about a pair if requests that cannot come are left out (see axioms.py).

In: an oracle.Pair and a reading. Out: a gained and a lost request that can come, or None. The keys that belong
to the asker, to the resource, to the source and to the network are gone through together with what they
follow from, and every combination that `axioms.impossible` names is left out; the rest is joined as before.
"""

import itertools
import re

import evaluator as ev
import oracle
from axioms import KEYS, EVERYBODY, PRINCIPAL, arn_of, impossible, types_of
from words import STAR, STAR_IN

OF_ASKER = re.compile(r"aws:(principal.*|userid|username|source(arn|account|orgid|orgpaths))$")
OF_NETWORK = ("aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip", "aws:sourceip", "aws:viaawsservice", "aws:calledvia")
ALWAYS = [key for key, (always, _) in KEYS.items() if always == EVERYBODY]
ANONYMOUS = {"aws:principalaccount": "anonymous", "aws:principaltype": "Anonymous", "aws:userid": "anonymous"}
KINDS = ("role/anyone", "user/anyone", "root")
FRESH = {"principal": "arn:aws:iam::999999999999:role/anyone", "action": "x:x", "resource": "x", "context": {}}


def candidates(pair, key, reading):
    """Every representative value of a key, not only one for each way of fitting."""
    lines = pair.lines[key]
    types = sorted({ev.OPERATORS[ev.parse_operator(o)[1]][2] for _, o, *_ in lines if ev.parse_operator(o)[1] != "Null"})
    quantified = any(ev.parse_operator(o)[0] for _, o, *_ in lines)
    return pair.candidates(lines, types, quantified, reading)


def mask_of(pair, key, given, reading):
    held = {}
    for i, operator, _, wanted, version in pair.lines[key]:
        if not pair.void[i] and held.get(i, True):
            held[i] = ev.condition_holds(operator, wanted, given, version, pair.context, reading)
    return pair.mask(lambda i, v, s: held.get(i, True))


def group(pair, keys, reading, start):
    """{mask: (asker, resource, context)} over the values of some keys, beside each start."""
    lists = [[(k, v, mask_of(pair, k, v, reading)) for v in candidates(pair, k, reading)] for k in keys]
    out = {}
    for mask, asker, resource in start:
        for chosen in itertools.product(*lists):
            context = {k: v for k, v, _ in chosen if v is not None}
            request = {**FRESH, "context": context}
            request.update({"principal": asker[0]} if asker else {})
            request.update({"resource": resource} if resource else {})
            if impossible(request, keys):
                continue
            found = mask
            for _, _, m in chosen:
                found &= m
            out.setdefault(found, (asker, resource, context))
    return out


def askers(pair, reading):
    """Askers with the keys that follow from them."""
    found = [(m, who) for m, who in pair.askers(reading.parties, reading.standing).items()]
    keys = [k for k in pair.lines if OF_ASKER.match(k)]
    if keys:
        names = {f"arn:aws:iam::999999999999:{kind}" for kind in KINDS}
        names |= set(pair.asker_names()) if pair.kind != "identity" else set()
        for key in keys:
            for value in candidates(pair, key, reading):
                written = [name for name in (value if isinstance(value, list) else [value]) if name]
                for name in written + [name.lower() for name in written]:  # one for each case is enough elsewhere
                    if name and re.fullmatch(r"\d{12}", name):
                        names |= {f"arn:aws:iam::{name}:{kind}" for kind in KINDS}
                    elif name and key == "aws:username":
                        accounts = {n.split(":")[4] for n in names if PRINCIPAL.match(n)}
                        names |= {f"arn:aws:iam::{account}:user/{name}" for account in accounts}
                    elif name and key == "aws:principalarn":
                        parts = name.split(":")
                        if len(parts) >= 6:
                            tail = ":".join(parts[5:])
                            account = parts[4] if re.fullmatch(r"\d{12}", parts[4]) else "999999999999"
                            for rest in (tail, "role/" + tail, "user/" + tail):
                                name = f"arn:{'aws' if len(parts[1]) < 3 else parts[1]}:iam::{account}:{rest}"
                                if re.fullmatch(r".*:(root|(user|role)/.+)", name):
                                    names.add(name)
        if pair.kind == "identity":  # whoever holds a policy is a user or a role
            names = {name for name in names if not name.endswith(":root")}
        helps = ev.helps(pair.kind, reading)
        found = []
        for name in sorted(names):
            for help in reversed(helps):
                def fits(i, v, s):
                    if pair.kind == "identity":
                        return True
                    return ev.standing_of(s, name, reading) >= (1 if s["Effect"] == "Deny" else help)
                found.append((pair.mask(fits), (name, help)))
    out = {}
    for mask, who in found:
        lists = []
        for key in keys:
            values = candidates(pair, key, reading)
            ours = PRINCIPAL.match(who[0])
            if ours and key == "aws:principalarn":
                values = [arn_of(who[0])]
            elif ours and key == "aws:principalaccount":
                values = [ours.group(3)]
            elif ours and key == "aws:principaltype":
                values = types_of(who[0])
            elif key == "aws:principalisawsservice":
                values = ["true", "false", None]
            elif who[0] == ev.ANONYMOUS and key in ANONYMOUS:
                values = [ANONYMOUS[key], None]
            elif ours and ours.group(4) == "user" and key == "aws:username":
                values = [ours.group(5).split("/")[-1]]
            lists.append([(key, v, mask_of(pair, key, v, reading)) for v in values])
        for chosen in itertools.product(*lists):
            context = {k: v for k, v, _ in chosen if v is not None}
            if impossible({**FRESH, "principal": who[0], "context": context}, keys):
                continue
            all_of = mask
            for _, _, m in chosen:
                all_of &= m
            out.setdefault(all_of, (who, None, context))
    return out


def decide(pair, reading):
    """(gained, lost) among the requests that can come."""
    def both(a, b):
        return (a[0] or b[0], a[1] if a[1] is not None else b[1], {**a[2], **b[2]})

    present = pair.lines
    found = askers(pair, reading)
    accounts = candidates(pair, "aws:resourceaccount", reading) if "aws:resourceaccount" in present else []
    whose = [(STAR_IN, ":") * 4 + tuple(a) + (":", STAR) for a in ["", *accounts] if isinstance(a, str)]
    resources = [(m, None, r) for m, r in pair.resource_words(reading.colon, reading.wide, whose)]
    found = oracle.joined(found, group(pair, [k for k in present if k == "aws:resourceaccount"], reading, resources), both)
    everything = pair.mask(lambda i, v, s: True)
    keys = [k for k in present if k in OF_NETWORK]
    if keys:
        found = oracle.joined(found, group(pair, keys, reading, [(everything, None, None)]), both)
    actions = {m: (None, None, {"": a}) for m, a in pair.actions(reading.wide).items()}
    found = oracle.joined(found, actions, both)
    for key in present:
        if not OF_ASKER.match(key) and key not in OF_NETWORK + ("aws:resourceaccount",):
            if key in ALWAYS:
                values = {mask_of(pair, key, v, reading): (None, None, {key: v})
                          for v in candidates(pair, key, reading) if v not in (None, [])}
            else:
                values = {m: (None, None, {k: v} if v is not None else {})
                          for m, (k, v) in pair.values(key, reading).items()}
            found = oracle.joined(found, values, both)
    gained = lost = None
    bits = pair.bits
    for mask, (who, resource, context) in found.items():
        before = mask & bits["old", "Allow"] and not mask & bits["old", "Deny"]
        after = mask & bits["new", "Allow"] and not mask & bits["new", "Deny"]
        if bool(before) != bool(after):
            context = dict(context)
            request = {"principal": who[0], "help": who[1], "action": context.pop(""), "resource": resource, "context": context}
            gained, lost = (gained or request, lost) if after else (gained, lost or request)
    return gained, lost


def judge(pair, reading=ev.Reading()):
    """The verdict of a reading, with only requests that can come; pairs without variables."""
    return oracle.verdict(*decide(oracle.Pair(pair["kind"], pair["old"], pair["new"], {}), reading))
