import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pino from 'pino';
import { ScalingTags } from '../../node-image/cloud/scaling-tags';

const LOAD = 'sluice:target-load';
const ROOMS = 'sluice:headroom-rooms';

describe('the tags of a group of Media Nodes', () => {
  function tagsOf() {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const tags = new ScalingTags({ group: 'media', log });
    const read = (values: Readonly<Record<string, string>>) => tags.read(values);
    return { read, lines };
  }

  for (const [text, load] of [
    ['0.6', 0.6],
    ['.05', 0.05],
    ['1', 1],
    ['6e-1', 0.6],
    [' 0.25 ', 0.25],
  ] as const) {
    it(`say a load of ${load} by ${JSON.stringify(text)}`, () => {
      const { read, lines } = tagsOf();
      assert.deepEqual(read({ [LOAD]: text }), { targetLoad: load, headroomRooms: undefined });
      assert.deepEqual(lines, []);
    });
  }

  for (const [tag, text] of [
    [LOAD, ''],
    [LOAD, ' '],
    [LOAD, '60%'],
    [LOAD, '60'],
    [LOAD, '0.04'],
    [LOAD, '-0.5'],
    [LOAD, '0x1'],
    [LOAD, 'NaN'],
    [LOAD, '0,6'],
    [ROOMS, ''],
    [ROOMS, '2.5'],
    [ROOMS, '-1'],
    [ROOMS, '100001'],
    [ROOMS, 'Infinity'],
    [ROOMS, '1e999'],
  ] as const) {
    it(`say nothing by ${tag} of ${JSON.stringify(text)}, which is told of`, () => {
      const { read, lines } = tagsOf();
      assert.deepEqual(read({ [tag]: text }), { targetLoad: undefined, headroomRooms: undefined });
      assert.equal(lines.length, 1);
      assert.equal(lines[0]?.['tag'], tag);
      assert.equal(lines[0]?.['given'], text);
      assert.match(String(lines[0]?.['allowed']), /number from 0/);
    });
  }

  it('are told of once as long as a bad value stays, and again when another one comes', () => {
    const { read, lines } = tagsOf();
    for (let look = 0; look < 3; look += 1) read({ [ROOMS]: 'two' });
    assert.equal(lines.length, 1);
    read({ [ROOMS]: 'three' });
    assert.equal(lines.length, 2);
    assert.equal(read({ [ROOMS]: '3' }).headroomRooms, 3);
    read({ [ROOMS]: 'three' });
    assert.equal(lines.length, 3);
  });

  it('leave what is right in force beside what is not', () => {
    const { read } = tagsOf();
    assert.deepEqual(read({ [LOAD]: 'high', [ROOMS]: '0' }), {
      targetLoad: undefined,
      headroomRooms: 0,
    });
  });
});
