/** What tests of clusters on own machines share: they type what an administrator does, under a call. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertNoneDropped, type Call, untilFlowing } from '../../cluster/support/calls';
import { RustClients } from '../../support/call-client-rust';
import type { Signer } from '../../support/tokens';
import type { OwnMachine } from './own-network';

/** Says to `sluice` who asks. */
export const ADMIN = '. /etc/sluice/admin.env';
const OWN_FILES =
  '/etc/sluice/boot.json /etc/sluice/sluice.yaml /etc/sluice/cluster.json /etc/sluice/secrets/cluster';

/** Runs a command that succeeds, and answers what it printed. */
export function done(machine: OwnMachine, command: string): string {
  const { status, output } = machine.sh(command);
  assert.equal(status, 0, `${command}\n${output}\n${machine.container.journal()}`);
  return output;
}

/** Runs a command that fails with this one line. */
export function refused(machine: OwnMachine, command: string, sentence: RegExp): void {
  const { status, output } = machine.sh(command);
  assert.equal(status, 1, output);
  assert.match(output.trim(), sentence);
  assert.equal(output.trim().split('\n').length, 1, output);
}

/** Nothing of a cluster is on it. */
export function isUntouched({ sh }: OwnMachine): void {
  assert.match(sh(`ls ${OWN_FILES} 2>/dev/null`).output, /^$/);
}

/** The API key that `sluice init` has made. */
export function signerOf(master: OwnMachine): Signer {
  const variables = done(master, 'cat /etc/sluice/admin.env');
  const [, apiKey = ''] = /LIVEKIT_API_KEY='(.*)'/.exec(variables) ?? [];
  const [, apiSecret = ''] = /LIVEKIT_API_SECRET='(.*)'/.exec(variables) ?? [];
  return { apiKey, apiSecret };
}

/**
 * Clients in the network of a machine that trust a Master Node's certificate.
 *
 * @param folder - where the certificate is put
 * @param hosts - what they have as /etc/hosts. @default - that of this machine
 */
export function clientsNear(
  { container }: OwnMachine,
  { master, folder, hosts }: { master: OwnMachine; folder: string; hosts?: string },
): Promise<RustClients> {
  const trusted = join(folder, 'entry.pem');
  writeFileSync(trusted, done(master, "sed '/PRIVATE/,$d' /etc/sluice/tls/entry.pem"));
  const nearby = ['nsenter', '-t', `${container.pid}`, '-n', '--'];
  if (hosts !== undefined) {
    const file = join(folder, 'hosts');
    writeFileSync(file, hosts);
    const mounted = `mount --bind ${file} /etc/hosts && exec "$@"`;
    nearby.push('unshare', '-m', 'sh', '-c', mounted, 'sh');
  }
  return RustClients.start({ SSL_CERT_FILE: trusted }, nearby);
}

/** Each of the two sees and hears the other from now on, and neither had to call again. */
export async function callGoesOn(call: Call): Promise<void> {
  await untilFlowing(call, Date.now(), 30_000);
  await assertNoneDropped([call]);
}
