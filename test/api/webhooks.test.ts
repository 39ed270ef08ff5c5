import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ParticipantInfo, Room, TrackInfo } from '@livekit/protocol';
import { pino } from 'pino';
import { Webhooks, type WebhooksOptions } from '../../node-image/api/webhooks';
import { observeAll } from '../../node-image/room/observers';
import { type Answer, TestReceiver } from './support/webhook-receiver';

const room = new Room({ sid: 'RM_1', name: 'r', metadata: 'm', numParticipants: 1 });
const alice = new ParticipantInfo({ sid: 'PA_1', identity: 'alice', name: 'Alice' });
const track = new TrackInfo({ sid: 'TR_1', name: 'cam' });
const log = { debug: () => undefined, warn: () => undefined };
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('Webhooks', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  async function start(
    answers: readonly (Answer | undefined)[],
    changes: Partial<WebhooksOptions> = {},
  ): Promise<{ webhooks: Webhooks; receivers: TestReceiver[]; outcomes: string[] }> {
    const receivers = answers.map((answer) => new TestReceiver(answer));
    const urls = await Promise.all(receivers.map((receiver) => receiver.listen()));
    const outcomes: string[] = [];
    const webhooks = new Webhooks({
      urls,
      apiKey: 'devkey',
      keys: { devkey: 'secret' },
      delivery: { retryMinMs: 5, timeoutMs: 200 },
      log,
      observe: (outcome, event) => void outcomes.push(`${outcome} ${event}`),
      ...changes,
    });
    cleanups.push(() => webhooks.close(0), ...receivers.map((receiver) => () => receiver.close()));
    return { webhooks, receivers, outcomes };
  }

  const first = (receivers: TestReceiver[]): TestReceiver => {
    const [receiver] = receivers;
    assert.ok(receiver);
    return receiver;
  };

  test('sends every event, signed, in order', async () => {
    const { webhooks, receivers } = await start([undefined], { now: () => 1_700_000_000_999 });
    const receiver = first(receivers);
    webhooks.roomStarted(room);
    webhooks.participantJoined(room, alice);
    webhooks.trackPublished(room, alice, track);
    webhooks.trackUnpublished(room, alice, track);
    webhooks.participantLeft(room, alice);
    webhooks.participantConnectionAborted(room, alice);
    webhooks.roomFinished(room);
    await receiver.until(7);
    assert.deepEqual(receiver.events, [
      'room_started',
      'participant_joined',
      'track_published',
      'track_unpublished',
      'participant_left',
      'participant_connection_aborted',
      'room_finished',
    ]);
    const [started, joined, published] = receiver.received;
    assert.equal(started?.type, 'application/webhook+json');
    assert.match(String(started?.body.id), /^EV_\w{12}$/);
    assert.equal(started?.body.createdAt, '1700000000');
    assert.equal(started?.body.room?.['metadata'], 'm');
    assert.equal(joined?.body.participant?.['name'], 'Alice');
    assert.deepEqual(published?.body.room, { sid: 'RM_1', name: 'r' });
    assert.deepEqual(published?.body.participant, { sid: 'PA_1', identity: 'alice' });
    assert.equal(published?.body.track?.['sid'], 'TR_1');
  });

  test('says nothing of a Room that moves, nor of who moves with it', async () => {
    const { webhooks, receivers } = await start([undefined]);
    const observer = observeAll([webhooks], pino({ level: 'silent' }));
    observer.roomArrived?.(room);
    observer.participantArrived?.(room, alice);
    observer.participantRejoined?.(room, alice);
    observer.participantDeparted?.(room, alice);
    observer.roomDeparted?.(room);
    observer.roomFinished?.(room);
    await webhooks.close(2000);
    assert.deepEqual(first(receivers).events, ['room_finished']);
  });

  test('sends the whole Room with tracks when told to', async () => {
    const { webhooks, receivers } = await start([undefined], { fullRoom: true });
    webhooks.trackPublished(room, alice, track);
    await first(receivers).until(1);
    const [event] = first(receivers).received;
    assert.equal(event?.body.room?.['metadata'], 'm');
  });

  test('tries again while the receiver fails, and keeps the order', async () => {
    const { webhooks, receivers, outcomes } = await start([
      (response, _request, count) => {
        response.statusCode = count <= 3 ? 503 : 200;
        response.end();
      },
    ]);
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await first(receivers).until(2);
    assert.deepEqual(first(receivers).events, ['room_started', 'room_finished']);
    assert.equal(first(receivers).count, 5);
    await wait(10);
    assert.deepEqual(outcomes, ['sent room_started', 'sent room_finished']);
  });

  test('gives up after 5 attempts and tells the receiver how many it missed', async () => {
    const { webhooks, receivers, outcomes } = await start([
      (response, _request, count) => {
        response.statusCode = count <= 5 ? 500 : 200;
        response.end();
      },
    ]);
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await first(receivers).until(1);
    assert.deepEqual(first(receivers).events, ['room_finished']);
    assert.equal(first(receivers).received[0]?.dropped, 1);
    assert.equal(outcomes[0], 'failed room_started');
  });

  test('does not repeat what the receiver refuses', async () => {
    const { webhooks, receivers, outcomes } = await start([
      (response, _request, count) => {
        response.statusCode = count === 1 ? 400 : 200;
        response.end();
      },
    ]);
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await first(receivers).until(1);
    assert.equal(first(receivers).count, 2);
    assert.equal(outcomes[0], 'failed room_started');
  });

  test('gives up on a receiver that hangs, and lets no other one wait', async () => {
    const { webhooks, receivers } = await start([() => undefined, undefined], {
      delivery: { retries: 0, timeoutMs: 50 },
    });
    const [hanging, good] = receivers;
    assert.ok(hanging && good);
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await good.until(2);
    const deadline = Date.now() + 5000;
    while (hanging.count < 2 && Date.now() < deadline) await wait(5);
    assert.equal(hanging.count, 2);
  });

  test('lets a failing Room not delay another', async () => {
    const { webhooks, receivers } = await start(
      [(response, request) => void (request.url === '/hook' && response.end())],
      { delivery: { retries: 0, timeoutMs: 5000 } },
    );
    const receiver = first(receivers);
    for (const name of ['a', 'b', 'c']) webhooks.roomStarted(new Room({ sid: name, name }));
    await receiver.until(3);
  });

  test('follows a redirect that keeps the method, and no other', async () => {
    const target = new TestReceiver();
    cleanups.push(() => target.close());
    const location = await target.listen();
    let status = 308;
    const { webhooks, outcomes } = await start([
      (response) => void response.writeHead(status, { location }).end(),
    ]);
    webhooks.roomStarted(room);
    await target.until(1);
    status = 302;
    webhooks.roomFinished(room);
    await webhooks.close(2000);
    assert.equal(target.count, 1);
    assert.deepEqual(outcomes, ['sent room_started', 'failed room_finished']);
  });

  test('does not run after redirects for ever, nor to other protocols', async () => {
    const loop = await start([
      (response, request) => void response.writeHead(307, { location: request.url }).end(),
    ]);
    loop.webhooks.roomStarted(room);
    const file = await start([
      (response) => void response.writeHead(307, { location: 'file:///etc/passwd' }).end(),
    ]);
    file.webhooks.roomStarted(room);
    await Promise.all([loop.webhooks.close(2000), file.webhooks.close(2000)]);
    assert.equal(first(loop.receivers).count, 4);
    assert.deepEqual(loop.outcomes, ['failed room_started']);
    assert.deepEqual(file.outcomes, ['failed room_started']);
  });

  test('filters by name: what is included wins over what is excluded', async () => {
    const include = await start([undefined], {
      includeEvents: ['room_finished'],
      excludeEvents: ['room_finished'],
    });
    const exclude = await start([undefined], { excludeEvents: ['room_started'] });
    for (const { webhooks, receivers } of [include, exclude]) {
      webhooks.roomStarted(room);
      webhooks.roomFinished(room);
      await webhooks.close(2000);
      assert.deepEqual(first(receivers).events, ['room_finished']);
    }
  });

  test('drops the oldest of a Room when too many wait, and counts them', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { webhooks, receivers, outcomes } = await start(
      [(response) => void held.then(() => response.end())],
      { delivery: { maxDepth: 2, timeoutMs: 5000 } },
    );
    webhooks.roomStarted(room);
    await wait(50);
    for (let count = 0; count < 5; count += 1) webhooks.participantJoined(room, alice);
    webhooks.roomFinished(room);
    release();
    await first(receivers).until(3);
    assert.deepEqual(first(receivers).events, [
      'room_started',
      'participant_joined',
      'room_finished',
    ]);
    assert.deepEqual(
      first(receivers).received.map(({ dropped }) => dropped),
      [0, 4, 0],
    );
    assert.equal(outcomes.filter((outcome) => outcome.startsWith('dropped')).length, 4);
  });

  test('bounds what waits for all Rooms together', async () => {
    const { webhooks, outcomes } = await start([() => undefined], {
      delivery: { maxQueued: 10, timeoutMs: 5000 },
    });
    for (let count = 0; count < 50; count += 1) {
      const sid = `RM_${count}`;
      webhooks.roomStarted(new Room({ sid, name: sid }));
    }
    assert.equal(outcomes.length, 40);
  });

  test('drops what waited too long', async () => {
    const { webhooks, outcomes } = await start(
      [(response) => void setTimeout(() => response.end(), 60)],
      { delivery: { maxAgeMs: 30, timeoutMs: 5000 } },
    );
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await webhooks.close(2000);
    assert.deepEqual(outcomes, ['sent room_started', 'dropped room_finished']);
  });

  test('closes in time when a receiver hangs, and is silent after', async () => {
    const { webhooks, receivers, outcomes } = await start([() => undefined], {
      delivery: { timeoutMs: 60_000 },
    });
    webhooks.roomStarted(room);
    webhooks.roomFinished(room);
    await wait(30);
    const started = Date.now();
    await Promise.all([webhooks.close(50), webhooks.close(50)]);
    assert.ok(Date.now() - started < 1000);
    assert.deepEqual(outcomes, ['failed room_started', 'dropped room_finished']);
    webhooks.roomStarted(room);
    assert.equal(first(receivers).count, 1);
  });

  test('needs an API key that exists, when there is a URL', () => {
    const options = { keys: { devkey: 'secret' }, log };
    for (const apiKey of ['', 'other', '__proto__']) {
      assert.throws(
        () => new Webhooks({ ...options, apiKey, urls: ['http://127.0.0.1:1/'] }),
        /^WebhookConfigError: api_key is required to use webhooks: set webhook.api_key to one of "keys"/,
      );
    }
    new Webhooks({ ...options, apiKey: '', urls: [] }).roomStarted(room);
  });
});
