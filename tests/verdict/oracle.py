"""What is true about a pair of documents: found by going through one request of every kind there is.

In: {"kind", "old", "new"}. Out: for each `Reading` of AWS's pages a verdict, with a request that was
gained and one that was lost. A request has an action, a resource, an asker and context keys; for each of
these `words.py` gives representatives, `evaluator.py` says which statements each of them fits, and the
combinations are gone through. No representative is left out, so "none found" means "there is none".

With policy variables the values of the variable's key are sampled, and what is found is only a lower bound
(`complete` is False then). Read next: judge.py.
"""

import itertools
import re
from dataclasses import dataclass, field
from fractions import Fraction

import evaluator as ev
from evaluator import Reading, listed
from words import ANY, ANY_IN, STAR, STAR_IN, TooMany, addresses, between, decimal, tokens, words

ARN_SHAPE = (tuple("arn:") + (STAR_IN, ":") * 4 + (STAR,), False)
ACTION_SHAPE = ((ANY_IN, STAR_IN, ":", ANY_IN, STAR_IN), True)
FREE_KEYS = re.compile(r"\$\{([^}*?$][^}]*)\}")


@dataclass
class Truth:
    """`verdicts`: per reading. `gained`, `lost`: a request per reading that has one."""

    verdicts: dict = field(default_factory=dict)
    gained: dict = field(default_factory=dict)
    lost: dict = field(default_factory=dict)
    complete: bool = True


def verdict(gained, lost):
    if gained:
        return "incomparable" if lost else "broadened"
    return "narrowed" if lost else "equivalent"


class Pair:
    """The statements of both sides under one numbering: bit i of a mask says that statement i fits."""

    def __init__(self, kind, old, new, context):
        self.kind, self.context = kind, context
        self.all = [(v, s, side) for side, p in (("old", old), ("new", new)) for v, s in ev.statements(p)]
        self.void = [not ev.resolves(v, s, context) for v, s, _ in self.all]
        self.bits = {("old", "Allow"): 0, ("old", "Deny"): 0, ("new", "Allow"): 0, ("new", "Deny"): 0}
        for i, (_, s, side) in enumerate(self.all):
            self.bits[side, s["Effect"]] |= 1 << i
        self.lines = {}  # key -> [(statement, operator, key as written, values, version)]
        for i, (v, s, _) in enumerate(self.all):
            for operator, key, values in ev.conditions(s):
                self.lines.setdefault(key.lower(), []).append((i, operator, key, values, v))
        self.known = {}

    def mask(self, fits):
        return sum(1 << i for i, (v, s, _) in enumerate(self.all) if not self.void[i] and fits(i, v, s))

    def once(self, name, make):
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]

    # --- one dimension each: {mask: representative}

    def actions(self, wide):
        def make():
            globs = [(tokens([(p, True)]), True) for _, s, _ in self.all
                     for p in listed(s.get("Action", s.get("NotAction")))]
            out = {}
            for word in words(globs + [ACTION_SHAPE], avoid=":"):
                if wide or re.fullmatch("[^:]+:[^:]+", word):
                    out.setdefault(self.mask(lambda i, v, s: ev.action_applies(s, word)), word)
            return out

        return self.once(("action", wide), make)

    def resource_words(self, colon, wide, more=()):
        """(mask, word) for every way in which resources, and `more` patterns, can match."""
        reading = Reading(colon=colon)
        globs = [(ANY, STAR), *more]
        for i, (v, s, _) in enumerate(self.all):
            if not self.void[i]:
                for element in ("Resource", "NotResource"):
                    globs += [tokens(ev.pieces(p, v, self.context), colon=colon)
                              for p in listed(s.get(element, []))]
        return [(self.mask(lambda i, v, s: ev.resource_applies(v, s, word, self.context, reading)), word)
                for word in words([(g, False) for g in globs], avoid=":") if word or wide]

    def resources(self, colon, wide):
        def make():
            out = {}
            for fits, word in self.resource_words(colon, wide):
                out.setdefault(fits, word)
            return out

        return self.once(("resource", colon, wide), make)

    def asker_names(self):
        """Everyone who is named, and one of each kind who is not."""
        names = {"*"}
        for _, s, _ in self.all:
            for element in ("Principal", "NotPrincipal"):
                if element in s:
                    names |= ev.named(s[element])
        askers = ["arn:aws:iam::999999999999:role/anyone", "arn:aws:iam::999999999999:user/anyone",
                  "unlisted.amazonaws.com", ev.ANONYMOUS]
        for name in sorted(names - {"*"}):
            askers.append(name)
            found = re.fullmatch(r"(arn:[^:]*):(iam|sts)::(\d{12}):(.*)", name)
            if found and not found.group(4).startswith(("saml", "oidc")):
                head, account, rest = found.group(1), found.group(3), found.group(4)
                askers += [f"{head}:iam::{account}:role/unlisted", f"{head}:iam::{account}:user/unlisted",
                           f"{head}:iam::{account}:root"]
                if rest.startswith("role/"):
                    role = rest.removeprefix("role/").split("/")[-1]
                    askers.append(f"{head}:sts::{account}:assumed-role/{role}/unlisted")
                if rest.startswith("assumed-role/"):
                    role = rest.split("/")[1]
                    askers += [f"{head}:iam::{account}:role/{role}",
                               f"{head}:sts::{account}:assumed-role/{role}/unlisted"]
        return list(dict.fromkeys(askers))

    def askers(self, parties, standing):
        def make():
            if self.kind == "identity":
                return {self.mask(lambda i, v, s: True): ("arn:aws:iam::999999999999:role/anyone", ev.DELEGATED)}
            reading = Reading(parties=parties, standing=standing)
            out = {}
            for asker in self.asker_names():
                for help in reversed(ev.helps(self.kind, reading)):
                    def fits(i, v, s):
                        reach = ev.standing_of(s, asker, reading)
                        return reach >= (1 if s["Effect"] == "Deny" else help)
                    out.setdefault(self.mask(fits), (asker, help))
            return out

        return self.once(("asker", parties, standing), make)

    def values(self, key, reading):
        types = sorted({ev.OPERATORS[ev.parse_operator(o)[1]][2] for _, o, *_ in self.lines[key]
                        if ev.parse_operator(o)[1] != "Null"})
        quantified = any(ev.parse_operator(o)[0] for _, o, *_ in self.lines[key])
        name = (key, reading.wide and types != ["text"],
                reading.any_if_exists if quantified else None)
        return self.once(name, lambda: self.make_values(key, types, quantified, reading))

    def make_values(self, key, types, quantified, reading):
        lines = self.lines[key]
        if key in {k.lower() for k in self.context}:
            candidates = [ev.lookup(self.context, key)]
        else:
            candidates = self.candidates(lines, types, quantified, reading)
        written = lines[0][2]
        out = {}
        for given in candidates:
            held = {}
            for i, operator, _, wanted, version in lines:
                if not self.void[i] and held.get(i, True):
                    held[i] = ev.condition_holds(operator, wanted, given, version, self.context, reading)
            out.setdefault(self.mask(lambda i, v, s: held.get(i, True)), (written, given))
        return out

    def candidates(self, lines, types, quantified, reading):
        globs, points, times, nets = [ARN_SHAPE] if "arn" in types else [], [], [], []
        plain = {"x", ""}
        for i, operator, _, wanted, version in lines:
            base = ev.parse_operator(operator)[1]
            if base == "Null" or self.void[i]:
                continue
            kind = ev.OPERATORS[base][2]
            for value in listed(wanted):
                parts = ev.pieces(ev.scalar(value), version, self.context)
                text = "".join(t for t, _ in parts)
                if kind == "text":
                    globs.append((tokens(parts, glob="Like" in base), "IgnoreCase" in base))
                elif kind == "arn":
                    globs.append((tokens(parts, colon="arn"), False))
                elif kind == "number" and ev.number(text) is not None:
                    points.append(ev.number(text))
                elif kind == "date" and ev.instant(text) is not None:
                    times.append(ev.instant(text))
                elif kind == "address" and ev.network(text) is not None:
                    nets.append(ev.network(text))
                else:
                    plain.add(text)
        found = list(words(globs, avoid=":")) if globs or "text" in types else []
        found += [w + "x" for w in found if w == ""] + sorted(plain)
        if "number" in types:
            found += [decimal(p) for p in between(points)]
        if "date" in types:
            found += [iso(p) for p in between(times)]
        if "address" in types:
            found += addresses(nets)
        if "boolean" in types:
            found += ["true", "false"]
        if "binary" in types:
            found += ["b3RoZXI="]
        if not reading.wide:
            found = [w for w in found if all(ev.well_formed(t, w) for t in types)]
        found = sorted(dict.fromkeys(found), key=lambda w: (w == "", len(w), w))
        if not quantified:
            return found + [None]
        singles = {}
        for w in found:
            alike = tuple(ev.condition_holds(o, wanted, [w], v, self.context, reading)
                          for _, o, _, wanted, v in lines)
            singles.setdefault(alike, w)
        singles, most = list(singles.values()), max(1, len({(o, str(w)) for _, o, _, w, _ in lines}))
        sets = [list(c) for n in range(1, min(most, len(singles)) + 1)
                for c in itertools.combinations(singles, n)]
        if len(sets) > 3000:
            raise TooMany
        return sets + [[], None]

    # --- all of them together

    def requests(self, reading):
        """{mask: (asker, action, resource, {key: value})} for every combination of fitting statements."""
        name = ("all but resources", reading.wide, reading.parties, reading.standing, reading.any_if_exists)

        def make():
            found = {m: (who, {}) for m, who in self.askers(reading.parties, reading.standing).items()}
            found = joined(found, self.actions(reading.wide), lambda a, b: (a[0], b, a[1]))
            for key in self.lines:
                found = joined(found, self.values(key, reading),
                               lambda a, b: (*a[:2], {**a[2], b[0]: b[1]}))
            return found

        return joined(self.once(name, make), self.resources(reading.colon, reading.wide), lambda a, b: (*a, b))

    def decide(self, reading):
        """(a request that is gained, a request that is lost)"""
        bits, gained, lost = self.bits, None, None
        for mask, found in self.requests(reading).items():
            before = mask & bits["old", "Allow"] and not mask & bits["old", "Deny"]
            after = mask & bits["new", "Allow"] and not mask & bits["new", "Deny"]
            if after and not before:
                gained = gained or self.request(found)
            if before and not after:
                lost = lost or self.request(found)
        return gained, lost

    def request(self, found):
        (asker, help), action, context, resource = found
        context = {**self.context, **{k: v for k, v in context.items() if v is not None}}
        return {"principal": asker, "action": action, "resource": resource,
                "context": {k: v for k, v in context.items() if v is not None}, "help": help}


def joined(left, right, both):
    out = {}
    for a, left_value in left.items():
        for b, right_value in right.items():
            if a & b not in out:
                out[a & b] = both(left_value, right_value)
    if len(out) > 20_000:
        raise TooMany
    return out


def iso(seconds):
    """A moment as ISO 8601, with as many decimals as it needs."""
    from datetime import timedelta

    whole = seconds.numerator // seconds.denominator
    rest = decimal(Fraction(seconds - whole))[1:]
    return (ev.EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S") + rest + "Z"


def variables(*policies):
    """The context keys that the documents use as policy variables."""
    found = {}
    for policy in policies:
        for version, statement in ev.statements(policy):
            if version == "2012-10-17":
                texts = [t for e in ("Resource", "NotResource") for t in listed(statement.get(e, []))]
                texts += [ev.scalar(v) for _, _, w in ev.conditions(statement) for v in listed(w)]
                for text in texts:
                    for name in FREE_KEYS.findall(text):
                        key = name.partition(",")[0].strip()
                        found.setdefault(key.lower(), key)
    return list(found.values())


def samples(pair, key):
    """Values of a variable's key: absent, empty, what the documents have in its places, and strangers."""
    out = [None, "v", "", "*"]
    for _, statement in itertools.chain(ev.statements(pair["old"]), ev.statements(pair["new"])):
        texts = [t for e in ("Resource", "NotResource") for t in listed(statement.get(e, []))]
        texts += [ev.scalar(v) for _, k, w in ev.conditions(statement) for v in listed(w)]
        for text in texts:
            for part in re.split(r"[/:*?]|\$\{[^}]*\}", text):
                out += [part] if part else []
        for _, k, w in ev.conditions(statement):
            if k.lower() == key.lower():
                out += [re.sub(r"[*?]", "w", ev.scalar(v)) for v in listed(w)]
    return list(dict.fromkeys(out))[:14]


def readings(pair):
    """The readings that can make a difference to this pair."""
    every = [s for p in (pair["old"], pair["new"]) for _, s in ev.statements(p)]
    globs = [p for s in every for e in ("Resource", "NotResource") for p in listed(s.get(e, []))]
    colons, seen = [], []
    for colon in ("whole", "six", "strict", "every"):
        cut = [tokens([(p, True)], colon=colon) for p in globs]
        if cut not in seen:
            seen.append(cut)
            colons.append(colon)
    operators = [ev.parse_operator(o) for s in every for o, _, _ in ev.conditions(s)]
    return [
        Reading(*choice)
        for choice in itertools.product(
            colons,
            (False, True),
            ("any", "role", "session") if any("NotPrincipal" in s for s in every) else ("any",),
            ((True, True), (True, False), (False, False))
            if any(q == "ForAnyValue" and e for q, _, e in operators) else ((True, True),),
            (True, False) if pair["kind"] != "identity" else (True,),
        )
    ]


def judge(pair):
    """The Truth about a pair. Raises TooMany where the pair is too large for this way of deciding."""
    truth = Truth()
    keys = variables(pair["old"], pair["new"])
    truth.complete = not keys
    contexts = [dict(zip(keys, chosen)) for chosen in itertools.product(*(samples(pair, k) for k in keys))]
    cases = [Pair(pair["kind"], pair["old"], pair["new"], c) for c in contexts[:200]]
    for reading in readings(pair):
        gained = lost = None
        for case in cases:
            more, less = case.decide(reading)
            gained, lost = gained or more, lost or less
            if gained and lost:
                break
        for request, was, now in ((gained, pair["old"], pair["new"]), (lost, pair["new"], pair["old"])):
            if request is not None:
                help = request["help"]
                assert not ev.allows(pair["kind"], was, request, help, reading), (pair, request, reading)
                assert ev.allows(pair["kind"], now, request, help, reading), (pair, request, reading)
        truth.verdicts[reading] = verdict(gained, lost)
        truth.gained[reading], truth.lost[reading] = gained, lost
    return truth
