import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivedSecret } from '../../node-image/lifecycle/derived-secret';
import { BootMachine } from './support/boot-machine';

const SECRET = 'c'.repeat(40);
const CLUSTER = `
keys: { own: ${'k'.repeat(40)} }
redis: { address: "10.0.0.5:6379" }
sluice:
  role: ROLE
  cluster: { secret: ${SECRET} }
`;
const masterYaml = CLUSTER.replace('ROLE', 'master');

test('a master with Redis of its own has it with a password, on its private address', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'master', redis: { server: true, password: 'derived' } });
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  await machine.boot();
  const file = '/run/sluice/redis/redis.conf';
  assert.equal(machine.mode(file), 0o400);
  const password = derivedSecret(SECRET, 'redis');
  assert.match(machine.read(file), new RegExp(`^requirepass "${password}"$`, 'm'));
  assert.match(machine.read(file), /^bind 127\.0\.0\.1 -::1 -10\.0\.0\.5$/m);
  assert.match(machine.read('/run/sluice/secrets/node.env'), new RegExp(`'${password}'`));
  const before = 'b'.repeat(40);
  const both = `previous_secret: ${before}, secret: ${SECRET}`;
  machine.write('/etc/sluice/sluice.yaml', masterYaml.replace(`secret: ${SECRET}`, both));
  await machine.boot();
  const other = derivedSecret(before, 'redis');
  const taken = `user default on ~* &* +@all ">${password}" ">${other}"`;
  assert.ok(machine.read(file).split('\n').includes(taken), machine.read(file));
  assert.doesNotMatch(machine.read('/run/sluice/secrets/node.env'), new RegExp(other));
});

test('Redis without a password is refused', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'master', redis: { server: true } });
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  await assert.rejects(machine.boot(), /wants Redis to run here, and there is no password for it/);
});

test('services that are not to run any more lose their configuration, and so do not start', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  machine.plan({ cloud: 'none', role: 'master', entry: { tls: false, port: 7443 } });
  await machine.boot();
  assert.match(machine.read('/run/sluice/haproxy/haproxy.cfg'), /bind :7443$/m);
  machine.plan({ cloud: 'none', role: 'master' });
  await machine.boot();
  assert.throws(() => machine.read('/run/sluice/haproxy/haproxy.cfg'), { code: 'ENOENT' });
});

test('an entry with TLS needs a certificate, and boot says where it belongs', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  machine.plan({ cloud: 'none', role: 'master', entry: {} });
  await assert.rejects(
    machine.boot(),
    /There is no certificate \/etc\/sluice\/tls\/entry\.pem for the entry: put certificate, chain and key there/,
  );
  machine.write('/etc/sluice/tls/entry.pem', 'PEM');
  await machine.boot();
  assert.match(
    machine.read('/run/sluice/haproxy/haproxy.cfg'),
    /bind :443 ssl crt \/etc\/sluice\/tls\/entry\.pem alpn http\/1\.1$/m,
  );
});

test('RTMP in TLS ends at the HAProxy of the machine, where TLS of the entry does', async (t) => {
  const machine = new BootMachine(t);
  const file = '/run/sluice/haproxy/haproxy.cfg';
  machine.write('/etc/sluice/tls/entry.pem', 'PEM');
  machine.write('/etc/sluice/sluice.yaml', `${masterYaml}ingress: { rtmps_port: 1936 }\n`);
  machine.plan({ cloud: 'none', role: 'master', entry: {} });
  await machine.boot();
  assert.match(machine.read(file), /bind :1936 ssl crt \/etc\/sluice\/tls\/entry\.pem$/m);
  assert.match(machine.read(file), /server node 127\.0\.0\.1:7935 send-proxy-v2$/m);
  // A load balancer has ended it: one that says who the client is comes to the same port.
  const balancer = { tls: false, port: 7443, proxy_protocol: true };
  machine.plan({ cloud: 'none', role: 'master', entry: balancer });
  await machine.boot();
  assert.match(machine.read(file), /bind :1936 accept-proxy$/m);
  // One that leaves the client's address as it is passes it to ingress.rtmp_port.
  machine.plan({ cloud: 'none', role: 'master', entry: { tls: false, port: 7443 } });
  await machine.boot();
  assert.doesNotMatch(machine.read(file), /1936/);
});

test('the node may write where its recordings go, and a folder that no unit can name is refused', async (t) => {
  const machine = new BootMachine(t);
  const file = '/run/systemd/system/sluice-node.service.d/recordings.conf';
  machine.plan({ cloud: 'none', role: 'master' });
  const yaml = (folder: string) => `${masterYaml}egress: { local_directory: '${folder}' }\n`;
  machine.write('/etc/sluice/sluice.yaml', yaml('/srv/recordings'));
  await machine.boot();
  assert.equal(machine.read(file), '[Service]\nReadWritePaths=-/srv/recordings\n');
  assert.ok(machine.ran.includes('systemctl daemon-reload'));
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  await machine.boot();
  assert.throws(() => machine.read(file), { code: 'ENOENT' });
  for (const folder of ['recordings', '/srv/a folder']) {
    machine.write('/etc/sluice/sluice.yaml', yaml(folder));
    await assert.rejects(machine.boot(), /egress\.local_directory is .* without blanks/);
  }
});

test('a Media Node has no entry', async (t) => {
  const machine = new BootMachine(t);
  machine.write('/etc/sluice/sluice.yaml', CLUSTER.replace('ROLE', 'media'));
  machine.plan({ cloud: 'none', role: 'media', entry: { tls: false } });
  await assert.rejects(machine.boot(), /clients enter at Master Nodes: take "entry" out of it/);
});

test('a master has slots for TURN servers where its cluster has TURN/TLS, and the node may fill them', async (t) => {
  const machine = new BootMachine(t);
  const file = '/run/sluice/haproxy/haproxy.cfg';
  machine.plan({ cloud: 'none', role: 'master', entry: { tls: false, port: 7443 } });
  machine.write('/etc/sluice/sluice.yaml', masterYaml);
  await machine.boot();
  assert.doesNotMatch(machine.read(file), /backend turn/);
  const turn =
    'turn: { enabled: true, tls_port: 443, external_tls: true, domain: a.example.com }\n';
  machine.write('/etc/sluice/sluice.yaml', masterYaml + turn);
  await machine.boot();
  assert.match(machine.read(file), /server-template slot 1-64 /);
  assert.match(machine.read(file), /stats socket \/run\/sluice\/haproxy\/admin\.sock mode 660 /);
  assert.equal(machine.mode(file), 0o400);
  // Who is of its group gets past it, to the socket.
  assert.equal(machine.mode('/run/sluice/haproxy'), 0o710);
});
