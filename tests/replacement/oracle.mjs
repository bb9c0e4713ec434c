// Says what npm @aws-cdk/cloudformation-diff makes of changes of one property each.
// In, as JSON on stdin: [{type, old: properties, new: properties}, ...]; out on stdout: [impact, ...], where impact is
// NO_CHANGE, WILL_UPDATE, MAY_REPLACE or WILL_REPLACE.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const { fullDiff } = createRequire(`${process.argv[2]}/`)('@aws-cdk/cloudformation-diff');
const template = (Type, Properties) => ({ Resources: { It: { Type, Properties } } });
const impacts = JSON.parse(readFileSync(0, 'utf8')).map(pair => {
  const change = fullDiff(template(pair.type, pair.old), template(pair.type, pair.new)).resources.changes.It;
  return change?.isDifferent ? change.changeImpact : 'NO_CHANGE';
});
process.stdout.write(JSON.stringify(impacts));
