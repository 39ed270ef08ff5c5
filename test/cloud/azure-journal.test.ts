/** The journal of a machine, by the program itself: its agent, its identity, Azure's endpoint over HTTPS. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { FakeAzureMetadata } from '../support/fake-azure/fake-metadata';
import { FakeScaleSet } from '../support/fake-azure/fake-scale-set';
import { selfSigned } from '../support/fake-azure/self-signed';
import { FakeJournal } from '../support/fake-journal';
import { until } from '../support/wait';

const REPOSITORY = join(__dirname, '..', '..');

it('the agent sends the journal as the identity of its machine', {
  timeout: 120_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-azure-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const set = new FakeScaleSet();
  set.setCapacity(1);
  const [machineId = ''] = set.machines.map(({ name }) => name);
  const tokens = new Map<string, string>();
  const metadata = await FakeAzureMetadata.start({ name: machineId, set, azure: { tokens } });
  t.after(() => metadata.close());
  const { cert, key } = await selfSigned();
  const rows: { readonly Computer: string; readonly Message: string }[] = [];
  const refused: string[] = [];
  let isKnown = false;
  const server = createServer({ cert, key }, async (request, response) => {
    const body = await text(request);
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const isOf = (tokens.get(token) ?? '').replace(/\/$/, '') === 'https://monitor.azure.com';
    // A role that was given just now is not known here at once.
    if (!isOf || !isKnown) {
      refused.push(isOf ? 'the role' : 'the token');
      isKnown = true;
      response.statusCode = 403;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ error: { code: 'OperationFailed', message: 'no right' } }));
      return;
    }
    rows.push(...(JSON.parse(body) as typeof rows));
    response.statusCode = 204;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const journal = new FakeJournal(folder);
  await journal.write({ text: 'before the agent' });
  const config = file(
    'sluice.yaml',
    JSON.stringify({
      keys: { APIabc: 's'.repeat(40) },
      sluice: { machine_id: machineId, cloud: { kind: 'azure', metadata_url: metadata.url } },
    }),
  );
  const bootFile = file(
    'boot.json',
    JSON.stringify({
      cloud: 'azure',
      role: 'single',
      vault: 'https://meet.vault.azure.net',
      config: { secret: 'config-single' },
      log_ingestion: {
        endpoint: `https://127.0.0.1:${port}`,
        rule: 'dcr-1',
        stream: 'Custom-Sluice_CL',
      },
    }),
  );
  const agent = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', 'node-image/cli/main.ts', 'agent', '--config', config],
      ...['--boot-file', bootFile, '--state-folder', join(folder, 'state')],
    ],
    {
      cwd: REPOSITORY,
      env: {
        PATH: `${folder}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        NODE_EXTRA_CA_CERTS: file('ca.pem', cert),
        // Where Azure's own client asks for tokens instead of 169.254.169.254.
        AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url,
      },
    },
  );
  t.after(() => agent.kill('SIGKILL'));
  let log = '';
  for (const stream of [agent.stdout, agent.stderr]) {
    stream.on('data', (data) => {
      log += String(data);
    });
  }
  const messages = (): string[] => rows.map(({ Message }) => Message);
  const within = { timeoutMs: 60_000, explain: () => log };
  await until('the line of before', () => messages().includes('before the agent'), within);
  assert.deepEqual(refused, ['the role']);
  assert.match(log, /Monitoring Metrics Publisher/);
  await journal.write({ text: 'the last one' });
  agent.kill('SIGTERM');
  await once(agent, 'exit');
  assert.deepEqual(messages(), ['before the agent', 'the last one'], log);
  assert.ok(rows.every(({ Computer }) => Computer === machineId));
});
