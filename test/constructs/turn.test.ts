import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { TurnSurroundings } from '../../constructs/private/turn-config';
import { Problems, sentence } from '../../constructs/private/validation';
import { Turn, TurnProtocol } from '../../constructs/turn';
import { configSchema } from '../../node-image/contract';
import { SECRETS_FOLDER } from '../../node-image/lifecycle/boot/secret-files';
import { anyStack, lazyNumber, tokenNumber, tokenText } from './support/stacks';

function bind(
  turn: Turn,
  { stack = anyStack(), ...around }: Partial<TurnSurroundings> & { stack?: Stack } = {},
) {
  const problems = new Problems(stack);
  const bound = turn._bind(stack, { role: 'media', ...around }, problems);
  return { ...bound, stack, values: bound.settings._values, found: problems.found.map(sentence) };
}

/** As a node of that role would read it. */
const asNodesReadIt = (values: object, role: string) =>
  configSchema.parse({
    ...values,
    keys: { devkey: 'secret-of-thirty-two-characters-!' },
    redis: { address: '10.0.0.9:6379' },
    sluice: { role, cluster: { secret: 'x'.repeat(32) } },
  });

describe('TURN on Media Nodes', () => {
  it('listens on 3478 and on 443, and relays to the nodes of the cluster alone', () => {
    const { values, found, closedPorts } = bind(Turn.onMediaNodes());
    assert.deepEqual(found, []);
    assert.deepEqual(closedPorts, []);
    const { turn } = asNodesReadIt(values, 'media');
    assert.deepEqual(
      {
        enabled: turn.enabled,
        udp_port: turn.udp_port,
        tls_port: turn.tls_port,
        external_tls: turn.external_tls,
        domain: turn.domain,
        to: turn.allow_restricted_peer_cidrs,
      },
      {
        enabled: true,
        udp_port: 3478,
        tls_port: 443,
        external_tls: true,
        domain: '',
        to: [],
      },
    );
  });

  it('tells clients of TURN/TLS under the name of the cluster, and then of inner addresses', () => {
    const { values } = bind(Turn.onMediaNodes(), {
      domainName: 'meet.example.com',
    });
    const { turn, rtc } = asNodesReadIt(values, 'media');
    assert.equal(turn.domain, 'meet.example.com');
    assert.equal(rtc.advertise_internal_ip, true);
  });

  it('tells nobody of TURN/TLS when it is not wanted', () => {
    const { values } = bind(Turn.onMediaNodes({ tls: false }), {
      domainName: 'meet.example.com',
    });
    assert.equal(asNodesReadIt(values, 'media').turn.domain, '');
  });

  it('leaves 443 to HAProxy on a Single Node', () => {
    const { values, closedPorts } = bind(Turn.onMediaNodes(), {
      role: 'single',
      domainName: 'meet.example.com',
    });
    assert.equal(asNodesReadIt(values, 'single').turn.tls_port, 3478);
    assert.deepEqual(
      closedPorts.map(({ start, protocol }) => `${start}/${protocol}`),
      ['443/udp'],
    );
  });

  it('is as generous as it is told to be', () => {
    const { values, found } = bind(
      Turn.onMediaNodes({
        credentialLife: Duration.hours(1),
        allocationsPerParticipant: 4,
        relayTo: ['10.1.0.0/16', 'fd00::/8'],
      }),
    );
    assert.deepEqual(found, []);
    const { turn } = asNodesReadIt(values, 'media');
    assert.equal(turn.ttl_seconds, 3600);
    assert.equal(turn.per_user_relay_allocation_limit, 4);
    assert.deepEqual(turn.allow_restricted_peer_cidrs, ['10.1.0.0/16', 'fd00::/8']);
  });

  it('is passed on by Master Nodes of a cluster, which have no TURN of their own', () => {
    const { masterSettings } = bind(Turn.onMediaNodes(), { domainName: 'meet.example.com' });
    const { turn } = asNodesReadIt(masterSettings?._values ?? {}, 'master');
    assert.deepEqual(
      [turn.enabled, turn.external_tls, turn.tls_port, turn.udp_port, turn.domain],
      [true, true, 443, 0, 'meet.example.com'],
    );
    const without = [
      bind(Turn.onMediaNodes()),
      bind(Turn.onMediaNodes({ tls: false }), { domainName: 'meet.example.com' }),
      bind(Turn.onMediaNodes(), { role: 'single', domainName: 'meet.example.com' }),
    ];
    for (const bound of without) assert.equal(bound.masterSettings, undefined);
  });

  it('may have tokens', () => {
    const stack = anyStack();
    const { found } = bind(
      Turn.onMediaNodes({
        credentialLife: Duration.seconds(tokenNumber(stack)),
        allocationsPerParticipant: lazyNumber(-1),
        relayTo: [tokenText(stack)],
      }),
      { stack },
    );
    assert.deepEqual(found, []);
  });

  it('fails with all that is wrong at once', () => {
    const { found } = bind(
      Turn.onMediaNodes({
        tls: true,
        credentialLife: Duration.days(2),
        allocationsPerParticipant: 0,
        relayTo: ['everywhere'],
      }),
    );
    const expected = [
      /^turn\.tls: got true, and a domain without TLS/,
      /^turn\.credentialLife: got 2 days/,
      /^turn\.allocationsPerParticipant: got 0/,
      /^turn\.relayTo: got "everywhere"/,
    ];
    assert.equal(found.length, expected.length);
    for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern);
  });
});

describe('TURN servers that exist', () => {
  const secretOf = (stack: Stack) => sm.Secret.fromSecretNameV2(stack, 'Secret', 'turn');

  it('are told to clients, with the secret from the file that machines put it into', () => {
    const stack = anyStack();
    const secret = secretOf(stack);
    const { values, found, ...bound } = bind(
      Turn.existing(
        [
          { host: 'turn.example.com' },
          { host: '192.0.2.1', port: 443, protocol: TurnProtocol.TLS },
        ],
        secret,
      ),
      { stack },
    );
    assert.deepEqual(found, []);
    assert.equal(bound.secret, secret);
    const { turn, rtc } = asNodesReadIt(values, 'media');
    assert.equal(turn.enabled, false);
    assert.deepEqual(
      rtc.turn_servers.map(({ host, port, protocol, secret_file }) => [
        host,
        port,
        protocol,
        secret_file,
      ]),
      [
        ['turn.example.com', 0, 'udp', `${SECRETS_FOLDER}/turn`],
        ['192.0.2.1', 443, 'tls', `${SECRETS_FOLDER}/turn`],
      ],
    );
  });

  it('close the ports of TURN on the nodes', () => {
    const stack = anyStack();
    const { closedPorts } = bind(Turn.existing([{ host: 'a' }], secretOf(stack)), { stack });
    assert.deepEqual(closedPorts.map(({ start, protocol }) => `${start}/${protocol}`).sort(), [
      '30000/udp',
      '3478/tcp',
      '3478/udp',
      '443/udp',
    ]);
  });

  it('may be tokens', () => {
    const stack = anyStack();
    const turn = Turn.existing(
      [{ host: tokenText(stack), port: tokenNumber(stack) }],
      secretOf(stack),
    );
    assert.deepEqual(bind(turn, { stack }).found, []);
  });

  it('fail with no server, a URL, and a port that is none', () => {
    const stack = anyStack();
    const secret = secretOf(stack);
    assert.match(
      bind(Turn.existing([], secret)).found[0] ?? '',
      /Turn\.existing\(\) with no server/,
    );
    const { found } = bind(Turn.existing([{ host: 'turn://a', port: 0 }], secret));
    assert.match(found[0] ?? '', /^turn\.host: got "turn:\/\/a"/);
    assert.match(found[1] ?? '', /^turn\.port: got 0/);
  });
});

describe('no TURN', () => {
  it('is off, and its ports are closed', () => {
    const { values, closedPorts } = bind(Turn.none());
    assert.equal(asNodesReadIt(values, 'media').turn.enabled, false);
    assert.equal(closedPorts.length, 4);
  });
});
