import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenVerifier } from 'livekit-server-sdk';
import type { UpOptions } from '../../node-image/cli/commands/up';
import { connectionOf } from '../../node-image/cli/connection';
import { sluice } from './run-sluice';

const KEY = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a-secret-that-is-in-no-output' };

const COMMANDS = [
  'up',
  'serve',
  'nodes',
  'rooms',
  'explain',
  'explain room',
  'explain egress',
  'explain ingress',
  'explain agent',
  'audit',
  'preflight',
  'preflight aws',
  'preflight azure',
  'drain',
  'undrain',
  'remove',
  'keys',
  'keys list',
  'keys add',
  'keys retire',
  'config',
  'config show',
  'config set',
  'config status',
  'token',
  'token create',
  'token list',
  'token revoke',
  'init',
  'join',
  'leave',
];

describe('sluice --help', () => {
  test('names every command, how to reach a cluster, and the exit codes', async () => {
    for (const argv of [['--help'], ['help'], ['-h']]) {
      const { code, output, errors } = await sluice(argv);
      assert.deepEqual([code, errors], [0, '']);
      for (const name of COMMANDS.filter((each) => !each.includes(' '))) {
        assert.match(output, new RegExp(`^ {2}${name}\\b`, 'm'));
      }
      assert.match(output, /LIVEKIT_API_SECRET[\s\S]*Exit codes: 0 .*3 /);
    }
  });

  for (const name of COMMANDS) {
    test(`of ${name} says what it does, within 100 columns`, async () => {
      const { code, output, errors } = await sluice([...name.split(' '), '--help']);
      assert.deepEqual([code, errors], [0, '']);
      assert.match(output, new RegExp(`^Usage: (sluice )?${name}\\b`, 'm'));
      for (const line of output.split('\n')) assert.ok(line.length <= 100, line);
    });
  }

  test('of what is done to a running cluster has examples', async () => {
    for (const name of [
      'nodes',
      'rooms',
      'drain',
      'undrain',
      'remove',
      'keys',
      'config',
      'token',
    ]) {
      const { output } = await sluice([name, '--help']);
      assert.match(output, new RegExp(`Examples:\n {2}sluice ${name}`));
    }
  });
});

describe('a command line that is wrong', () => {
  test('ends with 2, and says what is meant or where to look', async () => {
    for (const [argv, told] of [
      [['nods'], /unknown command 'nods'\n\(Did you mean nodes\?\)/],
      [['drain'], /missing required argument 'node'/],
      [
        ['drain', 'x', '--deadlin', '5m'],
        /unknown option '--deadlin'\n\(Did you mean --deadline\?\)/,
      ],
      [['token', '--room', 'r'], /--identity is missing/],
      [['nodes', 'extra', '--dev'], /too many arguments/],
      [['keys'], /Usage: sluice keys/],
      [[], /Usage: sluice/],
    ] as const) {
      const { code, errors, output } = await sluice(argv);
      assert.deepEqual([code, output], [2, ''], argv.join(' '));
      assert.match(errors, told);
    }
  });
});

describe('where the cluster is, and as whom it is asked', () => {
  const where = (options: { url?: string; dev?: boolean }, env: Record<string, string>) =>
    connectionOf(options, {
      env,
      print: () => {},
      printError: () => {},
      readFile: async () => '',
      sleep: async () => {},
      now: () => 0,
      isTerminal: false,
      columns: 80,
    });

  test('the option wins over SLUICE_URL, that over LIVEKIT_URL, and this machine is left', () => {
    const env = { ...KEY, SLUICE_URL: 'http://s:1', LIVEKIT_URL: 'wss://l' };
    assert.equal(where({ url: 'http://o:1' }, env).url, 'http://o:1');
    assert.equal(where({}, env).url, 'http://s:1');
    assert.equal(where({}, { ...env, SLUICE_URL: '' }).url, 'wss://l');
    assert.equal(where({}, KEY).url, 'http://127.0.0.1:7880');
  });

  test('--dev is for this machine only, and keys of the environment win over it', () => {
    const { apiKey, apiSecret } = where({ dev: true }, {});
    assert.deepEqual([apiKey, apiSecret], ['devkey', 'secret']);
    for (const url of ['http://localhost:7880', 'ws://[::1]:7880', 'http://127.1.2.3']) {
      assert.equal(where({ dev: true, url }, {}).apiKey, 'devkey');
    }
    assert.equal(where({ dev: true }, KEY).apiKey, 'key');
    for (const url of [
      'http://10.0.0.1:7880',
      'https://localhost.example.com',
      'http://127.evil.com',
    ]) {
      assert.throws(
        () => where({ dev: true, url }, {}),
        /--dev is for this machine, and .* is another/,
      );
    }
  });

  test('without a key, or with half of one, nobody is asked', async () => {
    const { code, errors } = await sluice(['nodes']);
    assert.equal(code, 2);
    assert.match(
      errors,
      /^No API key is given: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or give/,
    );
    const half = await sluice(['nodes'], { env: { LIVEKIT_API_SECRET: KEY.LIVEKIT_API_SECRET } });
    assert.match(half.errors, /^LIVEKIT_API_KEY is not set/);
    assert.doesNotMatch(half.errors, /a-secret/);
  });

  test('what is no URL of a master is refused, and a password in it not repeated', async () => {
    for (const url of ['127.0.0.1:7880', 'ftp://x', 'nonsense', 'http://me:hunter2@host']) {
      const { code, errors } = await sluice(['nodes', '--url', url], { env: KEY });
      assert.equal(code, 2, url);
      assert.doesNotMatch(errors, /hunter2/);
    }
  });

  test('no command takes a secret as an argument', async () => {
    for (const name of COMMANDS.filter((each) => each !== 'serve')) {
      const { output } = await sluice([...name.split(' '), '--help']);
      assert.doesNotMatch(output, /--(api-)?secret|--password/);
    }
  });
});

describe('sluice token', () => {
  const claimsOf = async (...argv: string[]) => {
    const words = ['token', '--room', 'r', '--identity', 'me', ...argv];
    const { code, output } = await sluice(words, { env: KEY });
    assert.equal(code, 0);
    return new TokenVerifier(KEY.LIVEKIT_API_KEY, KEY.LIVEKIT_API_SECRET).verify(output.trim());
  };

  test('makes one that joins, with what is asked for and no more', async () => {
    const claims = await claimsOf();
    assert.equal(claims.sub, 'me');
    assert.deepEqual({ ...claims.video }, { roomJoin: true, room: 'r' });
    assert.equal((claims.exp ?? 0) - (claims.nbf ?? 0), 6 * 3600);
    const full = await claimsOf(
      ...['--name', 'Me', '--metadata', '{}', '--valid-for', '30m', '--no-publish', '--no-data'],
      ...['--attribute', 'a=1', '--attribute', 'b=2=3', '--admin', '--hidden', '--no-subscribe'],
    );
    assert.deepEqual({ ...full.attributes }, { a: '1', b: '2=3' });
    assert.deepEqual([full.name, full.metadata], ['Me', '{}']);
    assert.equal((full.exp ?? 0) - (full.nbf ?? 0), 1800);
    assert.deepEqual(
      { ...full.video },
      {
        roomJoin: true,
        room: 'r',
        canPublish: false,
        canPublishData: false,
        canSubscribe: false,
        hidden: true,
        roomAdmin: true,
      },
    );
    const { video } = await claimsOf('--recorder');
    assert.deepEqual([video?.hidden, video?.recorder, video?.canPublish], [true, true, false]);
  });

  test('for programs comes with where to use it', async () => {
    const words = ['token', '--dev', '--room', 'r', '--identity', 'me', '--json'];
    const { output } = await sluice(words);
    const { token, ...rest } = JSON.parse(output);
    assert.deepEqual(rest, { url: 'http://127.0.0.1:7880', room: 'r', identity: 'me' });
    await new TokenVerifier('devkey', 'secret').verify(token);
  });

  test('refuses an attribute or a time that is none', async () => {
    for (const argv of [
      ['--attribute', 'a'],
      ['--valid-for', '0'],
      ['--valid-for', 'long'],
    ]) {
      const words = ['token', '--dev', '--room', 'r', '--identity', 'me', ...argv];
      assert.equal((await sluice(words)).code, 2);
    }
  });
});

describe('sluice serve', () => {
  test('serves as the node does by itself, and knows its other commands', async () => {
    const served: number[] = [];
    const { code } = await sluice(['serve', '--dev', '--port', '7990', '--turn.enabled'], {
      serve: async ({ port }) => void served.push(port),
      env: { LIVEKIT_TURN_UDP_PORT: '3478' },
    });
    assert.deepEqual([code, served], [0, [7990]]);
    assert.match((await sluice(['serve', 'generate-keys'])).output, /^API Key: {2}API\w{12}\n/);
    assert.match((await sluice(['serve', '--dev', 'ports'])).output, /^TCP Ports\n7880/);
    assert.match((await sluice(['serve', 'help-verbose'])).output, /--rtc\.tcp_port <value>/);
  });

  test('ends with 2 where the configuration is wrong, and with 1 where serving fails', async () => {
    const wrong = await sluice(['serve', '--dev', '--config-body', 'prot: 7880']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.errors, /^--config-body:1:1: prot is not a known key; did you mean port\?/);
    const failed = await sluice(['serve', '--dev'], {
      serve: () => Promise.reject(new Error('x')),
    });
    assert.equal(failed.code, 1);
  });

  test('gives what it was loaded from, to load it again', async () => {
    await sluice(['serve', '--dev', '--port', '7990'], {
      serve: async (_config, { load }) => {
        assert.equal(load.options?.['port'], '7990');
      },
    });
  });
});

describe('sluice up', () => {
  test('passes on what was asked for, and the exit code', async () => {
    const asked: UpOptions[] = [];
    const up = async (options: UpOptions) => {
      asked.push(options);
      return asked.length;
    };
    assert.equal((await sluice(['up'], { up })).code, 1);
    const words = ['up', '--port', '7990', '--nodes', '1', '--max-nodes', '3'];
    assert.equal((await sluice(words, { up })).code, 2);
    assert.deepEqual(asked, [
      { port: undefined, nodes: { initial: 2, min: 1, max: 4 } },
      { port: 7990, nodes: { initial: 1, min: 1, max: 3 } },
    ]);
  });

  test('refuses numbers that do not go together', async () => {
    for (const argv of [
      ['--nodes', '5'],
      ['--min-nodes', '3'],
      ['--nodes', 'x'],
      ['--port', '70000'],
    ]) {
      const { code, errors } = await sluice(['up', ...argv], { up: async () => 0 });
      assert.equal(code, 2);
      assert.match(errors, /llowed is|go together/);
    }
  });
});
