import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  renderSentinelConfig,
  type SentinelConfig,
  sentinelState,
} from '../../node-image/image/sentinel-config';

const CONFIG: SentinelConfig = {
  address: '10.0.0.6',
  port: 26_379,
  password: 'a-password-of-this-test',
  name: 'sluice',
  primary: { host: '10.0.0.5', port: 6379 },
  quorum: 2,
  directory: '/var/lib/sluice/sentinel',
};
const LEARNED = [
  'sentinel myid 0123456789abcdef0123456789abcdef01234567',
  'sentinel config-epoch sluice 7',
  'sentinel known-sentinel sluice 10.0.0.7 26379 89abcdef0123456789abcdef0123456789abcdef',
];

test('a Sentinel listens on its own address, with a password, and says which that is', () => {
  const lines = renderSentinelConfig(CONFIG).split('\n');
  assert.ok(lines.includes('bind 127.0.0.1 -::1 -10.0.0.6'));
  assert.ok(lines.includes('requirepass "a-password-of-this-test"'));
  assert.ok(lines.includes('sentinel announce-ip 10.0.0.6'));
  assert.ok(lines.includes('sentinel monitor sluice 10.0.0.5 6379 2'));
});

test('what it has learned is read from its file, and written anew', () => {
  const text = renderSentinelConfig({ ...CONFIG, learned: LEARNED });
  const state = sentinelState(text, 'sluice');
  assert.deepEqual(state, { primary: CONFIG.primary, learned: LEARNED });
  const moved = text.replace('monitor sluice 10.0.0.5', 'monitor sluice 10.0.0.7');
  assert.equal(sentinelState(moved, 'sluice')?.primary.host, '10.0.0.7');
  for (const other of ['', 'nonsense\n', text.replaceAll('sluice', 'other')]) {
    assert.equal(sentinelState(other, 'sluice'), undefined);
  }
});

test('a password that could add a line is refused', () => {
  for (const password of [
    'short',
    'with a blank, and long',
    `with-a-"quote"-in-it`,
    'two\nlines',
  ]) {
    assert.throws(() => renderSentinelConfig({ ...CONFIG, password }), /password of Sentinel/);
  }
});
