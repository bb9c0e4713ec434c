// Dumps what npm @aws-cdk/aws-service-spec knows of each type and the registry schemas do not: which properties
// the documentation says replace, the ARN's form, the attributes, whether the type holds data.
// How to run: see cloudformation.py.
const { loadAwsServiceSpecSync } = require('@aws-cdk/aws-service-spec');
const { version } = require('@aws-cdk/aws-service-spec/package.json');
const types = {};
for (const type of loadAwsServiceSpecSync().all('resource')) {
  const replacement = {};
  for (const [name, property] of Object.entries(type.properties)) {
    if (property.causesReplacement && property.causesReplacement !== 'no') {
      replacement[name] = property.causesReplacement;
    }
  }
  types[type.cloudFormationType] = {
    replacement,
    stateful: Boolean(type.isStateful),
    arn: type.arnTemplate ?? null,
    attributes: Object.keys(type.attributes ?? {}).sort(),
  };
}
process.stdout.write(JSON.stringify({ version, types }));
