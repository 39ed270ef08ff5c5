import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { JournalCursor } from '../../node-image/cloud/agent/journal-cursor';
import { type JournalEntry, parseJournalLine } from '../../node-image/cloud/agent/journal-entry';
import { JournalShipper, type LogSink } from '../../node-image/cloud/agent/journal-shipper';
import { FakeJournal } from '../support/fake-journal';
import { sleep, until } from '../support/wait';

describe('the journal of a machine', () => {
  let folder = '';
  let cursorFile = '';
  let journal: FakeJournal;
  const open: JournalShipper[] = [];
  const said: string[] = [];
  const taken: JournalEntry[] = [];
  const puts: { unit: string; lines: number }[] = [];
  const texts = (): string[] => taken.map(({ text }) => text);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-journal-'));
    cursorFile = join(folder, 'state', 'cursor');
    journal = new FakeJournal(folder);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((shipper) => shipper.close()));
    for (const list of [said, taken, puts]) list.length = 0;
    rmSync(folder, { recursive: true, force: true });
  });

  const take: LogSink['put'] = async (unit, lines) => {
    puts.push({ unit, lines: lines.length });
    taken.push(...lines);
    return 0;
  };

  function ship(put: LogSink['put'] = take, everyMs = 20, program = journal.program) {
    const say = (_facts: unknown, text?: string): void => void said.push(text ?? String(_facts));
    const shipper = new JournalShipper({
      sink: { put },
      cursor: new JournalCursor(cursorFile),
      log: { info: say, warn: say },
      program,
      everyMs,
      retryMs: 20,
    });
    open.push(shipper);
    return shipper;
  }

  it('is sent on, each service by itself, in the order of its lines', async () => {
    await journal.write({ text: 'one' }, { text: 'boot', unit: 'sluice-boot.service' });
    await journal.write({ text: 'ssh', unit: 'ssh.service' }, { text: 'two' });
    ship();
    await until('all lines', () => taken.length === 3);
    await journal.write({ text: 'three' });
    await until('the next line', () => taken.length === 4);
    const ofNode = taken.filter(({ unit }) => unit === 'sluice-node').map(({ text }) => text);
    assert.deepEqual(ofNode, ['one', 'two', 'three']);
    assert.deepEqual([...new Set(puts.map(({ unit }) => unit))].sort(), [
      'sluice-boot',
      'sluice-node',
    ]);
    assert.match(journal.asked[0] ?? '', /--boot$/);
  });

  it('goes on after the last line that was taken when the agent is started again', async () => {
    await journal.write({ text: 'one' }, { text: 'two' });
    await ship().close();
    assert.deepEqual(texts(), ['one', 'two']);
    await journal.write({ text: 'three' });
    await ship().close();
    assert.deepEqual(texts(), ['one', 'two', 'three']);
    assert.match(journal.asked[1] ?? '', /--after-cursor=n=2$/);
    assert.equal(readFileSync(cursorFile, 'utf8'), 'n=3\n');
  });

  it('waits in the journal while nobody takes it: nothing is lost, nothing piles up', async () => {
    let isThrottled = true;
    let most = 0;
    const shipper = ship(async (unit, lines, signal) => {
      most = Math.max(most, lines.length);
      if (isThrottled) throw new Error('ThrottlingException: Rate exceeded');
      return take(unit, lines, signal);
    });
    const lines = Array.from({ length: 9000 }, (_, n) => ({ text: `line ${n}` }));
    await journal.write(...lines);
    await until('a failure', () => said.length > 0);
    await sleep(100);
    assert.equal(existsSync(cursorFile), false, 'nothing counts as sent');
    isThrottled = false;
    await until('all lines', () => taken.length >= 9000, { timeoutMs: 20_000 });
    assert.deepEqual(
      texts(),
      lines.map(({ text }) => text),
    );
    assert.ok(most <= 2000, `${most} lines were in memory`);
    assert.deepEqual(said, [
      'the journal of this machine is not sent; it is tried again, and lines wait in the journal',
      'the journal of this machine is sent again',
    ]);
    assert.equal(shipper.lost, 0);
  });

  it('counts what is refused for good, says so, and goes on', async () => {
    const shipper = ship(async (unit, lines, signal) => (await take(unit, lines, signal)) + 1);
    await journal.write({ text: 'too old' });
    await until('a word of it', () => said.length > 0);
    assert.deepEqual(said, ['lines of the journal were not taken']);
    assert.equal(shipper.lost, 1);
    await journal.write({ text: 'next' });
    await until('the next line', () => taken.length === 2);
  });

  it('is sent up to this moment when the machine is about to end', async () => {
    const shipper = ship(take, 3_600_000);
    await journal.write({ text: 'one' });
    assert.equal(await shipper.flush(10_000), true);
    assert.deepEqual(texts(), ['one']);
    await journal.write({ text: 'last' });
    await shipper.close();
    assert.deepEqual(texts(), ['one', 'last']);
    assert.equal(await shipper.flush(10_000), false, 'it is closed');
  });

  it('is sent up to this moment while more and more is written', async () => {
    const shipper = ship(take, 3_600_000);
    await journal.write({ text: 'one' });
    let count = 0;
    const timer = setInterval(() => void journal.write({ text: `more ${count++}` }), 20);
    try {
      assert.equal(await shipper.flush(10_000), true);
    } finally {
      clearInterval(timer);
    }
    assert.equal(texts()[0], 'one');
  });

  it('holds the end of a machine up for a bounded time only', async () => {
    const shipper = ship((_unit, _lines, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    await journal.write({ text: 'one' });
    assert.equal(await shipper.flush(200), false);
    await shipper.close();
    assert.equal(existsSync(cursorFile), false);
  });

  it('is read from the start of the machine again where journald does not know the cursor', async () => {
    await new JournalCursor(cursorFile).write('n=broken');
    await journal.write({ text: 'one' });
    ship();
    await until('the line', () => taken.length === 1);
    assert.match(journal.asked[0] ?? '', /--after-cursor=n=broken$/);
    assert.match(journal.asked[1] ?? '', /--boot$/);
  });

  it('is not asked for with a cursor that is none', async () => {
    await new JournalCursor(cursorFile).write('--vacuum-size=1 --file=/');
    assert.equal(await new JournalCursor(cursorFile).read(), undefined);
  });

  it('is sent where it cannot be kept how far: some lines come twice then', async () => {
    writeFileSync(join(folder, 'state'), 'no folder');
    ship();
    await journal.write({ text: 'one' });
    await until('the line', () => taken.length === 1);
    await journal.write({ text: 'two' });
    await until('the next line', () => taken.length === 2);
    assert.deepEqual(said, ['another agent on this machine will send some lines again']);
  });

  it('is told of once where there is no journalctl', async () => {
    const shipper = ship(take, 20, join(folder, 'nowhere'));
    await until('a word of it', () => said.length > 0);
    await sleep(200);
    assert.equal(said.length, 1);
    assert.equal(await shipper.flush(50), false);
  });
});

describe('an entry of the journal', () => {
  const entry = (fields: object): string =>
    JSON.stringify({
      __CURSOR: 'c',
      __REALTIME_TIMESTAMP: '1700000000123456',
      _SYSTEMD_UNIT: 'sluice-node.service',
      MESSAGE: 'text',
      ...fields,
    });

  it('has its time in milliseconds, and its unit without a suffix', () => {
    const atMs = 1_700_000_000_123;
    assert.deepEqual(parseJournalLine(entry({})), {
      cursor: 'c',
      atMs,
      unit: 'sluice-node',
      text: 'text',
    });
  });

  it('is of the unit that systemd speaks of', () => {
    const line = entry({ _SYSTEMD_UNIT: 'init.scope', UNIT: 'sluice-redis.service' });
    assert.equal(parseJournalLine(line)?.unit, 'sluice-redis');
  });

  it('may be bytes, or several texts', () => {
    assert.equal(parseJournalLine(entry({ MESSAGE: [0xc3, 0xbc] }))?.text, 'ü');
    assert.equal(parseJournalLine(entry({ MESSAGE: ['a', 'b'] }))?.text, 'a\nb');
    assert.equal(parseJournalLine(entry({ MESSAGE: null }))?.text, '');
  });

  it('is left out where it is of others, or cannot be read', () => {
    for (const line of [
      '',
      '[]',
      'null',
      '{"MESSAGE"',
      entry({ _SYSTEMD_UNIT: 'ssh.service' }),
      entry({ __REALTIME_TIMESTAMP: 'now' }),
      entry({ __CURSOR: null }),
    ]) {
      assert.equal(parseJournalLine(line), undefined, line);
    }
  });
});
