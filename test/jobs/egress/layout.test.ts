import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Channels, mixingOf } from '../../../node-image/jobs/egress/page/channels';
import {
  arranged,
  columnsFor,
  layoutOf,
  type Shown,
} from '../../../node-image/jobs/egress/page/layout';
import {
  channelIn,
  isOver,
  type MediaWanted,
  mediaOf,
  shows,
  splitsChannels,
} from '../../../node-image/jobs/egress/page/media';

const shown = (identity: string, isScreen = false): Shown =>
  ({ key: `${identity}-${isScreen}`, participant: { identity }, isScreen }) as Shown;
const names = (list: readonly Shown[]): string[] => list.map(({ key }) => key);

it('knows LiveKit’s layouts, and takes the grid for others', () => {
  assert.deepEqual(layoutOf('speaker-light'), { layout: 'speaker', isLight: true });
  assert.deepEqual(layoutOf('single-speaker'), { layout: 'single-speaker', isLight: false });
  assert.deepEqual(layoutOf('mine'), { layout: 'grid', isLight: false });
});

it('makes tiles of a grid as large as they can be', () => {
  assert.equal(columnsFor(1, 1920, 1080), 1);
  assert.equal(columnsFor(2, 1920, 1080), 2);
  assert.equal(columnsFor(4, 1920, 1080), 2);
  assert.equal(columnsFor(2, 1080, 1920), 1);
  assert.equal(columnsFor(9, 1920, 1080), 3);
});

it('shows who speaks, or the screen that is shared, and the others beside', () => {
  const people = [shown('ada'), shown('bob'), shown('cy')];
  const speaker = arranged(people, 'speaker', 'bob');
  assert.deepEqual(names(speaker.main), ['bob-false']);
  assert.deepEqual(names(speaker.side), ['ada-false', 'cy-false']);
  assert.deepEqual(arranged(people, 'single-speaker', 'bob').side, []);
  const screen = arranged([shown('cy', true), ...people], 'speaker', 'bob');
  assert.deepEqual(names(screen.main), ['cy-true']);
  const many = Array.from({ length: 40 }, (_, index) => shown(`p${index}`));
  assert.equal(arranged(many, 'grid', '').main.length, 25);
});

it('puts agents left of all others, or one after the other, who stays there', () => {
  const ada = { identity: 'ada', isAgent: false };
  const bob = { identity: 'bob', isAgent: false };
  const bot = { identity: 'bot', isAgent: true };
  const heard = (mixing: string | null, ...who: (typeof ada)[]) => {
    const channels = new Channels(mixingOf(mixing));
    return who.map((one) => channels.of(one));
  };
  assert.deepEqual(heard('agent', ada, bot, bob), ['right', 'left', 'right']);
  assert.deepEqual(heard('alternate', ada, bot, bob, bot), ['left', 'right', 'left', 'right']);
  assert.deepEqual(heard('other', ada, bot), ['both', 'both']);
  assert.deepEqual(heard(null, bot), ['both']);
});

it('takes of a Room what routes and a picture name, until that is gone', () => {
  const wanted: MediaWanted = {
    video: { of: 'participant', id: 'ada', screen: false },
    captureAll: false,
    routes: [
      { by: 'track', value: 'TR_1', channel: 'right' },
      { by: 'identity', value: 'ada', channel: 'left' },
      { by: 'kind', value: '4', channel: 'both' },
    ],
  };
  const track = (trackSid: string, identity: string, kind = 0) => ({ trackSid, identity, kind });
  const heard = (media: MediaWanted) =>
    [track('TR_1', 'ada'), track('TR_2', 'ada'), track('TR_3', 'bot', 4), track('TR_4', 'bob')].map(
      (one) => channelIn(media, one),
    );
  assert.deepEqual(heard(wanted), ['right', 'left', 'both', undefined]);
  assert.deepEqual(heard({ ...wanted, captureAll: true }), ['right', 'left', 'both', 'both']);
  assert.equal(shows(wanted, { ...track('TR_5', 'ada'), isScreen: false }), true);
  assert.equal(shows(wanted, { ...track('TR_5', 'ada'), isScreen: true }), false);
  assert.equal(shows(wanted, { ...track('TR_5', 'bob'), isScreen: false }), false);
  assert.equal(splitsChannels(wanted), true);

  const present = (identities: string[], trackSids: string[]) => ({ identities, trackSids });
  assert.equal(isOver(wanted, present(['ada'], [])), false);
  assert.equal(isOver(wanted, present(['bob'], ['TR_1'])), true);
  const ofTracks: MediaWanted = {
    ...{ video: { of: 'none' }, captureAll: false },
    routes: ['TR_1', 'TR_2'].map((value) => ({ by: 'track', value, channel: 'both' })),
  };
  assert.equal(isOver(ofTracks, present([], ['TR_2'])), false);
  assert.equal(isOver(ofTracks, present(['ada'], ['TR_3'])), true);
  assert.equal(isOver({ ...ofTracks, captureAll: true }, present([], [])), false);
  const ofPicture: MediaWanted = { ...wanted, video: { of: 'track', id: 'TR_9' } };
  assert.equal(isOver(ofPicture, present(['ada'], ['TR_1'])), true);
  assert.equal(mediaOf(null), undefined);
  assert.deepEqual(mediaOf(JSON.stringify(wanted)), wanted);
});
