import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Channels, mixingOf } from '../../../node-image/jobs/egress/page/channels';
import {
  arranged,
  columnsFor,
  layoutOf,
  type Shown,
} from '../../../node-image/jobs/egress/page/layout';

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
