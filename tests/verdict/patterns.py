"""Patterns of policies against text: wildcards, policy variables, and what a colon stops.

In: a pattern as pieces, resolved policy variables apart from what was written, since a `*` in a value is a
letter. Out: whether it matches. Sources, below https://docs.aws.amazon.com/IAM/latest/UserGuide/ :
reference_policies_variables.html, reference_policies_elements_resource.html (wildcards),
reference_policies_elements_condition_operators.html (ARN operators). Read next: evaluator.py.
"""

import functools
import re


def lookup(context, name):
    """Names of context keys are not case-sensitive."""
    wanted = name.lower()
    for key, value in context.items():
        if key.lower() == wanted:
            return value
    return None


ANY_KEY = re.compile(r"\$\{([^}]*)\}")


class Unresolved(Exception):
    """A policy variable without a value: the statement that names it does not apply."""


def pieces(pattern, version, context):
    """The pattern as a list of (text, is_pattern): resolved variables are text, whatever they contain."""
    if version != "2012-10-17" or "${" not in pattern:
        return [(pattern, True)]
    found, at = [], 0
    for match in ANY_KEY.finditer(pattern):
        found.append((pattern[at:match.start()], True))
        at = match.end()
        inner = match.group(1)
        if inner in ("*", "?", "$"):
            found.append((inner, False))
            continue
        name, _, default = inner.partition(",")
        value = lookup(context, name.strip())
        if isinstance(value, list):
            raise Unresolved  # multivalued keys are no policy variables
        if value is None:
            default = default.strip()
            if len(default) < 2 or default[0] != "'" or default[-1] != "'":
                raise Unresolved
            value = default[1:-1]
        found.append((value, False))
    found.append((pattern[at:], True))
    return found


def regex(parts, star=".*", one=".", last_star=None):
    """A regular expression's text for pieces. `last_star` stands for a `*` that ends a segment."""
    return regex_of(tuple(parts), star, one, star if last_star is None else last_star)


@functools.lru_cache(maxsize=100_000)
def regex_of(parts, star, one, last_star):
    out = []
    flat = [(c, is_pattern) for text, is_pattern in parts for c in text]
    for i, (c, is_pattern) in enumerate(flat):
        if is_pattern and c == "*":
            out.append(last_star if i + 1 == len(flat) or flat[i + 1][0] == ":" else star)
        else:
            out.append(one if is_pattern and c == "?" else re.escape(c))
    return "".join(out)


def split_at_colon(parts, times):
    """Cuts pieces at their first `times` colons."""
    segments, current = [], []
    for text, is_pattern in parts:
        while times > 0 and ":" in text:
            head, text = text.split(":", 1)
            current.append((head, is_pattern))
            segments.append(current)
            current = []
            times -= 1
        current.append((text, is_pattern))
    return segments + [current]


@functools.lru_cache(maxsize=200_000)
def compiled(text, flags):
    return re.compile(text, flags | re.DOTALL)


def matches(text, value, flags=0):
    return compiled(text, flags).fullmatch(value) is not None


def resource_matches(parts, value, colon):
    """reference_policies_elements_resource.html, "Using wildcards in resource ARNs"."""
    if colon == "whole" or not parts[0][0].startswith("arn:"):
        return matches(regex(parts), value)
    within = dict(star="[^:]*", one="[^:]", last_star=".*")
    if colon == "every":
        return matches(regex(parts, **within), value)
    segments = split_at_colon(parts, 5)
    if colon == "strict":
        texts = [regex(s, star="[^:]*", one="[^:]") for s in segments[:5]]
        if len(segments) < 6:
            texts[-1] = regex(segments[-1], **within)
    else:
        texts = [regex(s, **within) for s in segments[:5]]
    texts += [regex(s) for s in segments[5:]]
    return matches(":".join(texts), value)


def arn_matches(parts, value):
    """ArnLike and ArnEquals: each of the six components on its own; only the sixth holds colons."""
    if value.count(":") < 5:
        return False
    segments = split_at_colon(parts, 5)
    if len(segments) < 6:
        return False
    texts = [regex(s, star="[^:]*", one="[^:]") for s in segments[:5]] + [regex(segments[5])]
    return matches(":".join(texts), value)
