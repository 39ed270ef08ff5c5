import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KEY, load, problemsOf } from './config-support';

const PRODUCTION = `port: 7880
log_level: info
rtc:
  tcp_port: 7881
  port_range_start: 50000
  port_range_end: 60000
  use_external_ip: true
redis:
  # redis is recommended for production deploys
  address: my-redis-server.name:6379
keys:
  # key value pairs
  # your_api_key: <api_secret>
#prometheus_port: 6789
turn:
  enabled: true
  # domain must match tls certificate
  domain: <turn.myhost.com>
  tls_port: 3478
`;

describe('where the configuration comes from', () => {
  it("loads the configuration that LiveKit's documentation recommends for production", () => {
    const { config, warnings } = load({ yaml: PRODUCTION });
    assert.equal(config.redis.address, 'my-redis-server.name:6379');
    assert.deepEqual([config.rtc.port_range_start, config.rtc.port_range_end], [50000, 60000]);
    assert.equal(config.turn.tls_port, 3478);
    assert.deepEqual(Object.keys(config.keys), ['key']);
    assert.equal(warnings.length, 3);
    assert.match(warnings[2] ?? '', /redis\.address has no effect here/);
    assert.match(warnings[0] ?? '', /^sluice\.yaml:18:11: turn\.domain/);
  });

  it('has the defaults with an empty file, or one with comments only', () => {
    for (const yaml of ['', '# nothing\n', '---\n', 'rtc:\nroom:\n']) {
      assert.equal(load({ yaml }).config.port, 7880, JSON.stringify(yaml));
    }
  });

  it('takes the body over the file, the option over the variable, ours over LiveKit’s', () => {
    const port = (argv: string[], env: Record<string, string>) =>
      load({ yaml: 'port: 1', argv, env }).config.port;
    assert.equal(port([], {}), 1);
    assert.equal(port([], { LIVEKIT_CONFIG: 'port: 2' }), 2);
    assert.equal(port([], { LIVEKIT_CONFIG: 'port: 2', SLUICE_CONFIG: 'port: 3' }), 3);
    assert.equal(port(['--config-body', 'port: 4'], { SLUICE_CONFIG: 'port: 3' }), 4);
  });

  it('takes a key from its option, then its variable, then the file', () => {
    const port = (argv: string[], env: Record<string, string>) =>
      load({ yaml: 'port: 1', argv, env }).config.port;
    assert.equal(port([], { LIVEKIT_PORT: '2' }), 2);
    assert.equal(port(['--port', '3'], { LIVEKIT_PORT: '2' }), 3);
    assert.equal(port([], { LIVEKIT_PORT: '' }), 1);
  });

  it("knows LiveKit's own variables and options", () => {
    const { config } = load({
      yaml: 'redis: {address: "a:1", db: 3}',
      argv: ['--bind', '127.0.0.1', '--bind', '::1', '--turn.enabled', '--turn.udp_port=3478'],
      env: {
        REDIS_HOST: 'b:2',
        REDIS_PASSWORD: '0123',
        NODE_IP: '203.0.113.5',
        UDP_PORT: '7000-7010',
        LIVEKIT_REGION: 'eu',
        LIVEKIT_TURN_CERT: '/c',
        LIVEKIT_TURN_KEY: '/k',
        LIVEKIT_ROOM_AUTO_CREATE: 'no',
        LIVEKIT_VIDEO_DYNACAST_PAUSE_DELAY: '7s',
      },
    });
    assert.deepEqual(
      [config.redis.address, config.redis.password, config.redis.db],
      ['b:2', '0123', 3],
    );
    assert.deepEqual(config.rtc.node_ip, { v4: '203.0.113.5' });
    assert.deepEqual(config.rtc.udp_port, { start: 7000, end: 7010 });
    assert.deepEqual(config.bind_addresses, ['127.0.0.1', '::1']);
    assert.deepEqual([config.turn.enabled, config.turn.udp_port], [true, 3478]);
    assert.deepEqual(
      [config.region, config.turn.cert_file, config.turn.key_file],
      ['eu', '/c', '/k'],
    );
    assert.equal(config.room.auto_create, false);
    assert.equal(config.video.dynacast_pause_delay, 7000);
  });

  it('says which variable or option is wrong', () => {
    const problems = problemsOf({
      argv: ['--rtc.tcp_port', 'x'],
      env: { LIVEKIT_PORT: 'tcp://10.0.0.1:80', UDP_PORT: '5-1', LIVEKIT_KEYS: 'key:secret' },
    });
    assert.deepEqual(problems, [
      '--rtc.tcp_port: rtc.tcp_port is given as "x"; allowed is a port, 1 to 65535, or 0 for none',
      'LIVEKIT_KEYS: is given as a value (not shown); allowed is "key: secret", with the space, one a line',
      'LIVEKIT_PORT: port is given as "tcp://10.0.0.1:80"; allowed is a port, 1 to 65535, or 0 for none',
      'UDP_PORT: rtc.udp_port is given as "5-1"; allowed is a port such as 7882, or a range such as 7882-7892',
    ]);
  });

  it('says so when there is no such file', () => {
    assert.match(
      problemsOf({ argv: ['--config', 'none.yaml'] })[0] ?? '',
      /none\.yaml cannot be read/,
    );
  });
});

describe('API keys', () => {
  const none = { LIVEKIT_KEYS: '' };

  it('are needed', () => {
    assert.match(problemsOf({ env: none })[0] ?? '', /^no API key is given; allowed is keys/);
  });

  it('are not needed with --dev, which then listens on loopback', () => {
    const { config, warnings } = load({ argv: ['--dev'], env: none });
    assert.deepEqual(config.keys, { devkey: 'secret' });
    assert.deepEqual(config.bind_addresses, ['127.0.0.1', '::1']);
    assert.equal(config.logging.level, 'debug');
    assert.equal(config.rtc.udp_port?.start, 7882);
    assert.deepEqual(warnings, []);
  });

  it('of one’s own are kept with --dev, which then listens everywhere', () => {
    const { config } = load({ argv: ['--dev'], env: {} });
    assert.deepEqual(Object.keys(config.keys), ['key']);
    assert.deepEqual(config.bind_addresses, []);
  });

  it('with the placeholder and an address to bind, media goes to that network', () => {
    const { config } = load({ argv: ['--dev', '--bind', '192.168.1.5'], env: none });
    assert.deepEqual(config.rtc.ips.includes, ['192.168.1.5/24']);
  });

  it('are read as text, whatever they look like', () => {
    const { config } = load({ yaml: 'keys:\n  123: 0456\n  on: 1e3\n', env: none });
    assert.deepEqual({ ...config.keys }, { 123: '0456', on: '1e3' });
  });

  it('with a short secret are warned of, without the secret', () => {
    const { warnings } = load({ env: { LIVEKIT_KEYS: 'mine: hunter2' } });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /API key mine is short/);
    assert.doesNotMatch(warnings[0] ?? '', /hunter2/);
  });

  it('come from key_file before keys, with ~ and variables in its path', () => {
    const { config } = load({
      yaml: 'key_file: ~/$NAME.yaml\nkeys: {other: x}',
      env: { HOME: '/home/me', NAME: 'k' },
      files: { '/home/me/k.yaml': { text: KEY } },
    });
    assert.deepEqual(Object.keys(config.keys), ['key']);
    assert.equal(config.key_file, '/home/me/k.yaml');
  });

  it('are refused in a file that others can read', () => {
    const files = { '/k': { text: KEY, mode: 0o644 } };
    assert.deepEqual(problemsOf({ argv: ['--key-file', '/k'], files }), [
      '--key-file: key_file /k has mode 0644, open to other users; allowed is none for others: chmod 600 /k',
    ]);
  });

  it('sign webhooks, so that webhook.api_key is one of them', () => {
    const yaml = 'webhook: {urls: [https://example.com/hook], api_key: other}';
    assert.match(
      problemsOf({ yaml })[0] ?? '',
      /^sluice\.yaml:1:54: webhook\.api_key is given as "other"/,
    );
    load({ yaml: yaml.replace('other', 'key') });
  });
});

describe('TURN servers of one’s own', () => {
  const yaml = (rest: string) => `rtc: {turn_servers: [{host: t.example.com, ${rest}}]}`;
  const secretOf = (rest: string, text = ' s3 \n') =>
    load({ yaml: yaml(rest), files: { '/s': { text } } }).config.rtc.turn_servers[0]?.secret;

  it('have a secret, from a file where that is given', () => {
    assert.equal(secretOf('secret_file: /s'), 's3');
    assert.equal(secretOf('secret: mine, secret_file: /s'), 'mine');
  });

  it('are refused without credentials', () => {
    for (const rest of ['port: 443', 'username: a', 'secret: " "']) {
      assert.match(problemsOf({ yaml: yaml(rest) })[0] ?? '', /t\.example\.com has no credentials/);
    }
    assert.throws(() => secretOf('secret_file: /s', ' \n'), /has no credentials/);
  });
});

describe('workers', () => {
  it('are as many as cores, at most 64', () => {
    assert.equal(load({ cores: 8 }).config.sluice.workers, 8);
    assert.equal(load({ cores: 128 }).config.sluice.workers, 64);
    assert.equal(load({ yaml: 'sluice: {workers: 3}', cores: 8 }).config.sluice.workers, 3);
  });

  it('are no more than UDP ports, which is warned of', () => {
    const { config, warnings } = load({ argv: ['--udp-port', '7882'], cores: 8 });
    assert.equal(config.sluice.workers, 1);
    assert.match(warnings[0] ?? '', /^1 instead of 8 workers run/);
  });

  it('must not take the TCP port of something else', () => {
    const problems = problemsOf({ yaml: 'port: 7884', cores: 8 });
    assert.match(
      problems[0] ?? '',
      /^sluice\.yaml:1:7: port is given as 7884, which ICE over TCP uses/,
    );
  });
});
