import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestResponse_Reason, UpdateParticipantMetadata } from '@livekit/protocol';
import {
  applyOwnData,
  exceeds,
  mergedAttributes,
  type OwnDataLimits,
  updateOwnData,
} from '../../node-image/room/own-data';
import { fakeParticipant } from './fakes';

const limits: OwnDataLimits = { nameLength: 5, metadataBytes: 10, attributesBytes: 12 };
const data = { name: '', metadata: '', attributes: {} };
const { OK, NOT_ALLOWED, LIMIT_EXCEEDED } = RequestResponse_Reason;

describe('limits', () => {
  test('count the bytes of a name', () => {
    assert.equal(exceeds({ ...data, name: 'ääa' }, limits), undefined);
    assert.equal(exceeds({ ...data, name: 'äää' }, limits), 'exceeds name length limit');
  });

  test('count the bytes of the metadata', () => {
    assert.equal(exceeds({ ...data, metadata: 'ä'.repeat(5) }, limits), undefined);
    const tooMuch = { ...data, metadata: 'ä'.repeat(6) };
    assert.equal(exceeds(tooMuch, limits), 'exceeds metadata size limit');
  });

  test('count names and values of attributes together', () => {
    assert.equal(exceeds({ ...data, attributes: { abc: '123', def: '456' } }, limits), undefined);
    assert.equal(
      exceeds({ ...data, attributes: { abc: '123', def: '4567' } }, limits),
      'exceeds attributes size limit',
    );
  });

  test('of 0 are none', () => {
    const none = { nameLength: 0, metadataBytes: 0, attributesBytes: 0 };
    const big = 'x'.repeat(100_000);
    assert.equal(exceeds({ name: big, metadata: big, attributes: { big } }, none), undefined);
  });
});

describe('attributes', () => {
  test('are added, changed, and deleted by an empty value', () => {
    assert.deepEqual(mergedAttributes({ a: '1', b: '2', c: '3' }, { b: '', c: '4', d: '5' }), {
      a: '1',
      c: '4',
      d: '5',
    });
  });

  test('of any name touch no object but their own', () => {
    const merged = mergedAttributes({}, JSON.parse('{"__proto__":"x","constructor":"y"}'));
    assert.equal(Object.getPrototypeOf(merged), Object.prototype);
    assert.equal(({} as Record<string, unknown>)['x'], undefined);
  });
});

test('empty values leave name and metadata alone', () => {
  const { participant } = fakeParticipant('ann', { grants: { name: 'Ann', metadata: 'm' } });
  applyOwnData(participant, data);
  assert.deepEqual([participant.name, participant.metadata], ['Ann', 'm']);
});

describe("a client's change of its own data", () => {
  const update = (video: { canUpdateOwnMetadata?: boolean }, request: object) => {
    const touched: boolean[] = [];
    const { participant, sink } = fakeParticipant('ann', {
      video,
      events: { changed: (_, immediate) => touched.push(immediate) },
    });
    const changed = updateOwnData(
      participant,
      new UpdateParticipantMetadata({ requestId: 7, ...request }),
      limits,
    );
    const [answer] = sink.sent('requestResponse');
    assert.equal(answer?.requestId, 7);
    return { changed, reason: answer?.reason, message: answer?.message, touched, participant };
  };

  test('is done, told to others at once, and confirmed', () => {
    const done = update({ canUpdateOwnMetadata: true }, { name: 'Ann', attributes: { a: '1' } });
    assert.deepEqual([done.changed, done.reason, done.touched], [true, OK, [true]]);
    assert.deepEqual([done.participant.name, done.participant.attributes], ['Ann', { a: '1' }]);
  });

  test('is refused without the permission, which a token has to give', () => {
    const done = update({}, { name: 'Ann' });
    assert.deepEqual([done.changed, done.reason, done.touched], [false, NOT_ALLOWED, []]);
    assert.equal(done.participant.name, '');
  });

  test('is refused as a whole where a part is too large', () => {
    const done = update({ canUpdateOwnMetadata: true }, { name: 'Ann', metadata: 'x'.repeat(11) });
    assert.deepEqual([done.changed, done.reason], [false, LIMIT_EXCEEDED]);
    assert.equal(done.message, 'exceeds metadata size limit');
    assert.equal(done.participant.name, '');
  });
});
