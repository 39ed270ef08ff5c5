import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { KeyRing } from '../../node-image/api/key-ring';
import { TokenMinter } from '../../node-image/api/token-minter';
import { TokenVerifier } from '../../node-image/api/tokens';
import { Simulations } from '../../node-image/room/simulate';
import { Sessions } from '../../node-image/signaling/sessions';
import { TestRooms } from '../room/rooms';
import { until } from '../support/wait';

const OLD = { old: 'the-old-secret-that-is-long-enough-to-be-one' };
const NEW = { new: 'the-new-secret-that-is-long-enough-to-be-one' };

test('clients are given new tokens as soon as the key of their last one is gone', async () => {
  const node = await TestRooms.start();
  const keys = new KeyRing({ configured: { ...OLD, ...NEW } });
  const sessions = new Sessions({
    minter: new TokenMinter({ keys }),
    limits: { nameLength: 10, metadataBytes: 10, attributesBytes: 10 },
    simulations: new Simulations(() => node.nowMs),
    signalMessagesPerSecond: 0,
    dataMessagesPerSecond: 0,
    log: pino({ level: 'silent' }),
  });
  try {
    const room = await node.rooms.getOrCreate({ name: 'a-room' });
    const { participant, sink } = await node.join(room, 'ann', {});
    const tokens = () => sink.sent('refreshToken');
    const { grants } = participant;
    sessions.start(room, participant, { grants, expiresAtMs: Date.now() + 60_000 });
    await until('the first token', async () => tokens().length === 1);
    keys.setConfigured(NEW);
    sessions.refreshAll();
    await until('the second token', async () => tokens().length === 2);
    const verified = await new TokenVerifier({ keys }).verify(String(tokens()[1]));
    assert.equal(verified.grants.apiKey, 'new');
    assert.equal(verified.grants.identity, 'ann');
  } finally {
    sessions.close();
    keys.close();
    await node.close();
  }
});
