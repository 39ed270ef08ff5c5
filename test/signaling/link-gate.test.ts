import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { TokenVerifier } from '../../node-image/api/tokens';
import { linkGate } from '../../node-image/signaling/link-door';

test('a Media Node tells whom it refuses, and why', async () => {
  let full = true;
  const refused: string[] = [];
  const gate = linkGate({
    tokens: new TokenVerifier({ keys: {} }),
    lengths: { identity: 100, roomName: 100 },
    pendingHandshakes: 1,
    observe: (reason) => void refused.push(reason),
    isOutOfDescriptors: () => full,
  });
  const request = { headers: {} } as IncomingMessage;
  await assert.rejects(gate.begin(request), /too many connections/);
  full = false;
  const end = await gate.begin(request);
  await assert.rejects(gate.begin(request), /too many joins are under way/);
  end();
  (await gate.begin(request))();
  assert.deepEqual(refused, ['descriptors', 'pending']);
});
