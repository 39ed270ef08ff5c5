import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { standInCertificate } from '../../node-image/certificates/stand-in';
import { Pebble } from '../support/pebble';

import { until, within } from '../support/wait';
import { askPlain, DOMAIN, EntryMachine, echo, freeProofPort, toThisMachine } from './entry-world';

/** Long enough for what is done before it is renewed, also where the machine is busy. */
const SHORT_LIFE_SECONDS = 24;

const isGiven = (machine: EntryMachine) =>
  until('the certificate', () => machine.status?.state === 'given', {
    timeoutMs: 30_000,
    explain: () => `${JSON.stringify(machine.status)}\n${machine.log.lines.join('\n')}`,
  });
const hasReason = (machine: EntryMachine, text: RegExp) =>
  until(
    `the reason ${text}`,
    () => machine.status?.state === 'none' && text.test(machine.status.reason),
    { timeoutMs: 30_000, explain: () => JSON.stringify(machine.status) },
  );

describe('the certificate of an entry, from a real authority', { concurrency: 1 }, () => {
  let proofPort = 0;
  let pebble: Pebble;
  before(async () => {
    proofPort = await freeProofPort();
    pebble = await Pebble.start({ httpPort: proofPort, blocked: ['blocked.example.com'] });
    pebble.trust();
  });
  after(() => pebble.close());

  it('takes the place of the one that stood in, and is kept over a restart', async (t) => {
    const { directoryUrl } = pebble;
    const machine = await EntryMachine.boot(t, { directoryUrl, proofPort });
    assert.match((await machine.served()).subject, /no certificate yet/);
    await machine.startKeeper();
    await isGiven(machine);
    const socket = await machine.connect(await pebble.root());
    assert.ok(socket.authorized, 'clients trust it, by name and chain');
    socket.destroy();
    const first = (await machine.served()).fingerprint;
    assert.equal(machine.mode(machine.stateFile), 0o600);
    assert.equal(machine.mode(machine.certificateFile), 0o640);

    assert.match(await askPlain(proofPort, '/rtc'), /^HTTP\/1\.1 308 [\s\S]*location: https:/i);
    for (const path of ['', 'nothing', '../../etc/passwd', 'a'.repeat(300), '%2e%2e']) {
      const answer = await askPlain(proofPort, `/.well-known/acme-challenge/${path}`);
      assert.match(answer, /^HTTP\/1\.1 404 /, path);
    }

    const { validations } = pebble;
    await machine.stopKeeper();
    await machine.haproxy.stop();
    await machine.startHaproxy();
    assert.equal((await machine.served()).fingerprint, first, 'HAProxy has it from the file');
    machine.status = undefined;
    await machine.startKeeper();
    await isGiven(machine);
    assert.equal((await machine.served()).fingerprint, first);
    assert.equal(pebble.validations, validations, 'nothing was ordered again');
  });

  it('comes back where the file and HAProxy have lost it, and is not ordered again', async (t) => {
    const { directoryUrl } = pebble;
    const machine = await EntryMachine.boot(t, { directoryUrl, proofPort });
    await machine.startKeeper();
    await isGiven(machine);
    const given = (await machine.served()).fingerprint;
    await machine.stopKeeper();
    await machine.haproxy.stop();
    writeFileSync(machine.certificateFile, await standInCertificate(DOMAIN));
    await machine.startHaproxy();
    assert.notEqual((await machine.served()).fingerprint, given);
    const { validations } = pebble;
    await machine.startKeeper();
    await until('it to be back', async () => (await machine.served()).fingerprint === given);
    assert.equal(pebble.validations, validations);
  });

  it('is not ordered where the name does not lead here, and is as soon as it does', async (t) => {
    const clock = { aheadMs: 0 };
    let isKnown = false;
    const machine = await EntryMachine.boot(t, {
      directoryUrl: pebble.directoryUrl,
      domain: 'new.example.com',
      proofPort,
      clock,
      lookup: (_name, options, done) => {
        const error = Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
        if (!isKnown) done(error, '', 4);
        else if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
        else done(null, '127.0.0.1', 4);
      },
    });
    await pebble.forget('new.example.com');
    const { validations } = pebble;
    await machine.startKeeper();
    await hasReason(
      machine,
      /^The name new\.example\.com does not resolve \(ENOTFOUND\): make an A/,
    );
    assert.equal(pebble.validations, validations, 'the authority is not asked in vain');

    // After a while it is, as it may be just this machine that does not find the name.
    clock.aheadMs += 3 * 60_000;
    await hasReason(machine, /^No certificate \(\w+\) for new\.example\.com .*could not resolve/);
    assert.ok(pebble.validations > validations);

    await pebble.remember('new.example.com');
    isKnown = true;
    clock.aheadMs += 2 * 60_000;
    await isGiven(machine);
    assert.equal((await machine.served()).checkHost('new.example.com'), 'new.example.com');
  });

  it('is refused with what to do where port 80 is closed, or another server answers there', async (t) => {
    const closed = await freeProofPort();
    const elsewhere = createServer((_request, response) => void response.writeHead(404).end('no'));
    t.after(() => elsewhere.close());
    const authority = await Pebble.start({ httpPort: closed });
    t.after(() => authority.close());
    authority.trust();
    const clock = { aheadMs: 0 };
    const machine = await EntryMachine.boot(t, {
      directoryUrl: authority.directoryUrl,
      proofPort: closed,
      plainPort: proofPort,
      clock,
    });
    await machine.startKeeper();
    await hasReason(
      machine,
      /^Port 80 of meet\.example\.com does not answer \(ECONNREFUSED\): open TCP 80/,
    );
    clock.aheadMs += 3 * 60_000;
    await hasReason(machine, /it does not reach port 80 of meet\.example\.com .*Open TCP 80/);

    elsewhere.listen(closed, '127.0.0.1');
    await once(elsewhere, 'listening');
    clock.aheadMs += 5 * 60_000;
    await hasReason(
      machine,
      /another server than this one answers on port 80 .*Seen from this machine: Another server/,
    );
    const { validations } = authority;
    clock.aheadMs += 60_000;
    machine.status = undefined;
    await until('another look', () => machine.status !== undefined);
    assert.equal(authority.validations, validations, 'it waits longer each time');
  });

  it('is refused for a name that the authority takes no orders for', async (t) => {
    const { directoryUrl } = pebble;
    const domain = 'blocked.example.com';
    const machine = await EntryMachine.boot(t, { directoryUrl, proofPort, domain });
    await machine.startKeeper();
    await hasReason(machine, /takes no orders for that name .*Give entry\.lets_encrypt\.domain/);
  });

  it('is not asked for before the time that the authority names', async (t) => {
    let asked = 0;
    const limited = createServer((_request, response) => {
      asked += 1;
      response.writeHead(429, {
        'content-type': 'application/problem+json',
        'retry-after': '7200',
      });
      response.end(
        '{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates"}',
      );
    });
    limited.listen(0, '127.0.0.1');
    await once(limited, 'listening');
    t.after(() => limited.close());
    const clock = { aheadMs: 0 };
    const directoryUrl = `http://127.0.0.1:${(limited.address() as AddressInfo).port}/dir`;
    const machine = await EntryMachine.boot(t, { directoryUrl, proofPort, clock });
    await machine.startKeeper();
    await hasReason(
      machine,
      /too many were asked for lately \(too many certificates\)\. It is asked again after \d{4}/,
    );
    const [askedBefore, statusBefore] = [asked, machine.status];
    clock.aheadMs += 3_600_000;
    await until('further looks', () => machine.status !== statusBefore);
    assert.equal(asked, askedBefore);
    clock.aheadMs += 3_700_000;
    await until('the next order', () => asked > askedBefore);
  });

  it('says that the clock is wrong, or the authority is not there', async (t) => {
    const gone = `https://127.0.0.1:${await freeProofPort()}/dir`;
    const machine = await EntryMachine.boot(t, { directoryUrl: gone, proofPort });
    await machine.startKeeper();
    await hasReason(machine, /cannot be asked at https:\/\/127\.0\.0\.1:\d+\/dir \(ECONNREFUSED\)/);
  });
});

describe('a certificate that comes of age', () => {
  it('is renewed at two thirds of its life, and who is connected stays', async (t) => {
    const proofPort = await freeProofPort();
    const pebble = await Pebble.start({ httpPort: proofPort, validitySeconds: SHORT_LIFE_SECONDS });
    t.after(() => pebble.close());
    pebble.trust();
    const machine = await EntryMachine.boot(t, { directoryUrl: pebble.directoryUrl, proofPort });
    await machine.startKeeper();
    await isGiven(machine);
    const first = await machine.served();
    const socket = new WebSocket(`wss://${DOMAIN}:${machine.haproxy.port}/rtc`, {
      agent: new Agent({ lookup: toThisMachine, ca: await pebble.root() }),
    });
    t.after(() => socket.terminate());
    await within('the WebSocket', once(socket, 'open'));
    const given = Date.parse(first.validFrom);
    await until(
      'another certificate',
      async () => (await machine.served()).fingerprint !== first.fingerprint,
      { timeoutMs: 60_000, intervalMs: 200, explain: () => machine.log.lines.join('\n') },
    );
    const second = await machine.served();
    const age = (Date.parse(second.validFrom) - given) / 1000;
    assert.ok(age >= (SHORT_LIFE_SECONDS * 2) / 3 - 1, `renewed after ${age} s`);
    assert.equal(await within('an answer', echo(socket, 'still here')), 'still here');
    const late = await machine.connect(await pebble.root());
    assert.ok(late.authorized);
    late.destroy();
  });
});
