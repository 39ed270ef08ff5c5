/**
 * The recipe of the image on the systems that the other tests do not install it on, worker and all:
 * booted, and a call through the node that comes out of it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Call, untilFlowing } from '../cluster/support/calls';
import { RustClients } from '../support/call-client-rust';
import { joinToken } from '../support/tokens';
import { until } from '../support/wait';
import { Container } from './support/container';
import { DebianRoot, debianBase, type RanInRoot } from './support/debian-root';
import { configureSingleNode, SIGNER } from './support/single-node';
import { ubuntuBase } from './support/ubuntu-root';

const SYSTEMS: Readonly<Record<string, () => string>> = {
  'Ubuntu 24.04': ubuntuBase,
  'Debian 13': () => debianBase(process.arch, '13'),
};
const ADDRESS = '10.0.0.5';
const SERVING_WITHIN_MS = 20_000;
const UNITS = '/usr/local/lib/systemd/system';

for (const [name, base] of Object.entries(SYSTEMS)) {
  describe(`${name}, onto which a node is installed`, { concurrency: 1 }, () => {
    let root: DebianRoot;
    let machine: Container | undefined;
    let clients: RustClients | undefined;
    const install = (): RanInRoot => root.run(['/src/node-image/image/install.sh', '--image']);

    before(() => {
      root = new DebianRoot(base());
      root.addSources();
    });
    after(async () => {
      await clients?.close();
      await machine?.close();
      root?.remove();
    });

    test('install.sh fetches all it needs, builds the worker, and leaves no compiler', () => {
      const { status, output } = install();
      assert.equal(status, 0, output);
      assert.match(output, /mediasoup's worker \S+ is built/);
      const { version } = JSON.parse(readFileSync(join(root.path, 'src/package.json'), 'utf8'));
      assert.equal(root.run(['/opt/sluice/bin/sluice', '--version']).output, `${version}\n`);
      for (const name of ['gcc', 'npm']) {
        assert.notEqual(root.run(['sh', '-c', `command -v ${name}`]).status, 0, name);
      }
    });

    test('installed again, it is as it was', () => {
      const { status, output } = install();
      assert.equal(status, 0, output);
      assert.match(output, /was here already/);
    });

    test('its systemd understands the units', () => {
      const verify = `systemd-analyze verify ${UNITS}/sluice*.service ${UNITS}/sluice.target`;
      const { status, output } = root.run(['sh', '-c', verify]);
      assert.equal(status, 0, output);
      assert.equal(output, '');
    });

    test('it boots, and two who call each other through it see and hear each other', async () => {
      const certificate = configureSingleNode(root, { address: ADDRESS });
      machine = await Container.boot(root.path);
      // Clients leave the loopback interface out.
      for (const command of [
        'link add eth0 type veth peer name eth1',
        'link set eth1 up',
        `addr add ${ADDRESS}/24 dev eth0`,
        'link set eth0 up',
      ]) {
        const { status, output } = machine.run('ip', ...command.split(' '));
        assert.equal(status, 0, output);
      }
      const answer = (): string | undefined =>
        machine?.run('curl', '-skf', '-m', '2', 'https://127.0.0.1/').output;
      await until('the node to answer through its entry', () => answer() === 'OK', {
        timeoutMs: SERVING_WITHIN_MS,
        intervalMs: 200,
        explain: () => machine?.journal() ?? '',
      });
      for (const name of ['boot', 'node', 'haproxy']) {
        assert.equal(machine.state(`sluice-${name}.service`), 'active', name);
      }

      const nearby = ['nsenter', '-t', `${machine.pid}`, '-n', '--'];
      clients = await RustClients.start({ SSL_CERT_FILE: certificate }, nearby);
      const members = [];
      for (const identity of ['ada', 'bob']) {
        const token = await joinToken(SIGNER, 'demo', identity);
        members.push(await clients.join(identity, 'wss://localhost', token));
      }
      const call: Call = { room: 'demo', members };
      await untilFlowing(call);
    });
  });
}
