import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { parse } from 'yaml';
import { MasterNodes } from '../../constructs/master-nodes';
import { MediaNodes, type MediaNodesProps } from '../../constructs/media-nodes';
import { NodeImage } from '../../constructs/node-image';
import { MAX_USER_DATA_BYTES } from '../../constructs/private/user-data';
import { actionsOf, only, publicVpc, statements, textOf } from './support/nodes';
import { anyStack, errorsOf, templateOf } from './support/stacks';

const TEMPLATE = 'AWS::EC2::LaunchTemplate';

function defined(props: Partial<MediaNodesProps>, stack = anyStack()) {
  new MediaNodes(stack, 'Nodes', { vpc: publicVpc(stack), ...props });
  return { stack, template: templateOf(stack) };
}

const launchOf = (template: Template) =>
  only(template, TEMPLATE).resource.Properties['LaunchTemplateData'] as Record<string, unknown>;

describe('machines that install themselves', () => {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Stack');
  const vpc = publicVpc(stack);
  const mediaNodes = new MediaNodes(stack, 'Nodes', { vpc });
  new MasterNodes(stack, 'Masters', { vpc, mediaNodes, dataVolume: {} });
  const assembly = app.synth();
  const template = Template.fromStack(stack);
  const scripts = Object.values(template.findResources(TEMPLATE)).map(({ Properties }) =>
    textOf(Properties.LaunchTemplateData.UserData),
  );
  const asset = readdirSync(assembly.directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith('asset.'))
    .map(({ name }) => path.join(assembly.directory, name))
    .find((folder) => existsSync(path.join(folder, 'node-image')));

  test('start from the Debian of the region, of which nothing is looked up', () => {
    const parameters = Object.values(template.findParameters('*')).map(({ Default }) => Default);
    assert.ok(parameters.includes('/aws/service/debian/release/12/latest/amd64'));
    assert.equal(assembly.manifest.missing, undefined);
  });

  test('fetch one asset, which has what the installation needs and nothing that was installed', () => {
    assert.ok(asset);
    for (const needed of [
      'package-lock.json',
      'node-image/cli/main.ts',
      'node-image/image/install.sh',
      'scripts/lib/worker-build.mjs',
    ]) {
      assert.ok(existsSync(path.join(asset, needed)), needed);
    }
    const names = readdirSync(asset, { recursive: true, encoding: 'utf8' });
    assert.equal(
      names.find((name) => /(^|\/)(node_modules|\.git)(\/|$)/.test(name)),
      undefined,
    );
    assert.equal(new Set(scripts.map((script) => /s3:\/\/\S+/.exec(script)?.[0])).size, 1);
  });

  test('may read that asset alone', () => {
    const read = statements(template).filter((each) => actionsOf(each).includes('s3:GetObject'));
    for (const { Resource } of read) assert.match(textOf(Resource), /\/[0-9a-f]{64}\.zip$/);
    assert.equal(read.length, 2);
  });

  test('have user data that fits, and that shellcheck finds nothing in', () => {
    for (const script of scripts) {
      assert.ok(Buffer.byteLength(script) < MAX_USER_DATA_BYTES / 2);
      const { stdout, status } = spawnSync('shellcheck', ['--shell=bash', '-'], {
        input: script,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout);
    }
  });

  test('are told to install before they start', () => {
    for (const script of scripts) {
      assert.ok(script.indexOf('install.sh') > script.indexOf('boot.json'));
      assert.ok(script.trimEnd().endsWith('/opt/sluice/bin/start'));
    }
  });

  test('are refused where user data is too long', () => {
    const { stack } = defined({
      image: NodeImage.fromAmi(ec2.MachineImage.fromSsmParameter('/images/node')),
      secrets: { cluster: { secretArn: 'x'.repeat(17_000), grantRead: () => {} } as never },
    });
    assert.match(errorsOf(stack).join(), /user data: got 1\d{4} bytes, allowed is up to 16384/);
  });
});

describe('a baked image', () => {
  const stack = anyStack();
  const vpc = publicVpc(stack);
  const image = NodeImage.baked();
  const mediaNodes = new MediaNodes(stack, 'Nodes', { vpc, image });
  new MasterNodes(stack, 'Masters', { vpc, image, mediaNodes });
  const template = templateOf(stack);

  test('is made once, and booted by all', () => {
    const { id } = only(template, 'AWS::ImageBuilder::Image');
    for (const { Properties } of Object.values(template.findResources(TEMPLATE))) {
      assert.deepEqual(Properties.LaunchTemplateData.ImageId, { 'Fn::GetAtt': [id, 'ImageId'] });
    }
    only(template, 'AWS::ImageBuilder::ImagePipeline');
  });

  test('has the software in it: machines install nothing', () => {
    const { resource } = only(template, 'AWS::ImageBuilder::Component');
    const document = parse(textOf(resource.Properties['Data']));
    const [build, validate] = document.phases;
    assert.equal(document.schemaVersion, '1.0');
    const [script] = build.steps[0].inputs.commands;
    assert.match(script, /^bash \/var\/tmp\/sluice\/node-image\/image\/install\.sh --image$/m);
    assert.equal(validate.steps[0].action, 'ExecuteBash');
    for (const { Properties } of Object.values(template.findResources(TEMPLATE))) {
      assert.doesNotMatch(textOf(Properties.LaunchTemplateData.UserData), /install\.sh/);
    }
  });

  test('has a new name with each new Debian and each new program, as none can be changed', () => {
    const { resource } = only(template, 'AWS::ImageBuilder::ImageRecipe');
    assert.match(textOf(resource.Properties['Name']), /-[0-9a-f]{12}-<SsmParameterValue.*>$/);
  });

  test('is taken away with the stack', () => {
    const { resource } = only(template, 'AWS::ImageBuilder::Image');
    assert.ok(resource.Properties['DeletionSettings']);
  });

  test('keeps the agent of Session Manager', () => {
    template.hasResourceProperties('AWS::ImageBuilder::ImageRecipe', {
      AdditionalInstanceConfiguration: { SystemsManagerAgent: { UninstallAfterBuild: false } },
    });
  });

  test('is baked by a machine whose metadata is closed like that of nodes', () => {
    template.hasResourceProperties('AWS::ImageBuilder::InfrastructureConfiguration', {
      InstanceMetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      InstanceTypes: ['c7i.large'],
      TerminateInstanceOnFailure: true,
    });
  });
});

describe('an image of yours', () => {
  test('is booted as it is', () => {
    const image = NodeImage.fromAmi(ec2.MachineImage.fromSsmParameter('/images/node'), {
      rootDevice: '/dev/sda1',
    });
    const data = launchOf(defined({ image }).template);
    assert.match(JSON.stringify(data['BlockDeviceMappings']), /"DeviceName":"\/dev\/sda1"/);
    assert.doesNotMatch(textOf(data['UserData']), /install\.sh|unzip/);
  });
});
