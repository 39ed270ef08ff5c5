import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stateFolder, unitCommand } from './support/unit-command';

const unit = (name: string): string =>
  readFileSync(join(__dirname, `../../node-image/image/systemd/sluice-${name}.service`), 'utf8');

test('a service is started with the user, the rights and the limits of its unit', () => {
  assert.deepEqual(unitCommand(unit('node')), [
    [
      ...['prlimit', '--nofile=1048576:1048576', 'setpriv', '--reuid=sluice', '--regid=sluice'],
      ...['--groups=sluice-entry', '--inh-caps=-all,+net_bind_service'],
      ...['--ambient-caps=-all,+net_bind_service', '--bounding-set=-all,+net_bind_service'],
      ...['--no-new-privs', '/opt/sluice/bin/sluice', 'serve'],
      ...['--config', '/etc/sluice/sluice.yaml'],
    ],
  ]);
  const [here = []] = unitCommand(unit('node'), 'ExecStart', 20_000);
  assert.equal(here[1], '--nofile=20000:20000', 'no more open files than may be had here');
  assert.deepEqual(stateFolder(unit('node')), {
    path: '/var/lib/sluice/node',
    owner: 'sluice:sluice',
  });
});

test('a service without rights has none', () => {
  const [command = []] = unitCommand(unit('redis'));
  assert.ok(command.includes('--ambient-caps=-all'));
  assert.ok(command.includes('--bounding-set=-all'));
  assert.ok(command.includes('--clear-groups'));
});
