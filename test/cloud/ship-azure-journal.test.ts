import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { shipAzureJournal } from '../../node-image/lifecycle/ship-azure-journal';

const TARGET = {
  endpoint: 'https://meet.westeurope-1.ingest.monitor.azure.com',
  rule: 'dcr-1',
  stream: 'Custom-Sluice_CL',
};
const PLAN = {
  cloud: 'azure',
  role: 'media',
  vault: 'https://meet.vault.azure.net',
  config: { secret: 'config-media' },
};

describe('the journal of a machine of Azure', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-ship-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const ship = (boot: object) => {
    const bootFile = join(folder, 'boot.json');
    writeFileSync(bootFile, JSON.stringify(boot));
    const log = pino({ enabled: false });
    return shipAzureJournal({ bootFile, stateFolder: folder, machineId: 'media_1', log });
  };

  it('stays on it where nothing else was asked for', async () => {
    assert.equal(await ship(PLAN), undefined);
  });

  it('is sent on where boot.json says so, and until the agent ends', async () => {
    const shipper = await ship({ ...PLAN, log_ingestion: TARGET });
    assert.ok(shipper);
    await shipper.close();
  });

  it('is asked for in a form that is checked', async () => {
    await assert.rejects(
      ship({ ...PLAN, log_ingestion: { ...TARGET, rule: '' } }),
      /log_ingestion have an endpoint, a rule and a stream/,
    );
  });

  it('is asked for by the same words in the plan of the start, on Azure only', () => {
    const plan = parseBootPlan(JSON.stringify({ ...PLAN, log_ingestion: TARGET }));
    assert.deepEqual(plan.log_ingestion, TARGET);
    const onAws = { cloud: 'aws', role: 'media', config: { ssm: '/x' }, log_ingestion: TARGET };
    assert.throws(() => parseBootPlan(JSON.stringify(onAws)), /log_ingestion: .* on AWS/);
    const clear = { ...PLAN, log_ingestion: { ...TARGET, endpoint: 'http://meet.example' } };
    assert.throws(() => parseBootPlan(JSON.stringify(clear)), /log_ingestion\.endpoint/);
  });
});
