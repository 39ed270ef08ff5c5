import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configTree, keyAt, leavesOf, OWN_KEYS, ownKeyReason } from '../../node-image/contract';
import { checkSharedConfig, withSharedConfig } from '../../node-image/lifecycle/config';

const KEYS = { LIVEKIT_KEYS: 'key: a-secret-that-is-long-enough-0123456789' };

/** A node with this file, and what its cluster has announced. */
function loaded(file: string, shared: string, env: Record<string, string> = {}) {
  return withSharedConfig(
    { argv: ['--config-body', file], env: { ...KEYS, ...env }, cores: 2 },
    shared,
  ).config;
}

const problemsOf = (shared: string, file = '', apiKeys: readonly string[] = []) =>
  checkSharedConfig(
    { argv: ['--config-body', file], env: KEYS, cores: 2 },
    { yaml: shared, apiKeys },
  ).problems;

describe('the configuration that a cluster announces', () => {
  test('lies over the file of a node, key by key', () => {
    const { room, limit, port } = loaded(
      'port: 7980\nroom: {max_participants: 5, empty_timeout: 60}\nlimit: {num_tracks: 9}',
      'room: {max_participants: 7}',
    );
    assert.deepEqual(
      [room.max_participants, room.empty_timeout, limit.num_tracks, port],
      [7, 60, 9, 7980],
    );
  });

  test('lies below the environment and the options of a node', () => {
    const env = { LIVEKIT_ROOM_MAX_PARTICIPANTS: '3' };
    assert.equal(loaded('', 'room: {max_participants: 7}', env).room.max_participants, 3);
    const { config } = withSharedConfig(
      { argv: ['--room.max_participants', '4'], env: KEYS, cores: 2 },
      { yaml: 'room: {max_participants: 7}' },
    );
    assert.equal(config.room.max_participants, 4);
  });

  test('replaces a list as a whole', () => {
    const { room } = loaded(
      'room: {enabled_codecs: [{mime: video/vp8}, {mime: audio/opus}]}',
      'room: {enabled_codecs: [{mime: video/h264}]}',
    );
    assert.deepEqual(
      room.enabled_codecs.map(({ mime }) => mime),
      ['video/h264'],
    );
  });

  test('wins over a deprecated key of the same meaning in the file', () => {
    const { logging, limit } = loaded(
      'log_level: debug\nroom: {max_metadata_size: 5}',
      'logging: {level: error}\nlimit: {max_metadata_size: 6}',
    );
    assert.deepEqual([logging.level, limit.max_metadata_size], ['error', 6]);
    assert.equal(loaded('logging: {level: error}', 'log_level: warn').logging.level, 'warn');
  });

  test('may be empty', () => {
    assert.equal(loaded('port: 7980', '').port, 7980);
    assert.deepEqual(problemsOf('# nothing yet\n'), []);
  });

  test('is refused with every problem, its line, and the nearest key', () => {
    const problems = problemsOf(
      'room:\n  max_participants: many\n  emtpy_timeout: 5\nsluice:\n  drain: {patience: soon}\n',
    );
    assert.equal(problems.length, 3);
    assert.match(
      problems[0] ?? '',
      /^config:2:21: room.max_participants is given as "many"; allow/,
    );
    assert.match(
      problems[1] ?? '',
      /^config:3:3: room.emtpy_timeout is not a known key; did you mean empty_timeout\?/,
    );
    assert.match(
      problems[2] ?? '',
      /^config:5:21: sluice.drain.patience is given as "soon"; allowed is a duration/,
    );
    assert.match(problemsOf('room: [')[0] ?? '', /^config:1:8: this is not YAML/);
    assert.match(problemsOf('just words')[0] ?? '', /^config:1:1: .*not a section of keys/);
  });

  test('is refused where it does not go together with the file of the node', () => {
    assert.match(
      problemsOf('turn: {enabled: true}')[0] ?? '',
      /^config:1:17: turn.enabled: needs turn.udp_port or turn.tls_port/,
    );
    assert.deepEqual(problemsOf('turn: {enabled: true}', 'turn: {udp_port: 3478}'), []);
  });

  test('names a line of its own where a list of the file is wrong no more', () => {
    const file = 'node_selector: {regions: [{name: a, lat: 1, lon: 2}]}';
    const problems = problemsOf('\n\nnode_selector:\n  regions: [{name: a, lat: 100}]', file);
    assert.match(problems[0] ?? '', /^config:4:/);
  });

  test('is refused where it holds what each node has for itself, with why', () => {
    const problems = problemsOf(
      [
        'port: 7980',
        'keys: {a: hunter2-hunter2}',
        'redis: {address: "10.0.0.1:6379", password: hunter2}',
        'rtc: {turn_servers: [{host: turn.example.com, secret: hunter2}]}',
        'sluice: {role: media}',
      ].join('\n'),
    );
    const told = problems.join('\n');
    for (const expected of [
      /^config:1:7: port cannot be announced, because ports are those/m,
      /^config:2:7: keys cannot be announced, because API keys are secret; `sluice keys`/m,
      /^config:3:18: redis.address cannot be announced, because a node finds/m,
      /^config:3:45: redis.password cannot be announced/m,
      /^config:4:55: rtc.turn_servers\[0\].secret cannot be announced, because it is a secret/m,
      /^config:5:16: sluice.role cannot be announced, .*; leave it in the files of the nodes$/m,
    ]) {
      assert.match(told, expected);
    }
    assert.doesNotMatch(told, /hunter2/);
  });

  test('may have webhooks signed with a key that only the cluster has', () => {
    const yaml = 'webhook: {urls: ["https://example.com/hook"], api_key: APIshared}';
    assert.match(problemsOf(yaml)[0] ?? '', /webhook.api_key is given as "APIshared"/);
    assert.deepEqual(problemsOf(yaml, '', ['APIshared']), []);
    const shared = { yaml, apiKeys: ['APIshared'] };
    const { config } = withSharedConfig({ argv: [], env: KEYS, cores: 2 }, shared);
    assert.deepEqual(Object.keys(config.keys), ['key'], 'the key has no secret here');
  });

  test('brings its own warnings, and not those that the node has anyway', () => {
    const given = { argv: ['--config-body', 'sip: {}'], env: KEYS, cores: 2 };
    const { warnings } = checkSharedConfig(given, { yaml: 'trace: {}' });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^config:1:1: trace has no effect here/);
  });
});

describe('the list of what a cluster cannot announce', () => {
  const tree = configTree();
  const leaves = [...leavesOf(tree)];

  test('names only keys that there are', () => {
    for (const { path } of OWN_KEYS) {
      const steps = path.replace('turn_servers.', 'turn_servers.0.').split('.');
      const found = keyAt(
        tree,
        steps.map((step) => (step === '0' ? 0 : step)),
      );
      assert.ok(found, path);
    }
  });

  test('has every secret, every port, and every file', () => {
    const mustBeOwn = leaves.filter(
      ([path, key]) =>
        key.secret || key.allowed.startsWith('a port') || /(^|[._])(file|socket|path)$/.test(path),
    );
    assert.ok(mustBeOwn.length > 15);
    for (const [path] of mustBeOwn) {
      assert.ok(ownKeyReason(tree, path.split('.')), path);
    }
  });

  test('leaves out what a cluster is to be able to change', () => {
    for (const path of [
      'room.max_participants',
      'limit.num_tracks',
      'node_selector.kind',
      'webhook.urls',
      'sluice.drain.patience',
      'sluice.scaling.max_nodes',
      'logging.level',
      'rtc.turn_servers',
    ]) {
      assert.equal(ownKeyReason(tree, path.split('.')), undefined, path);
    }
  });
});
