"""json_schema.py SCHEMA INSTANCE...: a JSON Schema validator over all instances in one process, of the draft that the schema
names (2020-12 where it names none).

Instances are JSON or YAML. YAML is read by the core schema of YAML 1.2, written out below: `no` and `on` are strings, `012` is 12,
a date is a string, and a key that stands twice is an error. Prints a JSON list with an entry for each instance: a list of
{"path": JSON pointer of the deepest cause, "outer": pointer of the failing keyword's instance, "keyword", "message"}."""
import json, re, sys
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

LIMIT = 1_000_000  # nodes after aliases are followed
CORE = [
    (re.compile(r"null|Null|NULL|~|"), lambda s: None),
    (re.compile(r"true|True|TRUE"), lambda s: True),
    (re.compile(r"false|False|FALSE"), lambda s: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda s: int(s[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda s: int(s, 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda s: float(s.replace(".", ""))),
]


class Unreadable(Exception):
    pass


def plain(text):
    return next((read(text) for pattern, read in CORE if pattern.fullmatch(text)), text)


def value(node, inside, count):
    count[0] += 1
    if count[0] > LIMIT:
        raise Unreadable("aliases expand without bound")
    if id(node) in inside:
        raise Unreadable("an alias holds itself")
    if isinstance(node, ScalarNode):
        return plain(node.value) if node.style is None and not tagged_string(node) else node.value
    inside = inside | {id(node)}
    if isinstance(node, SequenceNode):
        return [value(n, inside, count) for n in node.value]
    out = {}
    for k, v in node.value:
        key = k.value if isinstance(k, ScalarNode) else None
        if key is None:
            raise Unreadable("a key is not a scalar")
        if key in out:
            raise Unreadable(f"the key {key!r} stands twice")
        out[key] = value(v, inside, count)
    return out


def tagged_string(node):
    """`!!str 12`: the reader says string where the core schema would say something else."""
    return str(node.tag) == "tag:yaml.org,2002:str" and not isinstance(plain(node.value), str)


def load(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if path.endswith(".json"):
        return json.loads(text)
    node = YAML(typ="safe", pure=True).compose(text)
    return None if node is None else value(node, frozenset(), [0])


def pointer(parts):
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def violations(error):
    outer = list(error.absolute_path)
    cause = best_match([error])
    path = list(cause.absolute_path)
    entry = lambda p, m: {"path": pointer(p), "outer": pointer(outer), "keyword": cause.validator, "message": m[:400]}
    if cause.validator in ("additionalProperties", "unevaluatedProperties") and isinstance(cause.instance, dict):
        known = cause.schema.get("properties", {})
        patterns = cause.schema.get("patternProperties", {})
        extra = [k for k in cause.instance if k not in known and not any(re.search(p, k) for p in patterns)]
        if cause.validator == "additionalProperties" and extra:
            return [entry(path + [k], f"unexpected key {k!r}") for k in extra]
    return [entry(path, cause.message)]


with open(sys.argv[1], encoding="utf-8") as f:
    schema = json.load(f)
Validator = validator_for(schema, default=Draft202012Validator)
Validator.check_schema(schema)
validator = Validator(schema)
answers = []
for path in sys.argv[2:]:
    try:
        instance = load(path)
    except Exception as e:
        answers.append([{"path": "", "outer": "", "keyword": "unreadable", "message": f"{type(e).__name__}: {e}"[:400]}])
        continue
    answers.append([v for e in validator.iter_errors(instance) for v in violations(e)])
json.dump(answers, sys.stdout)
