import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../support/server';

const PROGRAM = join(__dirname, '..', 'support', 'python-sdk', 'call.py');

let server: TestServer | undefined;
before(async () => {
  server = await startServer();
});
after(() => server?.close());

test("LiveKit's SDK for Python: picture, sound, data, RPC, text, attributes, and its server API", {
  timeout: 90_000,
}, async () => {
  const python = process.env['PYTHON_SDK_PYTHON'];
  assert.ok(server && python, 'run the tests by npm, which brings the SDK for Python');
  const env = {
    ...process.env,
    LIVEKIT_URL: server.url,
    LIVEKIT_API_URL: server.httpUrl,
    LIVEKIT_API_KEY: server.apiKey,
    LIVEKIT_API_SECRET: server.apiSecret,
  };
  const { stdout } = await promisify(execFile)(python, [PROGRAM, 'python'], { env });
  assert.deepEqual(JSON.parse(stdout), {
    seen: { width: 320, height: 240 },
    heard: true,
    rpc: '42',
    packet: ['greeting', 'hello'],
    text: true,
    attributes: { hand: 'raised' },
    listed: ['alice', 'bob'],
    muted: 'alice',
    kicked: 'PARTICIPANT_REMOVED',
  });
});
