import assert from 'node:assert/strict';
import { AddTrackRequest, type SignalRequest, TrackSource, TrackType } from '@livekit/protocol';
import { descriptionOf, sectionOf } from './descriptions';
import type { RawClient } from './raw-client';
import type { Siege } from './siege';

/** A Room in which a victim publishes a track; the client is the one that makes trouble. */
export interface Scene {
  readonly client: RawClient;
  /** The client's own published track, and the victim's. */
  readonly own: string;
  readonly theirs: string;
  readonly victimSid: string;
}

export const addTrack = (fields: Partial<AddTrackRequest>): SignalRequest['message'] => ({
  case: 'addTrack',
  value: new AddTrackRequest({ type: TrackType.AUDIO, cid: 'cid', ...fields }),
});
/** The victim publishes, then the one who makes trouble joins and publishes too. */
export async function setTheScene(suite: Siege): Promise<Scene> {
  const victim = await suite.join('victim', { answers: true });
  const victimSid = (await victim.message('join')).participant?.sid ?? '';
  const theirs = await publish(victim, 'theirs');
  const client = await suite.join('mallory', {
    answers: true,
    token: { grant: { canUpdateOwnMetadata: true } },
  });
  const own = await publish(client, 'own');
  return { client, own, theirs, victimSid };
}

async function publish(client: RawClient, cid: string): Promise<string> {
  client.send(addTrack({ cid, source: TrackSource.MICROPHONE }));
  const { track } = await client.message('trackPublished');
  client.offer(descriptionOf(sectionOf('audio', '0', cid)));
  await client.message('answer');
  return track?.sid ?? '';
}

/** The victim and its track are as they were. */
export async function assertUntouched(suite: Siege, { theirs }: Scene): Promise<void> {
  const victim = await suite.api.getParticipant(suite.room, 'victim');
  const [track, ...more] = victim.tracks;
  assert.equal(more.length, 0);
  assert.equal(track?.sid, theirs);
  assert.equal(track?.muted, false);
  assert.deepEqual([track?.width, track?.height, track?.stereo], [0, 0, false]);
  assert.equal(track?.codecs.length, 1);
}
