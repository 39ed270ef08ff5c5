import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { INGESTION_LIMITS, LogsIngestion } from '../../node-image/cloud/azure/logs-ingestion';
import { selfSigned } from '../support/fake-azure/self-signed';

const never = new AbortController().signal;
const NOTHING = { status: 204, code: '' };

interface Row {
  readonly TimeGenerated: string;
  readonly Message: string;
}

/** An endpoint over HTTPS that answers in order, the last answer again and again. */
async function world(...answers: readonly { readonly status: number; readonly code: string }[]) {
  const { cert, key } = await selfSigned();
  const calls: { readonly path: string; readonly bytes: number; readonly rows: Row[] }[] = [];
  const scopes: unknown[] = [];
  const errors: string[] = [];
  const left = [...answers];
  const server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      const rows = JSON.parse(body) as Row[];
      calls.push({
        path: `${request.method} ${request.url} ${request.headers.authorization}`,
        bytes: Buffer.byteLength(body),
        rows,
      });
      const { status, code } = (left.length > 1 ? left.shift() : left[0]) ?? NOTHING;
      response.statusCode = status;
      response.setHeader('content-type', 'application/json');
      response.end(
        status === 204 ? '' : JSON.stringify({ error: { code, message: `it is ${code}` } }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const logs = new LogsIngestion({
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rule: 'dcr-1',
    stream: 'Custom-Sluice_CL',
    credential: {
      getToken: async (scope) => {
        scopes.push(scope);
        return { token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
    machineId: 'media_0a1b',
    log: { error: (_facts: unknown, said?: string) => void errors.push(String(said)) },
    ca: cert,
  });
  const put = (texts: readonly string[] = ['a line']) =>
    logs.put(
      'sluice-node',
      texts.map((line, n) => ({ cursor: `${n}`, atMs: n + 1, unit: 'sluice-node', text: line })),
      never,
    );
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { calls, scopes, errors, put, close };
}

describe('a table of Log Analytics', () => {
  it('gets a row for each line, with its machine and service', async () => {
    const { calls, scopes, put, close } = await world(NOTHING);
    assert.equal(await put(['one', '', 'two']), 0);
    await close();
    assert.deepEqual(scopes, [['https://monitor.azure.com/.default']]);
    const [call] = calls;
    assert.equal(
      call?.path,
      'POST /dataCollectionRules/dcr-1/streams/Custom-Sluice_CL?api-version=2023-01-01 Bearer token',
    );
    const from = { Computer: 'media_0a1b', Service: 'sluice-node' };
    assert.deepEqual(call.rows, [
      { TimeGenerated: '1970-01-01T00:00:00.001Z', ...from, Message: 'one' },
      { TimeGenerated: '1970-01-01T00:00:00.003Z', ...from, Message: 'two' },
    ]);
  });

  it('gets no call that is larger than Azure takes, and no value', async () => {
    const { calls, put, close } = await world(NOTHING);
    const long = 'ö'.repeat(30_000);
    const texts = Array.from({ length: 40 }, (_, n) => `${n} ${long}`);
    assert.equal(await put([...texts, 'ö'.repeat(100_000)]), 0);
    await close();
    assert.ok(calls.length > 2);
    for (const { bytes } of calls) assert.ok(bytes <= INGESTION_LIMITS.bytes, String(bytes));
    const rows = calls.flatMap((call) => call.rows.map(({ Message }) => Message));
    assert.deepEqual(rows.slice(0, 40), texts);
    const last = rows.at(-1) ?? '';
    assert.ok(Buffer.byteLength(last) <= INGESTION_LIMITS.valueBytes);
    assert.match(last, /^ö{30000,} \[cut\]$/);
  });

  it('leaves what is throttled or fails to whoever tries again', async () => {
    for (const status of [429, 500, 503]) {
      const { put, calls, close } = await world({ status, code: 'Busy' });
      await assert.rejects(put(), new RegExp(`does not take the journal: ${status} Busy`));
      await close();
      assert.equal(calls.length, 1);
    }
  });

  it('says which right is missing, and which rule', async () => {
    for (const [status, told] of [
      [403, /role Monitoring Metrics Publisher on the data collection rule dcr-1/],
      [404, /no data collection rule dcr-1 at this endpoint; make it, or take log_ingestion out/],
    ] as const) {
      const { put, close } = await world({ status, code: 'Nope' });
      await assert.rejects(put(), told);
      await close();
    }
  });

  it('goes on past lines that Azure refuses for good, and says so', async () => {
    const { put, errors, close } = await world({ status: 400, code: 'InvalidLogs' });
    assert.equal(await put(['a', 'b']), 2);
    await close();
    assert.deepEqual(errors, ['Azure Monitor does not take these lines']);
  });

  it('is not asked for lines that are empty', async () => {
    const { put, calls, close } = await world(NOTHING);
    assert.equal(await put(['', '']), 0);
    await close();
    assert.deepEqual(calls, []);
  });
});
