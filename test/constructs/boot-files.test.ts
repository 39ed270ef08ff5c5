/** What the templates tell machines is what machines take: boot.json and sluice.yaml. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseBootPlan } from '../../node-image/cloud/boot/boot-plan';
import { configSchema } from '../../node-image/contract';
import { readGolden, type TemplateJson } from './support/golden';
import { SHIPPED } from './support/shipped';

for (const name of SHIPPED) {
  describe(name, () => {
    const template = readGolden(`${name}.template.yaml`);

    for (const [id, text] of userData(template)) {
      test(`${id}: sluice boot takes its boot.json`, () => {
        const json = /<<'END_OF_BOOT_JSON'\n([\s\S]*?)\nEND_OF_BOOT_JSON/.exec(text)?.[1] ?? '';
        const plan = parseBootPlan(json);
        assert.equal(plan.cloud, 'aws');
        assert.ok(plan.signal?.resource);
        assert.ok(Object.hasOwn(template.Resources, plan.signal.resource), plan.signal.resource);
      });
    }

    for (const [id, text] of configurations(template)) {
      test(`${id}: the node takes its sluice.yaml`, () => {
        const { error } = configSchema.safeParse(parse(text));
        assert.deepEqual(error?.issues ?? [], []);
      });
    }
  });
}

function userData({ Resources, Parameters }: TemplateJson): [string, string][] {
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::EC2::LaunchTemplate')
    .map(([id, { Properties }]) => {
      const data = Properties?.['LaunchTemplateData'] as { UserData: { 'Fn::Base64': unknown } };
      return [id, deployed(data.UserData['Fn::Base64'], Parameters)];
    });
}

function configurations({ Resources, Parameters }: TemplateJson): [string, string][] {
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::SSM::Parameter')
    .map(([id, { Properties }]) => [id, deployed(Properties?.['Value'], Parameters)]);
}

/** As CloudFormation would make it with the defaults; what is known only then is some text. */
function deployed(value: unknown, parameters: TemplateJson['Parameters'] = {}): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return 'x';
  const [[name, inner] = ['', '']] = Object.entries(value);
  if (name === 'Fn::Join' && Array.isArray(inner)) {
    return (inner[1] as unknown[]).map((each) => deployed(each, parameters)).join(String(inner[0]));
  }
  if (name === 'Fn::GetAtt' && String((inner as string[])[1]).startsWith('Cidr')) {
    return '10.0.0.0/16';
  }
  // Of resources only a queue has a reference that is looked into.
  if (name === 'Ref' && /Notices[0-9A-F]{8}$/.test(String(inner))) return 'https://sqs.example/q';
  const byDefault = name === 'Ref' ? parameters[String(inner)]?.['Default'] : undefined;
  return byDefault === undefined ? 'some-value' : String(byDefault);
}
