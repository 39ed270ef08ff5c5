/** The units of containers, as systemd runs them; what stands for Podman is a script. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/wait';
import { Container } from './support/container';
import { DebianRoot } from './support/debian-root';

const IMAGE = join(__dirname, '../../node-image/image');
const IMAGE_NAME = 'localhost/egress:1';
const EGRESS = 'sluice-livekit@egress.service';
/** Of the service: it ends when its last job has, which the test says. */
const PODMAN = `#!/bin/bash
case $1 in
  image) exit 1 ;;
  pull) echo "$3 $4 $5 $(cat "$4")" > /run/podman-pulled && exit 0 ;;
esac
trap 'touch /run/asked-to-end' TERM
echo "$@" > /run/podman-arguments
# Without processes of its own: cgroup v1 does not tell systemd when the last of a unit has gone.
exec {nothing}<> <(:)
while ! [ -e /run/asked-to-end ] || ! [ -e /run/jobs-are-done ]; do read -rt 0.1 -u "$nothing" || true; done
`;

describe("the units of LiveKit's own services, and of workers of agents", {
  concurrency: 1,
}, () => {
  let root: DebianRoot;
  let machine: Container;
  const path = (name: string): string => join(root.path, name);
  const write = (name: string, content: string, mode = 0o644): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content, { mode });
  };
  const inside = (command: string): string => machine.run('sh', '-c', command).output;
  const explain = (): string =>
    inside("systemctl status --no-pager -l 'sluice-*@*'; journalctl -b --no-pager -n 30");
  /** Says it again until it is done, as the node does: the script may be at work just then. */
  const wants = (
    what: string,
    name: string,
    isDone: () => boolean,
    folder = '/run/sluice/livekit',
  ): Promise<unknown> =>
    until(
      name,
      () => {
        if (isDone()) return true;
        inside(`printf '${what}\\n' > ${folder}/order/wanted`);
        return false;
      },
      { intervalMs: 1000, timeoutMs: 20_000, explain },
    );
  const isThere = (file: string): boolean => machine.run('test', '-e', file).status === 0;
  const isSeen = (): boolean => isThere('/run/sluice/livekit/running/egress');

  before(async () => {
    root = new DebianRoot();
    const bin = path('/opt/sluice/current/node-image/image/bin');
    cpSync(join(IMAGE, 'bin'), bin, { recursive: true });
    const units = ['@.service', '-order.path', '-order.service'];
    for (const unit of ['livekit', 'agents'].flatMap((one) => units.map((end) => one + end))) {
      const text = readFileSync(join(IMAGE, `systemd/sluice-${unit}`), 'utf8');
      write(`/etc/systemd/system/sluice-${unit}`, text);
    }
    write('/usr/bin/podman', PODMAN, 0o755);
    const program = '#!/bin/sh\necho "$@"\n';
    write('/opt/sluice/current/node-image/image/bin/sluice', program, 0o755);
    machine = await Container.boot(root.path);
    await until('all of it to be up', () => machine.state('multi-user.target') === 'active');
    // As `sluice boot` leaves it, for Egress.
    inside('mkdir -p /run/sluice/livekit/config /run/sluice/livekit/order');
    inside(`echo SLUICE_IMAGE=${IMAGE_NAME} > /run/sluice/livekit/config/egress.env`);
    const started = machine.run('systemctl', 'start', 'sluice-livekit-order.path');
    assert.equal(started.status, 0, started.output);
  });
  after(async () => {
    await machine?.cutPower();
    root?.remove();
  });

  test('one starts as the node serves, where boot has written for it, and a drain waits for its jobs', async () => {
    await wants('serve', 'it to run', isSeen);
    assert.equal(machine.state(EGRESS), 'active');
    assert.equal(machine.state('sluice-livekit@ingress.service'), 'inactive');
    const given = await until(
      'Podman',
      () => inside('cat /run/podman-arguments 2>/dev/null').trim() || undefined,
    );
    assert.match(String(given), /^run .* --network host .*localhost\/egress:1$/);
    // With the login that there is, in a file that is gone by now.
    const pulled = inside('cat /run/podman-pulled').trim();
    const [, login = '', image, ...rest] = pulled.split(' ');
    assert.match(login, /^\/run\/sluice\/livekit\/running\/egress\/login\./);
    assert.deepEqual([image, rest.join(' ')], [IMAGE_NAME, `registry-login ${IMAGE_NAME}`]);
    assert.ok(!isThere(login));

    await wants('drain', 'it to be asked', () => isThere('/run/asked-to-end'));
    assert.ok(isSeen(), 'its jobs go on');
    inside('touch /run/jobs-are-done');
    await until('it to have ended', () => !isSeen(), { explain });
    assert.equal(machine.state(EGRESS), 'inactive', 'it is not started again');
  });

  test('at the deadline it is killed, and it runs again when the node serves', async () => {
    inside('rm /run/asked-to-end /run/jobs-are-done /run/podman-arguments');
    await wants('serve', 'it to run', isSeen);
    await until('Podman', () => isThere('/run/podman-arguments'), { explain });
    await wants('drain', 'it to be asked', () => isThere('/run/asked-to-end'));
    await wants('kill', 'it to be killed', () => !isSeen());
    inside('rm /run/asked-to-end');
    await wants('serve', 'it to run again', isSeen);
  });

  test('a worker of agents has its limits, its environment and its arguments, drains, and is killed', async () => {
    const folder = '/run/sluice/agents';
    const config = `${folder}/config/greeter-1`;
    inside(
      `rm -f /run/asked-to-end /run/podman-arguments; mkdir -p ${folder}/config ${folder}/order`,
    );
    inside(`printf 'SLUICE_IMAGE=localhost/greeter:1\\nSLUICE_CPUS=1.5\\n' > ${config}.env`);
    inside(`printf 'start\\n a  b\\n' > ${config}.args`);
    const started = machine.run('systemctl', 'start', 'sluice-agents-order.path');
    assert.equal(started.status, 0, started.output);
    const isRunning = (): boolean => isThere(`${folder}/running/greeter-1`);
    const want = (word: string, name: string, isDone: () => boolean) =>
      // Others, and what is no name, are none of its business.
      wants(`stranger ${word}\\n../x ${word}\\ngreeter-1 ${word}`, name, isDone, folder);

    await want('serve', 'it to run', isRunning);
    const given = await until(
      'Podman',
      () => inside('cat /run/podman-arguments 2>/dev/null') || undefined,
    );
    assert.match(
      String(given),
      /^run .* --name sluice-agents-greeter-1 .* --cpus=1\.5 --env-file \S+\/greeter-1\.vars localhost\/greeter:1 start {2}a {2}b$/m,
    );
    assert.doesNotMatch(String(given), /--memory/, 'it has no limit');
    assert.equal(machine.state('sluice-agents@stranger.service'), 'inactive');
    await want('drain', 'it to be asked', () => isThere('/run/asked-to-end'));
    assert.ok(isRunning(), 'its jobs go on');
    await want('kill', 'it to be killed', () => !isRunning());
  });
});
