#!/usr/bin/env python3
"""CloudFormation's resource types, condensed: writes ../data/{types,schemas}.jsonl and ../data/regions.json.

How to run, in an empty folder:

    python3 -m venv v && v/bin/pip install cfn-lint==1.58.0
    npm install @aws-cdk/aws-service-spec@0.1.216
    NODE_PATH=node_modules node service-spec.cjs > service-spec.json
    v/bin/python cloudformation.py --service-spec service-spec.json --out ../data     (after iam.py: it reads iam.jsonl)

types.txt lists the types: one line a service, the first word a whole name, the others its neighbours.
corrections.json maps the permissions that the schemas misname to real IAM actions (null: there is none).

types.jsonl: what is true of a type as a whole. schemas.jsonl: the nested schema of its properties, without
documentation. One type a line, keys sorted, so that a line is parsed only when its type is asked for and a
diff of two generations names the types that AWS changed.
"""
import argparse
import importlib.metadata
import json
import os

import cfnlint.data.schemas as S

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMAS = os.path.dirname(S.__file__)
# the keywords that src/catalogue/schema.rs reads; everything else is documentation or a hint for other tools
KEYWORDS = {
    '$ref', 'additionalProperties', 'allOf', 'anyOf', 'const', 'definitions', 'dependentExcluded',
    'dependentRequired', 'enum', 'enumCaseInsensitive', 'insertionOrder', 'items', 'maxItems', 'maxLength',
    'maxProperties', 'maximum', 'minItems', 'minLength', 'minProperties', 'minimum', 'oneOf', 'pattern',
    'patternProperties', 'properties', 'required', 'requiredOr', 'requiredXor', 'type', 'uniqueItems',
}
NAMED = {'properties', 'definitions', 'patternProperties'}


def load(*path):
    with open(os.path.join(*path), encoding='utf-8') as f:
        return json.load(f)


def names(path):
    out = set()
    with open(path, encoding='utf-8') as f:
        for line in f:
            first, *rest = line.split() or ['#']
            if first.startswith('#'):
                continue
            out.add(first)
            out.update(f"{first.rsplit('::', 1)[0]}::{word}" for word in rest)
    return sorted(out)


def prune(node):
    """The schema with the keywords that are checked, and no empty alternatives."""
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key not in KEYWORDS:
            continue
        if key in NAMED:
            value = {name: prune(inner) for name, inner in value.items()}
            if not value:
                continue
        elif key in ('anyOf', 'oneOf', 'allOf'):
            value = [prune(inner) for inner in value]
            if not all(value):  # an alternative that only named a format accepts everything
                continue
        elif key == 'items':
            value = prune(value)
        elif key == 'additionalProperties':
            if value is not False:
                continue
        elif key == 'enum':
            value = sorted(value, key=str)
        elif value in (None, []) or (value is False and key != 'insertionOrder'):
            continue
        elif key in ('minItems', 'minLength', 'minProperties') and value == 0:
            continue
        elif key == 'insertionOrder' and value is True:
            continue
        out[key] = value
    return out


def path(pointer):
    return pointer.removeprefix('/properties/')


def paths(schema, key):
    return sorted({path(p) for p in schema.get(key) or []})


def permissions(listed, corrections, actions):
    out = set()
    for name in listed:
        for real in corrections.get(name, [name]) or []:
            service, action = real.split(':', 1)
            known = actions.get(service.lower(), {})
            out.add(f'{service.lower()}:{known.get(action.lower(), action)}')
    return sorted(out)


def facts(name, schema, spec, corrections, actions):
    out = {
        'name': name,
        'properties': sorted(schema['properties']),
        'required': sorted(schema.get('required', [])),
        'identifier': [path(p) for p in schema.get('primaryIdentifier', [])],  # the order is meaning
        'createOnly': paths(schema, 'createOnlyProperties'),
        'conditional': paths(schema, 'conditionalCreateOnlyProperties'),
        'readOnly': paths(schema, 'readOnlyProperties'),
        'writeOnly': paths(schema, 'writeOnlyProperties'),
        'deprecated': paths(schema, 'deprecatedProperties'),
        'deleteFirst': schema.get('replacementStrategy') == 'delete_then_create',
    }
    tagging = schema.get('tagging') or {}
    if tagging.get('taggable', schema.get('taggable', False)):
        out['tags'] = {'property': path(tagging.get('tagProperty', '/properties/Tags')),
                       'updatable': tagging.get('tagUpdatable', True)}
    if schema.get('handlers'):
        out['handlers'] = {kind: permissions(body.get('permissions', []), corrections, actions)
                           for kind, body in sorted(schema['handlers'].items())}
    if spec:
        out['documented'] = {p: word for p, word in sorted(spec['replacement'].items())
                             if p not in out['createOnly']}
        out['getAtt'] = spec['attributes']
        out['arn'] = spec['arn']
        out['holdsData'] = spec['stateful']
    return out


def write(folder, name, rows):
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
        for row in rows:
            body = json.dumps({k: v for k, v in row.items() if k != 'name'},
                              sort_keys=True, separators=(',', ':'), ensure_ascii=False)
            f.write(f'{{"name":"{row["name"]}",{body[1:]}\n')


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--service-spec', required=True)
    arguments.add_argument('--out', required=True)
    arguments.add_argument('--base', default='us-east-1', help='the region whose schema is taken')
    given = arguments.parse_args()
    regions = sorted(f[:-5] for f in os.listdir(os.path.join(SCHEMAS, 'providers'))
                     if f.endswith('.json') and f != 'sam.json')
    provided = {region: load(SCHEMAS, 'providers', f'{region}.json') for region in regions}
    stateful = load(os.path.dirname(SCHEMAS), 'AdditionalSpecs', 'StatefulResources.json')['ResourceTypes']
    spec = load(given.service_spec)
    corrections = load(HERE, 'corrections.json')
    actions = {}
    with open(os.path.join(given.out, 'iam.jsonl'), encoding='utf-8') as f:
        for line in f:
            row = json.loads(line)
            actions[row['name']] = {action.lower(): action for action in row['actions']}
    types, schemas = [], []
    for name in names(os.path.join(HERE, 'types.txt')):
        at = given.base if name in provided[given.base] else next(r for r in regions if name in provided[r])
        schema = load(SCHEMAS, 'resources', f'{provided[at][name]}.json')
        row = facts(name, schema, spec['types'].get(name), corrections, actions)
        row['holdsData'] = row.get('holdsData', False) or name in stateful
        row['absent'] = [r for r in regions if name not in provided[r]]
        types.append({k: v for k, v in row.items() if v not in (None, False, [], {})})
        schemas.append({'name': name, **prune(schema)})
    write(given.out, 'types.jsonl', types)
    write(given.out, 'schemas.jsonl', schemas)
    with open(os.path.join(given.out, 'regions.json'), 'w', encoding='utf-8') as f:
        json.dump({'cfnLint': importlib.metadata.version('cfn-lint'),
                   'schemaDate': load(SCHEMAS, 'version.json')['schema_date'],
                   'serviceSpec': spec['version'], 'regions': regions}, f, indent=1)
        f.write('\n')


if __name__ == '__main__':
    main()
