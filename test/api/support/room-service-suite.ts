import { after, before, beforeEach } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { keys, type PostCall, postTo } from './api-calls';
import { createApiServer } from './api-server';
import { MemoryRoomControl } from './memory-room-control';

/** A server of the API for the tests of a describe, with Room r and alice in it before each. */
export function roomServiceSuite() {
  const rooms = new MemoryRoomControl();
  const { server, reports, errors } = createApiServer(rooms, keys);
  const url = (): string => `http://127.0.0.1:${server.port}`;
  const client = (): RoomServiceClient => new RoomServiceClient(url(), 'devkey', 'secret');

  before(() => server.listen());
  after(() => server.close());
  beforeEach(async () => {
    rooms.calls.length = 0;
    reports.length = 0;
    errors.length = 0;
    await client().createRoom({ name: 'r', metadata: 'm', emptyTimeout: 7 });
    rooms.addParticipant('r', 'alice');
  });

  /** Posts without any SDK. */
  const post = (...call: PostCall) => postTo(url(), ...call);
  return { rooms, server, reports, errors, url, client, post };
}
