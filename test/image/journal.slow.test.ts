/** The journal as journald really keeps it: on a Debian 12 with systemd, and by the unit of the agent. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { JournalCursor } from '../../node-image/cloud/agent/journal-cursor';
import type { JournalEntry } from '../../node-image/cloud/agent/journal-entry';
import { JournalShipper } from '../../node-image/cloud/agent/journal-shipper';
import { fakeLog } from '../cluster/shared-support';
import { until } from '../support/wait';
import { Container } from './support/container';
import { DebianRoot } from './support/debian-root';

const AGENT = join(__dirname, '../../node-image/image/systemd/sluice-agent.service');
const UNITS = '/etc/systemd/system';

describe('the journal of a Debian 12', { concurrency: 1 }, () => {
  const log = fakeLog();
  const taken: JournalEntry[] = [];
  let root: DebianRoot;
  let machine: Container;

  const write = (name: string, content: string): string => {
    const path = join(root.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  async function bootIt(): Promise<Container> {
    const booted = await Container.boot(root.path);
    await until('all of it to be up', () => booted.state('multi-user.target') === 'active');
    return booted;
  }
  /** What a service writes at each start. */
  const service = (what: string): string =>
    `[Service]\nType=oneshot\nExecStart=/bin/sh -c '${what}'\n`;
  const say = (text: string): void => {
    machine.run('sh', '-c', `printf '%s\\n' '${text}' > /run/said`);
    const { status, output } = machine.run('systemctl', 'start', 'sluice-node.service');
    assert.equal(status, 0, output);
  };
  const written = (): string[] =>
    taken
      .filter(({ unit, text }) => unit === 'sluice-node' && /^said: /.test(text))
      .map(({ text }) => text);

  /** journalctl of the machine, as who is in the group of the journal and nobody else. */
  function ship(): JournalShipper {
    const enter = `nsenter -t ${machine.pid} -m -p -n -u -i -r -w`;
    const as = 'setpriv --reuid=65534 --regid=65534 --groups=systemd-journal';
    const program = write(
      '/journalctl-of-it',
      `#!/bin/sh\nexec ${enter} -- ${as} journalctl "$@"\n`,
    );
    chmodSync(program, 0o755);
    return new JournalShipper({
      sink: {
        put: async (_unit, lines) => {
          taken.push(...lines);
          return 0;
        },
      },
      cursor: new JournalCursor(join(root.path, 'journal-cursor')),
      log,
      program,
      everyMs: 100,
    });
  }

  before(async () => {
    root = new DebianRoot();
    write(`${UNITS}/sluice-node.service`, service('echo said: $(cat /run/said)'));
    write(`${UNITS}/other.service`, service('echo said: by another'));
    write(
      `${UNITS}/sluice-long.service`,
      service('head -c 20000 /dev/zero | tr "\\\\000" x; echo; printf "a\\\\377b\\\\n"'),
    );
    assert.equal(root.run(['useradd', '--system', 'sluice']).status, 0);
    machine = await bootIt();
  });
  after(async () => {
    await machine?.cutPower();
    root?.remove();
  });

  const untilWritten = (...texts: string[]): Promise<unknown> =>
    until(`${texts}`, () => written().join() === texts.join(), {
      timeoutMs: 20_000,
      explain: () => `${written()}\n${log.lines.join('\n')}\n${machine.journal()}`,
    });

  test('is read from its beginning, then followed, and goes on where it was left', async () => {
    say('one');
    machine.run('systemctl', 'start', 'other.service');
    const first = ship();
    await untilWritten('said: one');
    say('two');
    await untilWritten('said: one', 'said: two');
    await first.close();
    say('three');
    const second = ship();
    await untilWritten('said: one', 'said: two', 'said: three');
    await second.close();
    assert.ok(!taken.some(({ text }) => text === 'said: by another'));
    assert.ok(
      taken.some(({ unit, text }) => unit === 'sluice-node' && /^Starting /.test(text)),
      'systemd of it',
    );
    assert.ok(taken.every(({ atMs }) => Math.abs(Date.now() - atMs) < 600_000));
    assert.deepEqual(log.lines, []);
  });

  test('has long lines whole, and lines that are no text', async () => {
    machine.run('systemctl', 'start', 'sluice-long.service');
    const shipper = ship();
    assert.equal(await shipper.flush(20_000), true);
    await shipper.close();
    const texts = taken.filter(({ unit }) => unit === 'sluice-long').map(({ text }) => text);
    assert.ok(texts.includes('x'.repeat(20_000)));
    assert.ok(texts.includes('a\ufffdb'));
  });

  test('goes on when the machine is back from a loss of power', async () => {
    say('before');
    machine.run('journalctl', '--sync');
    await machine.cutPower();
    machine = await bootIt();
    const shipper = ship();
    say('after');
    await untilWritten('said: one', 'said: two', 'said: three', 'said: before', 'said: after');
    await shipper.close();
  });

  test('may be read by the agent in its unit, and not without its group', async () => {
    say('to the agent');
    machine.run('mkdir', '-p', '/run/sluice');
    machine.run('touch', '/run/sluice/cloud');
    // Not to be followed: in a container the unit's own /proc shows the boot of who runs that.
    const unit = readFileSync(AGENT, 'utf8').replace(
      /^ExecStart=.*$/m,
      'ExecStart=/bin/journalctl --output=json\nStandardOutput=append:/run/NAME',
    );
    const group = /^SupplementaryGroups=.*\n/m;
    assert.match(unit, group);
    write(`${UNITS}/sluice-with.service`, unit.replace('/run/NAME', '/run/with'));
    write(
      `${UNITS}/sluice-without.service`,
      unit.replace(group, '').replace('/run/NAME', '/run/without'),
    );
    assert.equal(machine.run('systemctl', 'daemon-reload').status, 0);
    for (const name of ['sluice-with', 'sluice-without']) {
      const { status, output } = machine.run('systemctl', 'start', `${name}.service`);
      assert.equal(status, 0, output);
    }
    const read = (name: string): string => machine.run('cat', `/run/${name}`).output;
    await until('the agent to read it', () => read('with').includes('said: to the agent'), {
      explain: () => `${read('with')}\n${machine.journal()}`,
    });
    assert.ok(!read('without').includes('said: to the agent'));
  });
});
