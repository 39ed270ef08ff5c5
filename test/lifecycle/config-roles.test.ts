import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROLES, UNUSED_KEYS_OF_ROLE } from '../../node-image/contract';
import { type Given, load, problemsOf } from './config-support';

const SECRET = 'a-cluster-secret-of-32-characters';
const ENV = { SLUICE_CLUSTER_SECRET: SECRET, REDIS_HOST: '10.0.0.5:6379' };

/** A Master or Media Node that has all it needs, but for what is given. */
const node = (role: 'master' | 'media', given: Given = {}): Given => ({
  ...given,
  argv: ['--role', role, ...(given.argv ?? [])],
  env: { ...ENV, ...given.env },
});

describe('the role of a node', () => {
  it('is single, unless an option, a variable or the file says otherwise', () => {
    assert.equal(load().config.sluice.role, 'single');
    assert.equal(load(node('master')).config.sluice.role, 'master');
    assert.equal(load({ env: { ...ENV, SLUICE_ROLE: 'media' } }).config.sluice.role, 'media');
    const yaml = 'sluice: {role: media, machine_id: i-1}';
    assert.equal(load({ yaml, env: ENV }).config.sluice.role, 'media');
    const given = load({
      yaml,
      argv: ['--role', 'master'],
      env: { ...ENV, SLUICE_ROLE: 'single' },
    });
    assert.equal(given.config.sluice.role, 'master');
  });

  it('is one of three', () => {
    assert.deepEqual(problemsOf({ argv: ['--role', 'slave'] }), [
      '--role: sluice.role is given as "slave"; allowed is one of single, master, media',
    ]);
  });

  it('that is single needs neither Redis nor a secret', () => {
    assert.deepEqual(load().warnings, []);
  });

  it('decides what is warned of: what of the file changes nothing there', () => {
    const values: Readonly<Record<string, string>> = {
      'redis.address': 'a:1',
      'redis.sentinel_addresses': '["a:1"], sentinel_master_name: m',
      'redis.cluster_addresses': '["a:1"]',
      'room.create_room_timeout': '1s',
      'room.create_room_attempts': '1',
      'sluice.machine_id': 'i-1',
      'sluice.cloud.media_group': 'media',
      'sluice.cloud.notices_queue': 'https://sqs.example.com/1/q',
      'sluice.cloud.subscription': '00000000-0000-0000-0000-000000000000',
      'sluice.cloud.resource_group': 'group',
      'sluice.cloud.resource_manager_url': 'https://management.example.com',
      'sluice.trusted_proxies': '[]',
      'sluice.entry_socket': '/run/a.sock',
      'turn.udp_port': '3478',
      'turn.cert_file': '/a.pem',
      'turn.key_file': '/a.key',
      'turn.relay_range_start': '30000',
      'turn.relay_range_end': '39999',
      'turn.bind_addresses': '[]',
      'turn.per_user_relay_allocation_limit': '1',
      'turn.ttl_seconds': '300',
      'turn.allow_restricted_peer_cidrs': '[]',
      'turn.deny_peer_cidrs': '[]',
      'sluice.ledger.room_cpu_cost': '1',
      'sluice.ledger.room_bandwidth_cost': '1',
      'sluice.ledger.room_memory_cost': '1',
      'sluice.jobs.restart_within': '30s',
      'agents.enable_user_data_recording': 'true',
      'agents.enable_user_data_redaction': 'true',
      'agents.target_load': '0.5',
      'sluice.agents': '[]',
    };
    for (const role of ROLES) {
      for (const { path, reason } of UNUSED_KEYS_OF_ROLE[role]) {
        const names = path.split('.');
        const isNumber = names.length === 2 && /workers|bitrate|second|pending/.test(path);
        const yaml = names.reduceRight(
          (inner, name) => `{${name}: ${inner}}`,
          values[path] ?? (isNumber ? '1' : '{}'),
        );
        const given = role === 'single' ? { yaml } : node(role, { yaml });
        assert.deepEqual(
          load(given).warnings.map((line) => line.replace(/^sluice\.yaml:\d+:\d+: /, '')),
          [`${path} has no effect here, because ${reason}`],
        );
      }
    }
  });
});

describe('a Master or Media Node', () => {
  it('needs Redis and the secret of its cluster, and is told both at once', () => {
    for (const [role, name] of [
      ['master', 'a Master Node'],
      ['media', 'a Media Node'],
    ] as const) {
      const problems = problemsOf({ argv: ['--role', role] });
      assert.equal(problems.length, 2);
      assert.match(problems[0] ?? '', new RegExp(`^${name} needs the Redis of its cluster`));
      assert.match(problems[1] ?? '', new RegExp(`^${name} needs the secret of its cluster`));
    }
  });

  it('takes Redis alone, with sentinels, or clustered, but one of them', () => {
    const env = { ...ENV, REDIS_HOST: '' };
    const redis = (text: string) => ({ yaml: `redis: {${text}}`, env, argv: ['--role', 'master'] });
    load(redis('address: "[fd00::5]:6379"'));
    load(redis('sentinel_addresses: ["a:26379", "b:26379"], sentinel_master_name: m'));
    load(redis('cluster_addresses: ["a:7000"]'));
    assert.deepEqual(problemsOf(redis('address: "a:1", cluster_addresses: ["b:1"]')), [
      'sluice.yaml:1:8: redis.address and redis.cluster_addresses are given together; allowed is one of them',
    ]);
    for (const address of ['a', 'a:0', 'a:65536', 'a:b', 'redis://a:6379', 'fd00::5:6379']) {
      const [problem = ''] = problemsOf(redis(`cluster_addresses: ["b:1", "${address}"]`));
      const said = `redis.cluster_addresses is given as "${address}"; allowed is host:port`;
      assert.ok(problem.includes(said), problem);
    }
  });

  it('has a secret of 32 characters or more, which no message shows', () => {
    const env = { SLUICE_CLUSTER_SECRET: 'hunter2' };
    const [problem = ''] = problemsOf(node('media', { env }));
    assert.match(problem, /^SLUICE_CLUSTER_SECRET: the secret of the cluster has 7 characters/);
    assert.doesNotMatch(problem, /hunter2/);
    const yaml = 'sluice: {cluster: {secret: [hunter2]}}';
    const [wrong = ''] = problemsOf(node('media', { yaml, env: { SLUICE_CLUSTER_SECRET: '' } }));
    assert.match(wrong, /sluice\.cluster\.secret is given as a value \(not shown\)/);
  });

  it('reads the secret from a file, which others cannot read', () => {
    const from = (text: string, mode = 0o600) =>
      node('master', {
        yaml: 'sluice: {cluster: {secret_file: ~/s}}',
        env: { SLUICE_CLUSTER_SECRET: '', HOME: '/home/me' },
        files: { '/home/me/s': { text, mode } },
      });
    assert.equal(load(from(`${SECRET}\n`)).config.sluice.cluster.secret, SECRET);
    assert.match(problemsOf(from(SECRET, 0o644))[0] ?? '', /s has mode 0644, open to other users/);
    assert.match(problemsOf(from('\n'))[0] ?? '', /secret_file \/home\/me\/s is empty/);
    assert.match(
      problemsOf(from('short'))[0] ?? '',
      /^sluice\.yaml:1:33: the secret of the cluster has 5 characters/,
    );
  });

  it('has the secret before on a second line, while the nodes change to a new one', () => {
    const before = 'b'.repeat(32);
    const cluster = (given: Parameters<typeof load>[0]) => {
      const { secret, previous_secret } = load(given).config.sluice.cluster;
      return [secret, previous_secret];
    };
    const yaml = 'sluice: {cluster: {secret_file: /s}}';
    const from = (text: string, more = yaml) =>
      node('master', {
        yaml: more,
        env: { SLUICE_CLUSTER_SECRET: '' },
        files: { '/s': { text, mode: 0o600 } },
      });
    assert.deepEqual(cluster(from(`${SECRET}\n`)), [SECRET, '']);
    assert.deepEqual(cluster(from(`${SECRET}\r\n ${before}\n\n`)), [SECRET, before]);
    const env = { SLUICE_CLUSTER_SECRET: `${SECRET}\n${before}` };
    assert.deepEqual(cluster(node('media', { env })), [SECRET, before]);
    const own = `sluice: {cluster: {secret: ${SECRET}, previous_secret: ${before}}}`;
    assert.deepEqual(cluster(from('', own)), [SECRET, before]);
    assert.match(
      problemsOf(from(`${SECRET}\nshort`))[0] ?? '',
      /^sluice\.yaml:1:33: the secret of the cluster before has 5 characters \(not shown\)/,
    );
    assert.match(
      problemsOf(from(`${SECRET}\n${before}\n${before}`))[0] ?? '',
      /secret_file \/s has 3 lines; allowed are the secret of the cluster and the one before/,
    );
    const twice = `sluice: {cluster: {secret_file: /s, previous_secret: ${before}}}`;
    assert.match(
      problemsOf(from(`${SECRET}\n${before}`, twice))[0] ?? '',
      /has 2 lines, and there is sluice\.cluster\.previous_secret; allowed/,
    );
  });

  it('takes no secret from its arguments, which everybody on the machine can read', () => {
    assert.throws(() => load(node('master', { argv: ['--sluice.cluster.secret', SECRET] })), {
      code: 'commander.unknownOption',
    });
  });
});

describe('the node link of a Media Node', () => {
  const addressOf = (addresses: Given['addresses']) =>
    load(node('media', { ...(addresses && { addresses }) })).config.sluice.node_link.address;

  it('listens on the first private address of the machine', () => {
    assert.equal(
      addressOf({ lo: ['127.0.0.1'], eth0: ['203.0.113.5', '172.16.0.9'], eth1: ['10.0.0.7'] }),
      '172.16.0.9',
    );
    assert.equal(addressOf({ eth0: ['fd00::7', '100.64.3.2'] }), '100.64.3.2');
    assert.equal(addressOf({ lo: ['::1'], eth0: ['fe80::1', 'fd00::7'] }), 'fd00::7');
    assert.equal(addressOf({ docker0: ['172.17.0.1'], eth0: ['192.168.0.2'] }), '192.168.0.2');
  });

  it('listens on loopback where there is nothing else', () => {
    assert.equal(addressOf({ lo: ['127.0.0.1', '::1'] }), '127.0.0.1');
  });

  it('must be told its address where all of them are public', () => {
    const addresses = { lo: ['127.0.0.1'], eth0: ['203.0.113.5', '2001:db8::1'] };
    assert.match(
      problemsOf(node('media', { addresses }))[0] ?? '',
      /^a Media Node is reached .*this machine has no private address to choose; allowed is a private/,
    );
  });

  it('is refused an address that the internet can reach, or none at all', () => {
    const link = (address: string) =>
      node('media', { yaml: `sluice: {node_link: {address: "${address}"}}` });
    for (const address of ['8.8.8.8', '2a00::1', '0.0.0.0', '::', 'localhost', '172.32.0.1']) {
      const [problem = ''] = problemsOf(link(address));
      const said = `sluice.yaml:1:31: sluice.node_link.address is given as "${address}"; allowed is`;
      assert.ok(problem.startsWith(said), problem);
    }
    for (const address of ['127.0.0.1', '::1', '169.254.1.1', '172.31.0.1', 'fd12::1']) {
      assert.equal(load(link(address)).config.sluice.node_link.address, address);
    }
  });

  it('has a port, which nothing else of the node has', () => {
    const ports = (...argv: string[]) => problemsOf(node('media', { argv }));
    const port = '--sluice.node_link.port';
    assert.match(ports(port, '0')[0] ?? '', /node_link\.port is given as 0; allowed is 1 to 65535/);
    assert.match(ports(port, '7883')[0] ?? '', /7883, which ICE over TCP uses/);
    assert.match(ports(port, '7880')[0] ?? '', /7880, which is port too/);
    assert.match(
      ports('--prometheus.port', '7870')[0] ?? '',
      /7870, which is prometheus\.port too/,
    );
  });

  it('and media take no port of a Master Node, which has neither', () => {
    const { config } = load(node('master', { argv: ['--port', '7881', '--prometheus.port=7870'] }));
    assert.equal(config.port, 7881);
    assert.equal(config.sluice.node_link.address, '');
  });
});
