import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from '../support/server';

const REPOSITORY = join(__dirname, '..', '..');
const COPY = join(REPOSITORY, 'out', 'rtc-node-suite');

let server: TestServer | undefined;

before(async () => {
  server = await startServer();
  // The package's main file is dist/index.js.
  const source = join(dirname(require.resolve('@livekit/rtc-node')), '..', 'src');
  await rm(COPY, { recursive: true, force: true });
  await mkdir(COPY, { recursive: true });
  await cp(source, join(COPY, 'src'), { recursive: true });
});

after(async () => {
  await server?.close();
});

interface Report {
  readonly numTotalTests: number;
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

test('the end-to-end suite of @livekit/rtc-node passes as it is', {
  timeout: 240_000,
}, async () => {
  assert.ok(server);
  const report = join(COPY, 'report.json');
  const output = await run(
    [
      join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs'),
      'run',
      '--root',
      COPY,
      '--dir',
      join(COPY, 'src', 'tests'),
      // Its calls have deadlines of a second, and all clients of a file share this one process.
      '--no-file-parallelism',
      '--maxConcurrency=2',
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    {
      LIVEKIT_URL: server.url,
      LIVEKIT_API_KEY: server.apiKey,
      LIVEKIT_API_SECRET: server.apiSecret,
    },
  );
  const result = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Partial<Report>;
  const bad = (result.testResults ?? [])
    .flatMap((file) => file.assertionResults)
    .filter((one) => one.status !== 'passed')
    .map((one) => `${one.status}: ${one.fullName}\n${one.failureMessages?.join('\n') ?? ''}`);
  assert.deepEqual(bad, [], `${bad.join('\n')}\n${server.takeLog().slice(-4_000)}`);
  assert.ok(
    (result.numTotalTests ?? 0) >= 29,
    `too few tests were found:\n${output.slice(-4_000)}`,
  );
  assert.equal(result.numPassedTests, result.numTotalTests);
});

function run(args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: REPOSITORY,
      env: { ...process.env, ...env, NODE_TEST_CONTEXT: '' },
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('exit', () => resolve(output));
  });
}
