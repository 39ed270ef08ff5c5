import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AcmeProblem,
  AcmeUnreachableError,
  acmeProblem,
  retryAfterMs,
} from '../../node-image/certificates/acme-problem';
import { nextAttemptMs } from '../../node-image/certificates/attempt-pace';
import { emptyState, mergeStates } from '../../node-image/certificates/certificate-state';
import { readEntryCertificate } from '../../node-image/certificates/entry-certificate';
import { failureText } from '../../node-image/certificates/order-failure';
import { SealedStateError, StateSealer } from '../../node-image/certificates/sealed-state';
import { certificateSettings, LETS_ENCRYPT_URL } from '../../node-image/certificates/settings';
import { standInCertificate } from '../../node-image/certificates/stand-in';

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

describe('the pace of orders', () => {
  const next = (given: { failures?: number[]; isReached?: boolean; notBeforeMs?: number }) =>
    (nextAttemptMs({ nowMs: NOW, sinceMs: NOW, failures: [], isReached: true, ...given }) - NOW) /
    MINUTE;

  it('begins at once where the machine reaches itself by its name, and a little later else', () => {
    assert.equal(next({}), 0);
    assert.equal(next({ isReached: false }), 2.5);
  });

  it('waits twice as long after each failure', () => {
    assert.equal(next({ failures: [NOW] }), 1);
    assert.equal(next({ failures: [NOW - MINUTE, NOW] }), 2);
    assert.equal(next({ failures: [NOW], isReached: false }), 2.5);
  });

  it('never has more than four failures within an hour', () => {
    for (const isReached of [true, false]) {
      const failures: number[] = [];
      let nowMs = NOW;
      while (nowMs < NOW + 10 * 60 * MINUTE) {
        nowMs = Math.max(nowMs, nextAttemptMs({ nowMs, sinceMs: NOW, failures, isReached }));
        failures.push(nowMs);
      }
      assert.ok(failures.length > 30, 'it goes on trying');
      for (const [i, atMs] of failures.entries()) {
        const fifth = failures[i + 4];
        assert.ok(fifth === undefined || fifth - atMs >= 60 * MINUTE, `${i}`);
      }
    }
  });

  it('heeds what the authority says, and forgets failures of a clock that was ahead', () => {
    assert.equal(next({ notBeforeMs: NOW + 90 * MINUTE }), 90);
    assert.equal(next({ failures: [NOW + 500 * MINUTE] }), 0);
  });
});

describe('what is said of a failed order', () => {
  const settings = certificateSettings.parse({ domain: 'meet.example.com', terms_agreed: true });
  const said = (kind: string): string => failureText(new AcmeProblem(kind, 'DETAIL'), settings);

  const TEXTS: Readonly<Record<string, RegExp>> = {
    dns: /does not resolve there \(DETAIL\)\. Make an A record of meet\.example\.com/,
    connection: /does not reach port 80 .*\(DETAIL\)\. Open TCP 80/,
    unauthorized: /another server than this one answers .*Point the name to this machine alone/,
    caa: /CAA record forbids it \(DETAIL\)\. Add one such as 0 issue "letsencrypt\.org"/,
    rateLimited: /too many were asked for lately \(DETAIL\)\. It is asked again in an hour/,
    invalidContact: /does not take no address as a contact .*Correct entry\.lets_encrypt\.email/,
    rejectedIdentifier: /takes no orders for that name .*Give entry\.lets_encrypt\.domain/,
    userActionRequired: /new terms of service .*start sluice-certificates again/,
    externalAccountRequired: /wants an account made beforehand/,
    serverInternal: /DETAIL\. It is tried again/,
  };
  for (const [kind, text] of Object.entries(TEXTS)) {
    it(`says what to do about ${kind}`, () => {
      assert.match(said(kind), text);
      const head = `No certificate (${kind}) for meet.example.com from Let's Encrypt: `;
      assert.ok(said(kind).startsWith(head), said(kind));
    });
  }

  it('tells a wrong clock, an unknown authority and a closed way out apart', () => {
    const unreached = (code: string): string =>
      failureText(new AcmeUnreachableError(LETS_ENCRYPT_URL, code), settings);
    assert.match(unreached('CERT_NOT_YET_VALID'), /The clock of this machine says .*set the clock/);
    assert.match(unreached('SELF_SIGNED_CERT_IN_CHAIN'), /not trusted here .*NODE_EXTRA_CA_CERTS/);
    assert.match(unreached('ETIMEDOUT'), /cannot be asked .*\(ETIMEDOUT\): see that this machine/);
  });

  it('reads problems as authorities write them, and Retry-After in both its forms', () => {
    const type = 'urn:ietf:params:acme:error:rateLimited';
    const problem = acmeProblem({ type, detail: 'too\nmany' }, NOW);
    assert.deepEqual([problem.kind, problem.detail], ['rateLimited', 'too many']);
    assert.equal(acmeProblem('nonsense').kind, '');
    assert.equal(retryAfterMs('120', NOW), NOW + 2 * MINUTE);
    assert.equal(retryAfterMs(new Date(NOW + MINUTE).toUTCString(), NOW), NOW + MINUTE);
    assert.equal(retryAfterMs('soon', NOW), undefined);
  });
});

describe('the certificate that stands in', () => {
  it('is for the name or the address, with its key', async () => {
    const name = readEntryCertificate(await standInCertificate('meet.example.com'));
    assert.deepEqual(
      [name?.isSelfSigned, name?.covers('meet.example.com'), name?.covers('example.com')],
      [true, true, false],
    );
    const address = readEntryCertificate(await standInCertificate('2001:db8::7'));
    assert.equal(address?.covers('2001:db8::7'), true);
  });

  it('is none without its key, or with that of another', async () => {
    const [one, other] = [await standInCertificate('a.test'), await standInCertificate('a.test')];
    const certificate = one.slice(0, one.indexOf('-----BEGIN PRIVATE'));
    assert.equal(readEntryCertificate(certificate), undefined);
    const key = other.slice(other.indexOf('-----BEGIN PRIVATE'));
    assert.equal(readEntryCertificate(certificate + key), undefined);
  });
});

describe('what machines share of it', () => {
  const state = { ...emptyState('https://ca.example.com/dir'), accountKey: 'ACCOUNT-KEY' };

  it('is not to be read without the secret of the cluster, nor changed', () => {
    const sealer = new StateSealer('s'.repeat(40));
    const text = sealer.seal(state);
    assert.deepEqual(sealer.open(text), state);
    assert.doesNotMatch(Buffer.from(text, 'base64').toString('latin1'), /ACCOUNT-KEY/);
    assert.throws(() => new StateSealer('t'.repeat(40)).open(text), SealedStateError);
    const bytes = Buffer.from(text, 'base64');
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    assert.throws(() => sealer.open(bytes.toString('base64')), SealedStateError);
    assert.throws(() => sealer.open(''), SealedStateError);
  });

  it('is what either knows, and nothing of another authority', () => {
    const { accountKey: _, ...lost } = state;
    assert.equal(mergeStates(lost, state).accountKey, 'ACCOUNT-KEY');
    const other = emptyState('https://other.example.com/dir');
    assert.equal(mergeStates(other, state).accountKey, undefined);
  });
});
