import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { parse } from 'yaml';
import { NodeConfig, NodeSettings } from '../../constructs/node-config';
import { NodeRole } from '../../constructs/node-image';
import { configSchema } from '../../node-image/contract';
import { only, textOf } from './support/nodes';
import {
  anyStack,
  errorsOf,
  lazyNumber,
  templateOf,
  tokenNumber,
  tokenText,
} from './support/stacks';

function defined(settings: object, role = NodeRole.MEDIA, stack = anyStack()) {
  const config = new NodeConfig(stack, 'Config', {
    role,
    settings: NodeSettings.fromObject(settings),
  });
  const { resource } = only(templateOf(stack), 'AWS::SSM::Parameter');
  return { stack, config, resource, text: textOf(resource.Properties['Value']) };
}

const problemsWith = (settings: object): readonly string[] => errorsOf(defined(settings).stack);

describe('the configuration of nodes', () => {
  test('is YAML that the node takes, with its role', () => {
    const { text } = defined({ room: { max_participants: 50 }, rtc: { tcp_port: 7881 } });
    const config = configSchema.parse(parse(text));
    assert.equal(config.sluice.role, 'media');
    assert.equal(config.room.max_participants, 50);
  });

  test('has a name that is known before the parameter is there', () => {
    const { config, stack, resource } = defined({});
    assert.deepEqual(stack.resolve(config.parameterName), resource.Properties['Name']);
    assert.equal(textOf(resource.Properties['Name']), '/sluice/<AWS::StackName>/Config');
  });

  test('quotes texts that are known at deployment, whatever they look like then', () => {
    const stack = anyStack();
    const { text } = defined({ redis: { address: tokenText(stack, 'Host') } }, undefined, stack);
    assert.equal(parse(text.replace('<Host>', '10.0'))['redis'].address, '10.0');
  });

  test('leaves numbers that are known at deployment numbers', () => {
    const stack = anyStack();
    const settings = {
      sluice: {
        scaling: { headroom_rooms: tokenNumber(stack, 'Rooms'), max_nodes: lazyNumber(7) },
      },
    };
    const { text } = defined(settings, NodeRole.MASTER, stack);
    const { scaling } = parse(text.replace('<Rooms>', '5'))['sluice'];
    assert.deepEqual(scaling, { headroom_rooms: 5, max_nodes: 7 });
    assert.deepEqual(errorsOf(stack), []);
  });

  test('refuses an unknown key, and a value that is not allowed, all at once', () => {
    const found = problemsWith({
      romm: {},
      rtc: { tcp_port: 70_000 },
      room: { max_participants: 'x' },
    });
    assert.equal(found.length, 3);
    assert.match(found.join('\n'), /settings: got the unknown key romm, allowed is one of port, /);
    assert.match(found.join('\n'), /rtc\.tcp_port: got 70000, allowed is a port, 1 to 65535/);
    assert.match(found.join('\n'), /room\.max_participants: got "x"/);
  });

  test('still checks the keys around a token', () => {
    const stack = anyStack();
    defined({ redis: { address: tokenText(stack), port: 6379 } }, undefined, stack);
    assert.match(
      errorsOf(stack).join(),
      /settings\.redis: got the unknown key port, allowed is one of address/,
    );
  });

  test('takes no secret, shows none, and lets none in as a token', () => {
    const stack = anyStack();
    const settings = {
      keys: { devkey: 'not-to-be-seen-by-anybody-who-may-read' },
      redis: { password: tokenText(stack) },
    };
    defined(settings, undefined, stack);
    const errors = errorsOf(stack);
    assert.equal(errors.length, 2);
    assert.match(errors.join('\n'), /settings\.keys: got a secret/);
    assert.match(errors.join('\n'), /settings\.redis\.password: got a secret/);
    assert.doesNotMatch(errors.join(), /not-to-be-seen/);
  });

  test('takes the larger kind of parameter where it has to, and refuses what none takes', () => {
    const urls = (count: number) => ({
      webhook: { urls: Array.from({ length: count }, (_, i) => `https://example.com/${i}`) },
    });
    assert.equal(defined(urls(1)).resource.Properties['Tier'], 'Standard');
    assert.equal(defined(urls(200)).resource.Properties['Tier'], 'Advanced');
    assert.match(problemsWith(urls(400)).join(), /bytes of YAML, allowed is up to 8192 bytes/);
  });

  test('changes its revision with the settings, not with the value of a stack parameter', () => {
    const revisionOf = (settings: (stack: Stack) => object) => {
      const stack = anyStack();
      return new NodeConfig(stack, 'Config', {
        role: NodeRole.MASTER,
        settings: NodeSettings.fromObject(settings(stack)),
      }).revision;
    };
    const withParameter = (value: number) =>
      revisionOf((stack) => {
        const parameter = new CfnParameter(stack, 'Rooms', { type: 'Number', default: value });
        return { sluice: { scaling: { headroom_rooms: parameter.valueAsNumber } } };
      });
    assert.equal(withParameter(2), withParameter(9));
    const withRooms = (rooms: number) =>
      revisionOf(() => ({ sluice: { scaling: { headroom_rooms: rooms } } }));
    assert.notEqual(withRooms(2), withRooms(9));
  });

  test('merges settings section by section, the later ones on top', () => {
    const merged = NodeSettings.fromObject({
      room: { auto_create: true, max_participants: 5 },
    }).with(NodeSettings.fromObject({ room: { max_participants: 9 } }));
    const stack = anyStack();
    new NodeConfig(stack, 'Config', { role: NodeRole.MEDIA, settings: merged });
    const { resource } = only(templateOf(stack), 'AWS::SSM::Parameter');
    const { room } = parse(textOf(resource.Properties['Value']));
    assert.deepEqual(room, { auto_create: true, max_participants: 9 });
  });
});
