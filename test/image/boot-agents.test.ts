import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BootMachine } from './support/boot-machine';

const SECRET = 'k'.repeat(40);
const IMAGE = 'registry.example.com/team/greeter:1.2';
const CONFIG = '/run/sluice/agents/config';
const STOP = '/run/systemd/system/sluice-agents@.service.d/stop.conf';
const yaml = (agent: string, role = 'media'): string => `
keys: { own: ${SECRET} }
redis: { address: "10.0.0.5:6379" }
sluice:
  role: ${role}
  drain: { deadline: 10m, patience: 1m }
  cluster: { secret: ${'c'.repeat(40)} }
  agents:
    - ${agent}
`;
const AGENT = `{ name: greeter, image: "${IMAGE}", env_file: /etc/sluice/g.env, count: 2, cpus: 1.5, memory: 1073741824, args: ["start", "a b"] }`;
const ENV = `LIVEKIT_API_SECRET="a # secret"\n# none\nJSON={"a":"b"}\nEMPTY=\n`;

test('a container has its image, its limits, its environment and its arguments, and root alone reads them', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/usr/bin/podman', '', 0o755);
  machine.write('/etc/sluice/g.env', ENV, 0o640);
  machine.plan({ cloud: 'none', role: 'media' });
  machine.write('/etc/sluice/sluice.yaml', yaml(AGENT));
  await machine.boot();
  for (const name of ['greeter-1', 'greeter-2']) {
    assert.equal(
      machine.read(`${CONFIG}/${name}.env`),
      `SLUICE_IMAGE=${IMAGE}\nSLUICE_CPUS=1.5\nSLUICE_MEMORY=1073741824b\n`,
    );
    assert.equal(
      machine.read(`${CONFIG}/${name}.vars`),
      'EMPTY=\nJSON={"a":"b"}\nLIVEKIT_API_SECRET=a # secret\n',
    );
    assert.equal(machine.read(`${CONFIG}/${name}.args`), 'start\na b\n');
    assert.equal(machine.mode(`${CONFIG}/${name}.vars`), 0o400);
  }
  assert.equal(machine.mode(CONFIG), 0o700);
  assert.equal(machine.mode('/run/sluice/agents/order'), 0o755);
  assert.equal(machine.read(STOP), '[Service]\nTimeoutStopSec=660\n');

  // One of them is taken out, then both.
  machine.write('/etc/sluice/sluice.yaml', yaml(AGENT.replace('count: 2', 'count: 1')));
  await machine.boot();
  assert.throws(() => machine.read(`${CONFIG}/greeter-2.vars`), { code: 'ENOENT' });
  const stop = (name: string): string => `systemctl --no-block stop sluice-agents@${name}.service`;
  assert.deepEqual(
    machine.ran.filter((line) => line.includes('sluice-agents@')),
    [stop('greeter-2')],
  );
  machine.write('/etc/sluice/sluice.yaml', yaml(AGENT).replace(/ {2}agents:[\s\S]*/, ''));
  await machine.boot();
  assert.ok(machine.ran.includes(stop('greeter-1')));
  for (const file of [`${CONFIG}/greeter-1.vars`, STOP]) {
    assert.throws(() => machine.read(file), { code: 'ENOENT' }, file);
  }
});

test('one whose environment cannot be used is left out, which is said, and the node is made ready', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/usr/bin/podman', '', 0o755);
  machine.plan({ cloud: 'none', role: 'media' });
  machine.write('/etc/sluice/sluice.yaml', yaml(AGENT));
  for (const [content, mode, says] of [
    [undefined, 0, /g\.env cannot be read: ENOENT.*its containers are not started/],
    [ENV, 0o604, /g\.env has mode 0604, open to other users; .*not started/],
    ['KEY="a\nb"\n', 0o600, /g\.env has a value of several lines for KEY; .*not started/],
  ] as const) {
    rmSync(join(machine.root, '/etc/sluice/g.env'), { force: true });
    if (content !== undefined) machine.write('/etc/sluice/g.env', content, mode);
    await machine.boot();
    assert.match(machine.said.join('\n'), says);
    assert.throws(() => machine.read(`${CONFIG}/greeter-1.env`), { code: 'ENOENT' });
    machine.said.length = 0;
  }
});

test('what cannot be a container is refused before anything is changed', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/etc/sluice/g.env', ENV, 0o600);
  machine.plan({ cloud: 'none', role: 'media' });
  for (const [agent, says] of [
    [AGENT, /there is no Podman: run install\.sh --livekit-services/],
    [AGENT.replace(IMAGE, '--privileged'), /image is given as .*the full name of an image/],
    [AGENT.replace('count', 'command: /bin/sh, count'), /\(greeter\) has command and image/],
    [AGENT.replace('count', 'folder: /opt, count'), /\(greeter\) has image and folder/],
    [AGENT.replace(IMAGE, ''), /\(greeter\) has neither command nor image/],
    [`${AGENT}\n    - ${AGENT}`, /\(greeter\) is there twice/],
  ] as const) {
    machine.write('/etc/sluice/sluice.yaml', yaml(agent));
    await assert.rejects(machine.boot(), says);
  }
});

test('a Master Node runs none', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'master' });
  machine.write('/etc/sluice/sluice.yaml', yaml(AGENT, 'master'));
  await machine.boot();
  assert.throws(() => machine.read(`${CONFIG}/greeter-1.env`), { code: 'ENOENT' });
});
