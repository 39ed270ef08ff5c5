import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { JoinReader } from '../../../node-image/cluster/join-channel';
import { BootError } from '../../../node-image/lifecycle/boot/boot-error';
import { askToJoin, masterUrl } from '../../../node-image/lifecycle/own-machines/join-request';

/** Of a cluster that none of these servers is of. */
const TOKEN = {
  id: 'i'.repeat(12),
  secret: 's'.repeat(43),
  publicKey: new JoinReader('the secret of a cluster that is elsewhere').publicKey,
};

type Respond = (response: ServerResponse) => void;

/** Asks a server that answers like this to join. */
async function ask(t: TestContext, respond: Respond, timeoutMs = 15_000): Promise<unknown> {
  const other = createServer((_request, response) => {
    response.on('error', () => {});
    respond(response);
  });
  t.after(() => {
    other.close();
    other.closeAllConnections();
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const master = masterUrl(`http://127.0.0.1:${port}`);
  return askToJoin({
    master,
    token: TOKEN,
    claim: 'c'.repeat(43),
    machine: 'media-1',
    timeoutMs,
  });
}

const says = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BootError, String(error));
  assert.match(error.message, sentence);
  return true;
};

describe('sluice join, of who is no Master Node', () => {
  test('shows nothing that steers a terminal', async (t) => {
    const asked = ask(t, (response) => {
      response.writeHead(503);
      response.end(JSON.stringify({ message: '\u001b[2Jall is well\n' }));
    });
    await assert.rejects(asked, says(/let this machine in: {2}\[2Jall is well $/));
  });

  test('waits for nobody who answers without an end', async (t) => {
    const flood: Respond = (response) => {
      while (!response.destroyed && response.writableLength < 4_000_000) {
        response.write('x'.repeat(100_000));
      }
    };
    const words = /^No Master Node answers at .*: it answers without an end; see that/;
    await assert.rejects(ask(t, flood), says(words));
  });

  const slow: Record<string, Respond> = {
    'a byte at a time': (response) => {
      const timer = setInterval(() => response.write('x'), 50);
      response.once('close', () => clearInterval(timer));
    },
    'not at all': () => undefined,
  };
  for (const [how, respond] of Object.entries(slow)) {
    test(`waits for nobody who answers ${how}`, async (t) => {
      const words = /^No Master Node answers at .*: no answer within 1 s; see that/;
      await assert.rejects(ask(t, respond, 1000), says(words));
    });
  }
});
