/** The parameters of the shipped stacks: what the console asks for, and what they can do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Domain } from '../../constructs/domain';
import { HighAvailabilityCluster } from '../../constructs/high-availability-cluster';
import { readGolden, type TemplateJson } from './support/golden';
import { shippedTemplate } from './support/shipped';
import { anyStack, templateOf } from './support/stacks';

interface Interface {
  readonly ParameterGroups: readonly {
    readonly Label: { readonly default: string };
    readonly Parameters: readonly string[];
  }[];
  readonly ParameterLabels: Readonly<Record<string, { readonly default: string }>>;
}

const interfaceOf = ({ Metadata }: TemplateJson) =>
  Metadata?.['AWS::CloudFormation::Interface'] as Interface;

for (const name of ['SluiceElastic', 'SluiceHighAvailability'] as const) {
  describe(name, () => {
    const template = shippedTemplate(name);
    const parameters = template.Parameters ?? {};
    const { ParameterGroups, ParameterLabels } = interfaceOf(template);

    test('sizes the Media Nodes in a group of the console of their own', () => {
      const group = ParameterGroups.find(
        ({ Label }) => Label.default === 'Media Nodes Autoscaling Group Configuration',
      );
      assert.deepEqual(group?.Parameters, [
        'MediaNodesArchitecture',
        'MediaNodesInstanceType',
        'MediaNodesArmInstanceType',
        'MediaNodesInitialCapacity',
        'MediaNodesMinCapacity',
        'MediaNodesMaxCapacity',
        'MediaNodesTargetLoad',
        'MediaNodesHeadroomRooms',
      ]);
    });

    test('has a name for people and an explanation for each of them, and a bound or a form', () => {
      for (const each of ParameterGroups.flatMap(({ Parameters }) => Parameters)) {
        const parameter = parameters[each];
        assert.ok(ParameterLabels[each]?.default, each);
        assert.ok(parameter?.['Description'], each);
        const bounds = ['AllowedPattern', 'AllowedValues', 'MaxValue'];
        assert.ok(
          bounds.some((bound) => Object.hasOwn(parameter, bound)),
          each,
        );
      }
    });

    test('does nothing to its size but by minimum and maximum', () => {
      const group = Object.values(template.Resources).find(
        ({ Type, Properties }) =>
          Type === 'AWS::AutoScaling::AutoScalingGroup' &&
          Properties?.['LifecycleHookSpecificationList'] !== undefined,
      );
      assert.deepEqual(group?.Properties?.['MinSize'], { Ref: 'MediaNodesMinCapacity' });
      assert.deepEqual(group?.Properties?.['MaxSize'], { Ref: 'MediaNodesMaxCapacity' });
      assert.equal(group?.Properties?.['DesiredCapacity'], undefined);
    });

    test('is resized without a new launch template', () => {
      const launchTemplates = Object.values(template.Resources).filter(
        ({ Type }) => Type === 'AWS::EC2::LaunchTemplate',
      );
      const text = JSON.stringify(launchTemplates);
      for (const each of ['Initial', 'Min', 'Max'].map((one) => `MediaNodes${one}Capacity`)) {
        assert.ok(!text.includes(each), each);
      }
      assert.ok(text.includes('MediaNodesInstanceType'));
    });

    test('asks for a certificate or a zone to make one in', () => {
      const rules = (template as TemplateJson & { Rules: Record<string, unknown> }).Rules;
      assert.match(JSON.stringify(rules['CertificateOrZone']), /HostedZoneId.*CertificateArn/);
    });
  });
}

test('the defaults are those of the construct', () => {
  const stack = anyStack();
  new HighAvailabilityCluster(stack, 'Meet', { domain: Domain.none() });
  const [group] = Object.values(
    templateOf(stack).findResources('AWS::AutoScaling::AutoScalingGroup', {
      Properties: { NewInstancesProtectedFromScaleIn: true },
    }),
  );
  const { Parameters = {} } = readGolden('SluiceHighAvailability.template.yaml');
  const defaultOf = (name: string) => String(Parameters[name]?.['Default']);
  assert.equal(group?.['Properties'].MinSize, defaultOf('MediaNodesMinCapacity'));
  assert.equal(group?.['Properties'].MaxSize, defaultOf('MediaNodesMaxCapacity'));
  const tags = new Map(
    group?.['Properties'].Tags.map(({ Key, Value }: { Key: string; Value: string }) => [
      Key,
      Value,
    ]),
  );
  assert.equal(tags.get('sluice:target-load'), defaultOf('MediaNodesTargetLoad'));
  assert.equal(tags.get('sluice:headroom-rooms'), defaultOf('MediaNodesHeadroomRooms'));
});
