"""Representative strings: for a handful of patterns, one string for each way in which they can match.

In: patterns as tuples of tokens (a character, or one of ANY, STAR, ANY_IN, STAR_IN, the last two not
crossing a colon), each with whether case counts. Out: a word for every reachable combination of "matches"
and "does not match". How: read letter by letter and remember for each pattern where in it one may be;
letters that no pattern waits for are alike, so one of them is enough; stop when nothing new is reached.
That is complete for patterns of any length, and `selftest.py` compares it with writing out every string.

For numbers, dates and addresses: the ends, what lies between them, and beyond.
"""

import functools
import ipaddress
from fractions import Fraction

ANY, STAR, ANY_IN, STAR_IN = 1, 2, 3, 4
SPARE = "xzqwkvy0123456789~^"
MOST_STATES = 3000


class TooMany(Exception):
    """More states than a pair of the fuzzer may need; such a pair is not used."""


def tokens(parts, glob=True, colon="whole"):
    """Tokens for pieces (see evaluator.pieces) under a reading of wildcards and colons; "arn": each of six."""
    return tokens_of(tuple(parts), glob, colon)


@functools.lru_cache(maxsize=50_000)
def tokens_of(parts, glob, colon):
    flat = [(c, p) for text, p in parts for c in text]
    out, colons = [], 0
    if colon in ("six", "every", "strict") and not "".join(t for t, _ in parts).startswith("arn:"):
        colon = "whole"
    for i, (c, is_pattern) in enumerate(flat):
        free = colon == "whole" or (colon in ("six", "strict", "arn") and colons >= 5)
        last = i + 1 == len(flat)
        ends = {"arn": False, "strict": last}.get(colon, last or flat[min(i + 1, len(flat) - 1)][0] == ":")
        if glob and is_pattern and c == "*":
            out.append(STAR if free or ends else STAR_IN)
        elif glob and is_pattern and c == "?":
            out.append(ANY if free else ANY_IN)
        else:
            out.append(c)
            colons += c == ":"
    return tuple(out)


class Machine:
    """One pattern; a state is a set of places in it, as bits."""

    def __init__(self, pattern, fold):
        self.pattern, self.fold = pattern, fold
        self.after = [1 << len(pattern)]
        for token in reversed(pattern):
            here = 1 << (len(pattern) - len(self.after))
            self.after.append(here | self.after[-1] if token in (STAR, STAR_IN) else here)
        self.after.reverse()  # after[p]: every place that is reached with p
        self.end = 1 << len(pattern)
        self.steps, self.awaited = {}, {}

    def letters(self, state):
        """The letters that this state tells from others."""
        known = self.awaited.get(state)
        if known is None:
            known = set()
            for place, token in enumerate(self.pattern):
                if state >> place & 1:
                    if token in (ANY_IN, STAR_IN):
                        known.add(":")
                    elif isinstance(token, str):
                        known |= {token.lower(), token.upper()} if self.fold else {token}
            self.awaited[state] = known
        return known

    def step(self, state, letter):
        known = self.steps.get((state, letter))
        if known is None:
            known = 0
            for place, token in enumerate(self.pattern):
                if not state >> place & 1:
                    continue
                if token == STAR or (token == STAR_IN and letter != ":"):
                    known |= self.after[place]
                elif (
                    token == ANY
                    or (token == ANY_IN and letter != ":")
                    or token == letter
                    or (self.fold and isinstance(token, str) and token.lower() == letter.lower())
                ):
                    known |= self.after[place + 1]
            self.steps[state, letter] = known
        return known


@functools.lru_cache(maxsize=3000)
def machine(pattern, fold):
    return Machine(pattern, fold)


def spare(patterns, avoid=""):
    used = {c.lower() for pattern, _ in patterns for c in pattern if isinstance(c, str)} | set(avoid)
    return next(c for c in SPARE if c not in used)


def words(patterns, avoid=""):
    """A shortest word for every set of patterns that can match together, over all words. `avoid`: letters the
    spare one must not be."""
    return explored(tuple(dict.fromkeys(patterns)), avoid)


@functools.lru_cache(maxsize=2000)
def explored(patterns, avoid):
    machines = [machine(p, fold) for p, fold in patterns]
    other = spare(patterns, avoid)
    start = tuple((i, m.after[0]) for i, m in enumerate(machines))  # only patterns that can still match
    seen, layer, found = {start}, [(start, "")], {}
    while layer:
        following = []
        for state, word in layer:
            found.setdefault(tuple(i for i, s in state if s & machines[i].end), word)
            letters = {other}
            for i, s in state:
                letters |= machines[i].letters(s)
            for letter in sorted(letters, key=lambda c: (c != other, c)):
                steps = ((i, machines[i].step(s, letter)) for i, s in state)
                reached = tuple(step for step in steps if step[1])
                if reached not in seen:
                    seen.add(reached)
                    following.append((reached, word + letter))
        if len(seen) > MOST_STATES:
            raise TooMany
        layer = following
    return tuple(found.values())


def between(points):
    """Each point, one value between any two neighbours, one below and one above."""
    points = sorted(set(points))
    if not points:
        return [Fraction(0)]
    out = [points[0] - 1]
    for low, high in zip(points, points[1:]):
        out += [low, (low + high) / 2]
    return out + [points[-1], points[-1] + 1]


def decimal(value):
    """A fraction whose denominator divides a power of ten, as text."""
    sign, value = ("-" if value < 0 else ""), abs(value)
    whole, rest, digits = int(value), value - int(value), ""
    while rest:
        rest *= 10
        digits += str(int(rest))
        rest -= int(rest)
        if len(digits) > 40:
            raise TooMany
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def addresses(networks):
    """One address of each stretch into which the networks cut IPv4 and IPv6."""
    cuts = {4: {0}, 6: {0}}
    for net in networks:
        cuts[net.version] |= {int(net.network_address), int(net.broadcast_address) + 1}
    out = [str(ipaddress.IPv4Address(c)) for c in sorted(cuts[4]) if c < 1 << 32]
    return out + [str(ipaddress.IPv6Address(c)) for c in sorted(cuts[6]) if c < 1 << 128]
