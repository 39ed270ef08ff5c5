import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DataTrackFrameEncoding,
  DataTrackSchemaId,
  type DataTrackSubscriberHandles,
  PublishDataTrackRequest,
  PublishDataTrackResponse,
  RequestResponse_Reason as Reason,
  RequestResponse,
  UnpublishDataTrackRequest,
  UnpublishDataTrackResponse,
  UpdateDataSubscription,
} from '@livekit/protocol';
import fc from 'fast-check';
import type { DataTrackLimits } from '../../../node-image/room/data/data-track-requests';
import { type DataTrackPeer, DataTracks } from '../../../node-image/room/data/data-tracks';
import { recordingSink } from './peers';

type Peer = { -readonly [K in keyof DataTrackPeer]: DataTrackPeer[K] };

function peer(identity: string, changes: Partial<Peer> = {}): Peer {
  return {
    sid: `PA_${identity}`,
    identity,
    canPublishData: true,
    canSubscribe: true,
    autoSubscribeDataTracks: true,
    ...changes,
  };
}

function room(peers: Peer[], limits: DataTrackLimits = {}) {
  const sink = recordingSink();
  const events: string[] = [];
  const handles = new Map<string, DataTrackSubscriberHandles>();
  const denied = new Set<string>();
  let sids = 0;
  const tracks = new DataTracks<Peer>({
    limits,
    sink,
    newSid: () => `DTR_${++sids}`,
    mayReceive: (subscriber) => !denied.has(subscriber.identity),
    onTracksChanged: (publisher) => events.push(`tracks of ${publisher.identity}`),
    sendHandles: (subscriber, message) => {
      events.push(`handles to ${subscriber.identity}`);
      handles.set(subscriber.identity, message);
    },
  });
  for (const joining of peers) {
    tracks.peerJoined(joining);
  }
  const sidsOf = (identity: string): string[] =>
    Object.values(handles.get(identity)?.subHandles ?? {}).map(({ trackSid }) => trackSid);
  return { tracks, sink, events, handles, denied, sidsOf };
}

const publish = (pubHandle: number, name = `track ${pubHandle}`) =>
  new PublishDataTrackRequest({ pubHandle, name });

function packet(handle: number, payload = 'x'): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0b00011000, 0);
  header.writeUInt16BE(handle, 2);
  return Buffer.concat([header, Buffer.from(payload)]);
}

describe('publishing', () => {
  test('names the track and tells the others of it before their handles', () => {
    const [ann, bob, cid] = [peer('ann'), peer('bob'), peer('cid')];
    const { tracks, events, handles } = room([ann, bob, cid]);
    const answer = tracks.publish(ann, publish(5, 'pose'));
    assert.ok(answer instanceof PublishDataTrackResponse);
    assert.equal(answer.info?.sid, 'DTR_1');
    assert.equal(answer.info?.name, 'pose');
    assert.equal(answer.info?.pubHandle, 5);
    assert.deepEqual(events, ['tracks of ann', 'handles to bob', 'handles to cid']);
    const [handle, track] = Object.entries(handles.get('bob')?.subHandles ?? {})[0] ?? [];
    assert.ok(Number(handle) > 0 && Number(handle) < 65_536);
    assert.equal(track?.publisherIdentity, 'ann');
    assert.equal(track?.publisherSid, 'PA_ann');
    assert.equal(track?.trackSid, 'DTR_1');
    assert.deepEqual(
      tracks.infos(ann).map(({ sid }) => sid),
      ['DTR_1'],
    );
    assert.ok(tracks.publishes(ann, ['DTR_1']));
    assert.ok(!tracks.publishes(bob, ['DTR_1']));
  });

  test('is refused with the reason, and the request', () => {
    const ann = peer('ann');
    const { tracks } = room([ann], { maxTracksPerParticipant: 2 });
    const reason = (request: PublishDataTrackRequest, by = ann) => {
      const answer = tracks.publish(by, request);
      assert.ok(answer instanceof RequestResponse);
      assert.equal(answer.request.case, 'publishDataTrack');
      return answer.reason;
    };
    tracks.publish(ann, publish(1, 'one'));
    assert.equal(reason(publish(1), peer('bob', { canPublishData: false })), Reason.NOT_ALLOWED);
    assert.equal(reason(publish(0)), Reason.INVALID_HANDLE);
    assert.equal(reason(publish(65_536)), Reason.INVALID_HANDLE);
    assert.equal(reason(publish(2, '')), Reason.INVALID_NAME);
    assert.equal(reason(publish(2, 'n'.repeat(257))), Reason.INVALID_NAME);
    const described = publish(2);
    described.schema = new DataTrackSchemaId({ name: 's'.repeat(257) });
    assert.equal(reason(described), Reason.INVALID_REQUEST);
    assert.equal(reason(publish(1, 'two')), Reason.DUPLICATE_HANDLE);
    assert.equal(reason(publish(2, 'one')), Reason.DUPLICATE_NAME);
    for (const value of ['', 'e'.repeat(33)]) {
      const request = publish(2);
      request.frameEncoding = new DataTrackFrameEncoding({ value: { case: 'custom', value } });
      assert.equal(reason(request), Reason.INVALID_REQUEST);
    }
    tracks.publish(ann, publish(2, 'two'));
    assert.equal(reason(publish(3)), Reason.LIMIT_EXCEEDED);
    const disabled = room([ann], { enabled: false }).tracks.publish(ann, publish(1));
    assert.ok(disabled instanceof RequestResponse);
    assert.equal(disabled.reason, Reason.NOT_ALLOWED);
  });

  test('ends on request, and its subscribers lose the handle', () => {
    const [ann, bob] = [peer('ann'), peer('bob')];
    const { tracks, sidsOf } = room([ann, bob]);
    tracks.publish(ann, publish(5));
    const answer = tracks.unpublish(ann, new UnpublishDataTrackRequest({ pubHandle: 5 }));
    assert.ok(answer instanceof UnpublishDataTrackResponse);
    assert.equal(answer.info?.pubHandle, 5);
    assert.deepEqual(sidsOf('bob'), []);
    assert.deepEqual(tracks.infos(ann), []);
    const again = tracks.unpublish(ann, new UnpublishDataTrackRequest({ pubHandle: 5 }));
    assert.ok(again instanceof RequestResponse);
    assert.equal(again.reason, Reason.NOT_FOUND);
    assert.ok(tracks.publish(ann, publish(5)) instanceof PublishDataTrackResponse);
  });
});

describe('subscribing', () => {
  const update = (trackSid: string, subscribe: boolean) =>
    new UpdateDataSubscription({ updates: [{ trackSid, subscribe }] });

  test('is automatic for who joins later, unless it joined without', () => {
    const ann = peer('ann');
    const { tracks, sidsOf, handles } = room([ann]);
    tracks.publish(ann, publish(1));
    tracks.peerJoined(peer('bob'));
    tracks.peerJoined(peer('cid', { autoSubscribeDataTracks: false }));
    assert.deepEqual(sidsOf('bob'), ['DTR_1']);
    assert.equal(handles.has('cid'), false);
  });

  test('follows what the client asks for; handles are sent every time', () => {
    const [ann, bob] = [peer('ann'), peer('bob', { autoSubscribeDataTracks: false })];
    const { tracks, sidsOf, events } = room([ann, bob]);
    tracks.publish(ann, publish(1));
    tracks.updateSubscription(bob, update('DTR_1', true));
    assert.deepEqual(sidsOf('bob'), ['DTR_1']);
    tracks.updateSubscription(bob, update('DTR_1', true));
    assert.equal(events.filter((event) => event === 'handles to bob').length, 2);
    tracks.updateSubscription(bob, update('DTR_1', false));
    assert.deepEqual(sidsOf('bob'), []);
    tracks.updateSubscription(bob, update('DTR_nobody', true));
    assert.deepEqual(sidsOf('bob'), []);
  });

  test('to its own track is passed over', () => {
    const ann = peer('ann');
    const { tracks, sidsOf } = room([ann]);
    tracks.publish(ann, publish(1));
    tracks.updateSubscription(ann, update('DTR_1', true));
    assert.deepEqual(sidsOf('ann'), []);
  });

  test('waits for permission, and ends without', () => {
    const [ann, bob] = [peer('ann'), peer('bob', { canSubscribe: false })];
    const { tracks, sidsOf, denied } = room([ann, bob]);
    tracks.publish(ann, publish(1));
    assert.deepEqual(sidsOf('bob'), []);
    bob.canSubscribe = true;
    tracks.permissionsChanged();
    assert.deepEqual(sidsOf('bob'), ['DTR_1']);
    denied.add('bob');
    tracks.permissionsChanged();
    assert.deepEqual(sidsOf('bob'), []);
  });

  test('ends when either side leaves', () => {
    const [ann, bob, cid] = [peer('ann'), peer('bob'), peer('cid')];
    const { tracks, sidsOf, sink } = room([ann, bob, cid]);
    tracks.publish(ann, publish(1));
    tracks.publish(bob, publish(1));
    tracks.peerLeft(bob);
    assert.deepEqual(sidsOf('cid'), ['DTR_1']);
    assert.deepEqual(sidsOf('ann'), []);
    tracks.receive(ann, packet(1));
    assert.deepEqual(sink.sent[0]?.to, ['cid']);
    tracks.receive(bob, packet(1));
    assert.equal(sink.sent.length, 1);
  });
});

describe('packets', () => {
  test('go to the subscribers as one, under the handle they were told', () => {
    const [ann, bob, cid] = [peer('ann'), peer('bob'), peer('cid')];
    const { tracks, sink, handles } = room([ann, bob, cid]);
    tracks.publish(cid, publish(9));
    tracks.publish(ann, publish(9));
    const original = packet(9, 'payload');
    tracks.receive(ann, original);
    assert.equal(sink.sent.length, 1);
    const [sent] = sink.sent;
    assert.equal(sent?.kind, 'data_track');
    assert.deepEqual(sent?.to, ['bob', 'cid']);
    const handle = Buffer.from(sent?.bytes ?? []).readUInt16BE(2);
    assert.equal(handles.get('bob')?.subHandles[handle]?.trackSid, 'DTR_2');
    assert.deepEqual(Buffer.from(sent?.bytes ?? []), packet(handle, 'payload'));
    assert.deepEqual(original, packet(9, 'payload'));
  });

  test('of handles that are not published, or without permission, go nowhere', () => {
    const [ann, bob] = [peer('ann'), peer('bob')];
    const { tracks, sink } = room([ann, bob]);
    tracks.publish(ann, publish(9));
    tracks.receive(ann, packet(8));
    tracks.receive(bob, packet(9));
    ann.canPublishData = false;
    tracks.receive(ann, packet(9));
    assert.deepEqual(sink.sent, []);
  });

  test('with extensions must hold them', () => {
    const [ann, bob] = [peer('ann'), peer('bob')];
    const { tracks, sink } = room([ann, bob]);
    tracks.publish(ann, publish(9));
    const extended = (bytes: number): Buffer => {
      const made = Buffer.concat([packet(9, ''), Buffer.alloc(bytes)]);
      made.writeUInt8(0b00011100, 0);
      return made;
    };
    for (const bytes of [0, 1, 2, 3]) {
      tracks.receive(ann, extended(bytes));
    }
    assert.equal(sink.sent.length, 0);
    tracks.receive(ann, extended(4));
    assert.equal(sink.sent.length, 1);
  });

  test('of any bytes do not make it throw', () => {
    const [ann, bob] = [peer('ann'), peer('bob')];
    const { tracks } = room([ann, bob]);
    tracks.publish(ann, publish(1));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        tracks.receive(ann, Buffer.from(bytes));
      }),
    );
  });
});
