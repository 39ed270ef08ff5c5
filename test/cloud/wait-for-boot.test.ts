import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BootOutcome, waitForBoot } from '../../node-image/lifecycle/wait-for-boot';
import { quiet } from '../cluster/core-support';
import { FakeAws } from '../support/aws/fake-aws';
import { FakeMetadata } from '../support/aws/fake-metadata';
import { FakeScalingGroup } from '../support/aws/fake-scaling-group';
import { until } from '../support/wait';

const REASON = 'There is no secret for cluster (arn:cluster) in eu-west-1: make it with a value.';

describe('a machine whose boot has failed', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function machineOf(status: object | undefined, boot: object = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-wait-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const statusFile = join(folder, 'boot-status.json');
    const bootFile = join(folder, 'boot.json');
    const say = (now: object): void => writeFileSync(statusFile, JSON.stringify(now));
    if (status !== undefined) say(status);
    writeFileSync(bootFile, JSON.stringify(boot));
    const aws = await FakeAws.start(new FakeScalingGroup());
    closers.push(() => aws.close());
    aws.waitingStacks.add('Elastic');
    const metadata = await FakeMetadata.start({ 'instance-id': 'i-0123' });
    closers.push(() => metadata.close());
    const end = new AbortController();
    closers.push(() => end.abort());
    const wait = (): Promise<BootOutcome> =>
      waitForBoot({
        bootFile,
        statusFile,
        stateFolder: folder,
        metadataUrl: metadata.url,
        signal: end.signal,
        clients: aws.clients,
        log: quiet,
        lookMs: 10,
      });
    return { aws, metadata, end, say, wait };
  }

  const SIGNAL = { signal: { stack: 'Elastic', resource: 'MediaNodes' } };
  const FAILED = { state: 'failed', reason: REASON };

  it('signals the failure with its reason at once, and goes on when boot has worked', async () => {
    const { aws, say, wait } = await machineOf(FAILED, SIGNAL);
    const outcome = wait();
    await until('a signal', () => aws.signals.length > 0);
    assert.deepEqual(aws.signals, [
      {
        stack: 'Elastic',
        resource: 'MediaNodes',
        status: 'FAILURE',
        uniqueId: `i-0123 ${REASON}`.slice(0, 64),
      },
    ]);
    // The next try fails as well: a machine is told of once.
    say({ state: 'failed', reason: 'something else' });
    say({ state: 'done' });
    assert.equal(await outcome, 'booted');
    assert.equal(aws.signals.length, 1);
  });

  it('is told of by another name where the metadata service is silent', async () => {
    const { aws, metadata, end, wait } = await machineOf(FAILED, SIGNAL);
    metadata.failsWith = 503;
    const outcome = wait();
    await until('a signal', () => aws.signals.length > 0);
    assert.equal(aws.signals[0]?.status, 'FAILURE');
    end.abort();
    assert.equal(await outcome, 'ended');
  });

  it('tells no more of the failure once boot has worked', async () => {
    const { aws, say, wait } = await machineOf(FAILED, SIGNAL);
    aws.fail('SignalResource', Number.POSITIVE_INFINITY);
    const outcome = wait();
    await until('a try', () => aws.countOf('SignalResource') > 0);
    say({ state: 'done' });
    assert.equal(await outcome, 'booted');
    assert.deepEqual(aws.signals, []);
  });

  it('waits where nobody is to be told, too', async () => {
    const { aws, say, wait } = await machineOf(FAILED);
    const outcome = wait();
    await sleep(100);
    say({ state: 'done' });
    assert.equal(await outcome, 'booted');
    assert.equal(aws.calls.length, 0);
  });

  for (const status of [undefined, { state: 'done' }]) {
    it(`has not failed where its status is ${JSON.stringify(status)}`, async () => {
      const { aws, wait } = await machineOf(status, SIGNAL);
      assert.equal(await wait(), 'unexplained');
      assert.equal(aws.calls.length, 0);
    });
  }

  it('cannot be told from others where its status is no such thing', async () => {
    const { wait } = await machineOf({ state: 'lost' }, SIGNAL);
    await assert.rejects(wait(), /boot-status\.json is not what `sluice boot` writes/);
  });
});
