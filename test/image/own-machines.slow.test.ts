import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Call } from '../cluster/support/calls';
import { allBlocks } from '../docs/support/pages';
import type { CallClient } from '../support/call-client';
import type { RustClients } from '../support/call-client-rust';
import { joinToken } from '../support/tokens';
import { until } from '../support/wait';
import { installedBase } from './support/installed-root';
import {
  ADMIN,
  callGoesOn,
  clientsNear,
  done,
  isUntouched,
  refused,
  signerOf,
} from './support/own-cluster';
import { type OwnMachine, OwnNetwork } from './support/own-network';

/** What docs/own-machines.md has people type, but for the installation. */
const DOCUMENTED = allBlocks()
  .filter(
    ({ page, notRun }) =>
      page === 'docs/own-machines.md' && /own-machines\.slow/.test(notRun ?? ''),
  )
  .flatMap(({ text }) => text.trim().split('\n'));
/** A cluster that grows and shrinks by what an administrator types, with a call on it all the time. */
describe('own machines', { concurrency: 1 }, () => {
  let network: OwnNetwork;
  let master: OwnMachine;
  let media1: OwnMachine;
  let media2: OwnMachine;
  let clients: RustClients | undefined;
  let folder = '';
  let joinCommand = '';
  let call: Call = { room: 'demo', members: [] };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-own-'));
    network = new OwnNetwork(installedBase());
    master = await network.boot('master-1');
    media1 = await network.boot('media-1');
    media2 = await network.boot('media-2');
  });
  after(async () => {
    await clients?.close();
    await network?.cutPower();
    rmSync(folder, { recursive: true, force: true });
  });

  const typed = new Set<string>();
  /** Runs a command of the page, with what is different each time in its place. */
  const asDocumented = (
    machine: OwnMachine,
    command: string,
    values: Readonly<Record<string, string>> = {},
  ): string => {
    assert.ok(DOCUMENTED.includes(command), command);
    typed.add(command);
    const filled = command.replace(/\b[A-Z]{2,}\b/g, (name) => values[name] ?? name);
    if (machine !== master || /^sluice (?:init|join|leave)/.test(command)) {
      return done(machine, filled);
    }
    assert.ok(DOCUMENTED.includes(ADMIN));
    typed.add(ADMIN);
    return done(machine, `${ADMIN}; ${filled}`);
  };
  /** `media-1 serving`, one for each node. */
  const nodes = (): string[] => {
    const { nodes: all } = JSON.parse(done(master, `${ADMIN}; sluice nodes --json`));
    return all
      .map((node: { state: string; record: { machineId: string } }) =>
        [node.record.machineId, node.state].join(' '),
      )
      .sort();
  };
  const roomIsOn = (machine: string) =>
    until(`the Room to be on ${machine}`, () =>
      done(master, `${ADMIN}; sluice rooms --node ${machine}`).includes('demo'),
    );
  test('init makes a Master Node, and says what to type on the others', () => {
    const taken = master.sh(
      `perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1); bind(S,sockaddr_in(443,INADDR_ANY)); listen(S,1); system("sluice init --self-signed")'`,
    );
    assert.match(taken.output, /^Port 443\/tcp \(the entry of clients\) cannot be listened on/);
    isUntouched(master);

    const output = asDocumented(master, 'sluice init --self-signed --domain 10.0.0.5');
    assert.match(output, /^Clients connect to {3}https:\/\/10\.0\.0\.5 /m);
    [joinCommand = ''] = /sluice join --master \S+ --token \S+/.exec(output) ?? [];
    assert.notEqual(joinCommand, '');
    assert.deepEqual(nodes(), ['master-1 serving']);
    assert.equal(
      done(master, 'stat -c "%U %a" /etc/sluice/secrets/cluster /etc/sluice/secrets/api_key'),
      'sluice 400\nsluice 400\n',
    );
    assert.equal(done(master, 'stat -c "%U %a" /etc/sluice/admin.env'), 'root 600\n');
  });

  test('init again keeps the secrets, and the node that runs', () => {
    const state =
      'sha256sum /etc/sluice/secrets/* /etc/sluice/tls/entry.pem; systemctl show -p MainPID sluice-node';
    const before = done(master, state);
    done(master, `sluice init --self-signed --domain ${master.address}`);
    assert.equal(done(master, state), before);
    refused(
      master,
      'sluice init --self-signed --cluster other',
      /Master Node of the cluster sluice already/,
    );
  });

  test('join makes a Media Node, and a token does so once', async () => {
    const [, TOKEN = ''] = /--token (\S+)/.exec(joinCommand) ?? [];
    const documented = 'sluice join --master 10.0.0.5 --token TOKEN';
    assert.equal(documented.replace('TOKEN', TOKEN), joinCommand);
    const joined = asDocumented(media1, documented, { TOKEN });
    assert.match(joined, /^join: media-1 serves$/m);
    assert.deepEqual(nodes(), ['master-1 serving', 'media-1 serving']);
    refused(media2, joinCommand, /^This token was used by media-1, and is good for one machine/);
    isUntouched(media2);
    // Run again where it has worked, it changes nothing.
    assert.match(done(media1, joinCommand), /media-1 of the cluster sluice already/);
  });

  test('what is wrong is said in one sentence, and leaves nothing', () => {
    const token =
      done(master, `${ADMIN}; sluice token create --valid-for 10s`).split('\n')[0] ?? '';
    const join = (to: string, given: string): string =>
      `sluice join --master ${to} --token ${given}`;
    refused(media2, join('10.0.0.99', token), /^No Master Node answers at https:\/\/10\.0\.0\.99/);
    refused(media2, join('10.0.0.5', token.slice(0, -3)), /^This is no whole join token/);
    const wrong = token.replace(/\.[^.]{43}\./, `.${'x'.repeat(43)}.`);
    refused(media2, join('10.0.0.5', wrong), /^The cluster has no such token/);
    refused(
      media2,
      `setpriv --reuid=nobody --clear-groups ${join('10.0.0.5', token)}`,
      /^This needs root/,
    );
    refused(
      media1,
      'sluice init --self-signed',
      /^This machine is a Media Node of the cluster sluice/,
    );
    done(media2, 'sleep 11');
    refused(media2, join('10.0.0.5', token), /^This token has expired/);
    isUntouched(media2);
  });

  test('a call runs while a Media Node is added, and one is removed under it', async () => {
    clients = await clientsNear(master, { master, folder });
    const signer = signerOf(master);
    const members: CallClient[] = [];
    for (const identity of ['ada', 'bob']) {
      const token = await joinToken(signer, 'demo', identity);
      members.push(await clients.join(identity, `wss://${master.address}`, token));
    }
    call = { ...call, members };
    await callGoesOn(call);
    await roomIsOn('media-1');

    // By a file, as others see what is typed.
    done(master, `${ADMIN}; sluice token create > /root/token 2>/dev/null`);
    const token = done(master, 'cat /root/token').trim();
    done(media2, `printf '${token}' | sluice join --master ${master.address} --token-file -`);
    assert.deepEqual(nodes(), ['master-1 serving', 'media-1 serving', 'media-2 serving']);

    const removed = asDocumented(master, 'sluice remove media-1 --patience 0 --deadline 2m');
    assert.match(removed, /Nothing is lost/);
    await roomIsOn('media-2');
    await callGoesOn(call);
    asDocumented(media1, 'sluice leave');
    isUntouched(media1);
    assert.deepEqual(nodes(), ['master-1 serving', 'media-2 serving']);
  });

  test('a machine that has left comes back, one that is drained is empty', async () => {
    const token = asDocumented(master, 'sluice token create').split('\n')[0] ?? '';
    done(media1, `SLUICE_TOKEN=${token} sluice join --master ${master.address}`);
    const drained = asDocumented(master, 'sluice drain media-2 --patience 0 --deadline 2m --wait');
    assert.match(drained, / is empty, 1 Room was moved\.$/m);
    await roomIsOn('media-1');
    await callGoesOn(call);
    assert.deepEqual(nodes(), ['master-1 serving', 'media-1 serving', 'media-2 drained']);
  });

  test('one that is gone is removed by force', async () => {
    await media2.container.cutPower();
    assert.ok(DOCUMENTED.includes('sluice remove media-2 --force'));
    typed.add('sluice remove media-2 --force');
    const { status, output } = master.sh(`${ADMIN}; sluice remove media-2 --force`);
    // The cluster may find out by itself first.
    assert.match(output, status === 0 ? /Nothing is lost/ : /^No node has the id or the machine/);
    await until('its record to be gone', () => nodes().length === 2, {
      timeoutMs: 20_000,
      explain: () => nodes().join(),
    });
    assert.deepEqual(nodes(), ['master-1 serving', 'media-1 serving']);
    await callGoesOn(call);
  });

  test('tokens are listed, and revoked before anybody has used them', () => {
    asDocumented(master, 'sluice token create --valid-for 10m');
    const [, ID = ''] =
      /(\w{12}) +│? *\|? *open/.exec(asDocumented(master, 'sluice token list')) ?? [];
    assert.match(asDocumented(master, 'sluice token revoke ID', { ID }), /is revoked\./);
    assert.match(asDocumented(master, 'sluice nodes'), /media-1/);
    assert.match(done(master, `${ADMIN}; sluice audit`), /media-1 \(10\.0\.0\.6\) joins by token/);
  });

  test('no secret is in an argument, in the journal or open to others', () => {
    const secrets = done(master, 'cat /etc/sluice/secrets/cluster').trim();
    for (const { sh, container } of [master, media1]) {
      assert.ok(!sh('cat /proc/[0-9]*/cmdline').output.includes(secrets));
      assert.ok(!container.journal().includes(secrets));
      assert.match(
        sh('setpriv --reuid=nobody --clear-groups cat /etc/sluice/secrets/cluster').output,
        /Permission denied/,
      );
    }
  });

  test('another certificate is taken over while the call goes on', async () => {
    const make =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=meet.example.com -addext subjectAltName=DNS:meet.example.com';
    done(
      master,
      `openssl ${make} -keyout /etc/ssl/meet-key.pem -out /etc/ssl/meet.pem 2>/dev/null`,
    );
    done(master, 'cat /etc/ssl/meet-key.pem >> /etc/ssl/meet.pem');
    asDocumented(master, 'sluice init --domain meet.example.com --certificate /etc/ssl/meet.pem');
    await until('the new certificate', () =>
      master
        .sh('curl -svk https://127.0.0.1/ 2>&1 | grep subject:')
        .output.includes('CN=meet.example.com'),
    );
    await callGoesOn(call);
    asDocumented(
      master,
      'sluice init --domain meet.example.com --agree-terms --email ops@example.com',
    );
    const plan = JSON.parse(done(master, 'cat /etc/sluice/boot.json'));
    assert.deepEqual(plan.entry.lets_encrypt, {
      domain: 'meet.example.com',
      terms_agreed: true,
      email: 'ops@example.com',
    });
  });

  test('every command of the page was typed', () => {
    assert.deepEqual([...typed].sort(), [...new Set(DOCUMENTED)].sort());
  });
});
