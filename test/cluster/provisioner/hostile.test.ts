/** Provisioners that do not do what they were asked for, or never stop: each costs a bounded time. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ExecProvisioner } from '../../../node-image/cluster/provisioner/exec-provisioner';
import type { ProvisionRequest } from '../../../node-image/cluster/provisioner/provisioner';
import { WebhookProvisioner } from '../../../node-image/cluster/provisioner/webhook-provisioner';
import { sleep } from '../../support/wait';
import { provisionerWorld, settled } from './world';

const MINUTE = 60_000;
const ADD: ProvisionRequest = { action: 'add', id: 'PR_1', count: 2 };
const never = new AbortController().signal;
/** What a machine that is busy may take longer, ms. */
const SLACK_MS = 5000;

describe('a web server that means harm', () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
  const ask = async (answer: (response: ServerResponse) => void, timeoutMs = 1000) => {
    const server = createServer((request, response) => {
      request.resume();
      response.on('error', () => {});
      answer(response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const begun = Date.now();
    const asked = new WebhookProvisioner({
      url,
      timeoutMs,
      clusterName: 'meet',
      sign: async () => '',
    });
    const answered = await asked.ask(ADD, never);
    assert.ok(Date.now() - begun < timeoutMs + SLACK_MS, `${Date.now() - begun} ms`);
    return answered;
  };

  it('is waited for no longer where it answers a byte at a time', async () => {
    const got = await ask((response) => {
      response.writeHead(409);
      const timer = setInterval(() => response.write('x'), 50);
      response.once('close', () => clearInterval(timer));
    });
    assert.deepEqual(got, { outcome: 'failed', why: 'it does not answer within 1 s' });
  });

  it('is read no further where it sends without end, and what was packed a thousand times', async () => {
    const flood = await ask((response) => {
      response.writeHead(409);
      const more = (): void => {
        while (!response.destroyed && response.write('no '.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    }, 10_000);
    assert.ok(flood.outcome === 'no' && flood.why.length < 600, JSON.stringify(flood));
    const packed = gzipSync(Buffer.alloc(50_000_000, 'no '));
    const bomb = await ask((response) => {
      response.writeHead(409, { 'content-encoding': 'gzip' }).end(packed);
    }, 10_000);
    assert.ok(bomb.outcome === 'no' && bomb.why.length < 600, JSON.stringify(bomb));
  });

  it('is told in words where it sends no HTTP, or headers without end', async () => {
    const nonsense = await ask((response) => void response.socket?.end('SSH-2.0-OpenSSH\r\n'));
    assert.equal(nonsense.outcome, 'failed');
    const headers = await ask((response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(100_000)}`);
    });
    assert.ok(headers.outcome === 'failed' && headers.why.length < 600, JSON.stringify(headers));
  });
});

describe('a program that means harm', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
  after(() => rmSync(folder, { recursive: true }));
  const ask = (text: string, timeoutMs: number) => {
    const file = join(folder, 'provision');
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return new ExecProvisioner({ command: [file], timeoutMs, clusterName: 'meet' }).ask(ADD, never);
  };

  it('is killed where it will not be told to end, with all that it has started', async () => {
    const out = join(folder, 'alive');
    const begun = Date.now();
    const got = await ask(
      `trap '' TERM; (while sleep 0.2; do :; done; touch "${out}") & sleep 60`,
      500,
    );
    assert.deepEqual(got, { outcome: 'failed', why: 'it does not end within 0.5 s' });
    assert.ok(Date.now() - begun < 2500 + SLACK_MS, `${Date.now() - begun} ms`);
    await sleep(500);
    assert.equal(existsSync(out), false);
  });

  it('writes as much as it wants, and costs no more memory than what is told', async () => {
    const before = process.memoryUsage().rss;
    const got = await ask('while :; do echo all work and no play; done', 2000);
    assert.ok(got.outcome === 'failed');
    assert.match(got.why, /^it does not end within 2 s: all work and no play all work/);
    assert.ok(got.why.length < 600);
    assert.ok(process.memoryUsage().rss - before < 100_000_000);
  });

  it('is told without what would steer a terminal', async () => {
    const got = await ask(`printf '\\033[2J\\000all\\nis well'; exit 75`, 10_000);
    assert.deepEqual(got, { outcome: 'no', why: 'it ends with 75: [2J all is well' });
  });
});

describe('a provisioner that does something else than it was asked for', () => {
  it('stops another machine: that one is dead, and the right one is asked for again', async () => {
    const { clock, registry, beat, empty, group, provisioner } = provisionerWorld();
    await beat('N1');
    await empty('N2');
    await group.terminate('N2');
    await settled();
    // It has stopped N1, in the middle of its calls.
    await registry.forgetNode('N1');
    for (let passed = 0; passed < 11 * MINUTE; passed += 5000) {
      clock.now += 5000;
      await empty('N2');
      await group.describe();
    }
    await settled();
    assert.deepEqual(provisioner.what, [
      { action: 'remove', node: 'N2', machine: 'N2', reason: 'empty' },
      { action: 'remove', node: 'N2', machine: 'N2', reason: 'empty' },
      { action: 'remove', node: 'N1', machine: 'N1', reason: 'dead' },
    ]);
  });

  it('starts more machines than it was asked for: they count, and nothing is coming', async () => {
    const { group, beat } = provisionerWorld();
    await group.grow(1);
    for (const id of ['N1', 'N2', 'N3']) await beat(id);
    const { wanted, machines } = await group.describe();
    assert.deepEqual([wanted, machines.length], [3, 3]);
  });

  it('says that it has removed what goes on serving: it stays, and is asked for nothing', async () => {
    const { clock, group, beat, empty, provisioner } = provisionerWorld();
    await empty('N2');
    await group.terminate('N2');
    await settled();
    // Somebody has started the node anew instead.
    for (let passed = 0; passed < 20 * MINUTE; passed += 5000) {
      clock.now += 5000;
      await beat('N9', { machineId: 'N2' });
      await group.describe();
    }
    assert.equal(provisioner.asked.length, 1);
    assert.deepEqual(
      (await group.describe()).machines.map(({ id, state }) => [id, state]),
      [['N2', 'running']],
    );
  });
});
