import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { TokenVerifier } from 'livekit-server-sdk';
import { runCli, type ServeOptions } from '../../node-image/lifecycle/cli';

const PROGRAM = resolve(__dirname, 'config-program.ts');

async function run(argv: readonly string[], env: Record<string, string> = {}) {
  let output = '';
  let errors = '';
  const served: ServeOptions[] = [];
  const code = await runCli({
    argv,
    env,
    serve: async (_config, options) => {
      served.push(options);
    },
    print: (text) => {
      output += text;
    },
    printError: (text) => {
      errors += text;
    },
  });
  return { code, output, errors, served };
}

/** Runs the program as an operator does, in a process of its own. */
function start(...argv: string[]): Promise<{ code: number; output: string; errors: string }> {
  const { PATH = '' } = process.env;
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', PROGRAM, ...argv],
      { env: { PATH } },
      (error, output, errors) => {
        done({ code: error === null ? 0 : Number(error.code), output, errors });
      },
    );
  });
}

describe('the command line of a node', () => {
  it('serves when it is told nothing else', async () => {
    const { code, output } = await start('--dev', '--port', '7890');
    assert.deepEqual([code, output], [0, 'serving on 7890\n']);
  });

  it('ends with exit code 2 when the configuration is wrong', async () => {
    const { code, output, errors } = await start('--dev', '--config-body', 'prot: 7880\nrtc: 1');
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.match(errors, /^--config-body:1:1: prot is not a known key; did you mean port\?/);
    assert.match(errors, /\n--config-body:2:6: rtc is given as 1; allowed is a section/);
  });

  it('ends with exit code 2 when an option is wrong, and names the nearest', async () => {
    const { code, errors } = await start('--dve');
    assert.equal(code, 2);
    assert.match(errors, /unknown option '--dve'\n\(Did you mean .*--dev/);
  });

  it('ends with exit code 1 when serving fails', async () => {
    const code = await runCli({
      argv: ['--dev'],
      env: {},
      serve: () => Promise.reject(new Error('port in use')),
      printError: () => {},
    });
    assert.equal(code, 1);
  });

  it('serves the console with --dev, and as it is told', async () => {
    const isServed = async (...argv: string[]) =>
      (await run(argv, { LIVEKIT_KEYS: 'a: b' })).served[0]?.console;
    assert.equal(await isServed(), false);
    assert.equal(await isServed('--console'), true);
    assert.equal(await isServed('--dev'), true);
    assert.equal(await isServed('--dev', '--no-console'), false);
  });

  it('prints help, short or with every key, and serves nothing', async () => {
    for (const argv of [['--help'], ['help']]) {
      const { code, output, served } = await run(argv);
      assert.deepEqual([code, served.length], [0, 0]);
      assert.match(output, /--config-body/);
      assert.doesNotMatch(output, /--rtc\.tcp_port/);
    }
    assert.match((await run(['help-verbose'])).output, /--rtc\.tcp_port <value>/);
  });

  it('makes keys that are long enough, and new each time', async () => {
    const { output } = await run(['generate-keys']);
    assert.match(output, /^API Key: {2}API\w{12}\nAPI Secret: {2}\w{43}\n$/);
    assert.notEqual((await run(['generate-keys'])).output, output);
  });

  it('lists ports, without needing a key', async () => {
    const argv = ['--sluice.workers', '2', '--turn.enabled', '--turn.udp_port', '3478', 'ports'];
    const { code, output } = await run(argv);
    assert.equal(code, 0);
    assert.match(output, /^TCP Ports\n7880 - HTTP service\n7881-7882 - ICE\/TCP/);
    assert.match(output, /\nUDP Ports\n50000-50001 - ICE\/UDP.*\n3478 - TURN\/UDP\n30000-39999/);
  });

  it('lists the ports of each role', async () => {
    const env = { REDIS_HOST: 'a:1', SLUICE_CLUSTER_SECRET: 'x'.repeat(32) };
    const argv = ['--sluice.workers', '1', '--sluice.node_link.address', '127.0.0.1', 'ports'];
    const master = await run(['--role', 'master', ...argv], env);
    assert.equal(master.output, 'TCP Ports\n7880 - HTTP service\n');
    const media = await run(['--role', 'media', ...argv], env);
    assert.match(
      media.output,
      /^TCP Ports\n7870 - node link.*\n7880 - health.*\n7881 - ICE\/TCP.*\nUDP Ports\n50000/,
    );
  });

  it('makes a token that joins a Room', async () => {
    const argv = ['create-join-token', '--room', 'r', '--identity', 'me'];
    const { output } = await run(argv, { LIVEKIT_KEYS: 'key: secret' });
    const token = /^Token: (\S+)\n$/.exec(output)?.[1] ?? '';
    const claims = await new TokenVerifier('key', 'secret').verify(token);
    assert.equal(claims.sub, 'me');
    assert.deepEqual({ ...claims.video }, { roomJoin: true, room: 'r' });
    const recorder = await run([...argv, '--recorder'], { LIVEKIT_KEYS: 'key: secret' });
    const hidden = /^Token: (\S+)\n$/.exec(recorder.output)?.[1] ?? '';
    const { video } = await new TokenVerifier('key', 'secret').verify(hidden);
    assert.deepEqual([video?.hidden, video?.recorder, video?.canPublish], [true, true, false]);
  });

  it('needs a key, a Room and an identity for a token', async () => {
    assert.equal((await run(['create-join-token', '--room', 'r', '--identity', 'me'])).code, 2);
    assert.equal((await run(['--dev', 'create-join-token', '--room', 'r'])).code, 2);
  });
});
