import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BootMachine } from './support/boot-machine';

const SECRET = 'k'.repeat(40);
const IMAGE = 'registry.example.com/media/egress:1.2';
const UNIT = '/run/systemd/system/sluice-livekit@.service.d/stop.conf';
const EGRESS = '/run/sluice/livekit/config/egress';
const yaml = (role: string, image: string): string => `
keys: { own: ${SECRET} }
redis: { address: "10.0.0.5:6379", password: hush }
egress: { service: livekit, image: "${image}", ws_url: "wss://meet.example.com" }
sluice:
  role: ${role}
  drain: { deadline: 10m, patience: 1m }
  cluster: { secret: ${'c'.repeat(40)} }
`;

test('a Media Node with an image has what its service reads, and nobody but root gets there', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/usr/bin/podman', '', 0o755);
  machine.plan({ cloud: 'none', role: 'media' });
  machine.write('/etc/sluice/sluice.yaml', yaml('media', IMAGE));
  await machine.boot();
  const { api_key, api_secret, redis, ws_url } = JSON.parse(machine.read(`${EGRESS}.json`));
  assert.deepEqual([api_key, api_secret, ws_url], ['own', SECRET, 'wss://meet.example.com']);
  assert.deepEqual(redis, { ...redis, address: '10.0.0.5:6379', password: 'hush' });
  assert.equal(machine.read(`${EGRESS}.env`), `SLUICE_IMAGE=${IMAGE}\n`);
  assert.equal(machine.mode('/run/sluice/livekit/config'), 0o700);
  assert.equal(machine.mode('/run/sluice/livekit/order'), 0o755);
  assert.equal(machine.read(UNIT), '[Service]\nTimeoutStopSec=660\n');
  assert.throws(() => machine.read('/run/sluice/livekit/config/ingress.json'), { code: 'ENOENT' });

  // Another time it runs elsewhere.
  machine.write('/etc/sluice/sluice.yaml', yaml('media', ''));
  await machine.boot();
  for (const file of [`${EGRESS}.json`, `${EGRESS}.env`, UNIT]) {
    assert.throws(() => machine.read(file), { code: 'ENOENT' }, file);
  }
});

test('a Master Node runs none, though its file names the image', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'master' });
  machine.write('/etc/sluice/sluice.yaml', yaml('master', IMAGE));
  await machine.boot();
  assert.throws(() => machine.read(`${EGRESS}.env`), { code: 'ENOENT' });
});

test('without Podman, and without an image that is one, boot says what to do', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'media' });
  machine.write('/etc/sluice/sluice.yaml', yaml('media', IMAGE));
  await assert.rejects(machine.boot(), /there is no Podman: run install\.sh --livekit-services/);
  for (const image of ['--privileged', 'egress', 'team/egress:1', `${IMAGE} -v /:/x`, 'a.b/c']) {
    machine.write('/etc/sluice/sluice.yaml', yaml('media', image));
    await assert.rejects(machine.boot(), /egress\.image is given as .*the full name of an image/);
  }
  machine.write('/etc/sluice/sluice.yaml', yaml('media', IMAGE).replace(/, ws_url[^}]*/, ' '));
  await assert.rejects(machine.boot(), /egress\.image is given, and no egress\.ws_url/);
});
