import { setTimeout as sleep } from 'node:timers/promises';
import { type AzureInstance, AzureMetadata } from '../../cloud/azure/instance-metadata';
import { AZURE_METADATA_URL } from '../../contract';
import { AzureStore } from './azure-store';
import type { BootOptions, Fetched } from './boot';
import { BootError, reasonOf } from './boot-error';
import type { BootPlan } from './boot-plan';
import { mountDisk } from './data-volume';
import { withInstance } from './node-config';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

/**
 * Reads configuration and secrets from a Key Vault, and mounts the data disk of this machine.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function fetchFromAzure(plan: BootPlan, options: BootOptions): Promise<Fetched> {
  const { machine, say, patience, waitMs, azure } = options;
  const instance = await describe(options);
  const { name: id, region, zone } = instance;
  say(`this is ${id} in ${zone}`);
  const { vault = '', identity = '', config, secrets } = plan;
  const store = new AzureStore({ vault, identity, patience, ...azure });
  const name = config?.secret ?? '';
  const [yaml, ...pairs] = await Promise.all([
    store.parameter(name),
    ...Object.entries(secrets).map(
      async ([purpose, secret]) => [purpose, await store.secret(secret, purpose)] as const,
    ),
  ]);
  const { lun, mount } = plan.data_volume ?? {};
  if (lun !== undefined && mount !== undefined) {
    await mountDisk({
      machine,
      volume: { id: `LUN ${lun}`, mount },
      // The deployment does: it waits until another machine has let go of it.
      attach: async () => undefined,
      // Source: learn.microsoft.com, "Azure VM utils": sizes with NVMe, and with SCSI.
      candidates: [`/dev/disk/azure/data/by-lun/${lun}`, `/dev/disk/azure/scsi1/lun${lun}`],
      key: 'data_volume.lun',
      waitMs,
      say,
    });
  }
  return {
    yaml: withInstance(yaml, { ...instance, id, region }, plan.role !== 'master'),
    origin: `the secret ${name} of ${vault}`,
    secrets: Object.fromEntries(pairs),
  };
}

async function describe({
  metadataUrl: url = AZURE_METADATA_URL,
  waitMs = PATIENCE_MS,
}: BootOptions): Promise<AzureInstance> {
  const deadline = performance.now() + waitMs;
  const metadata = new AzureMetadata({ url });
  for (;;) {
    try {
      return await metadata.instance();
    } catch (error) {
      if (performance.now() >= deadline) {
        throw new BootError(
          `The metadata service ${url} does not say which machine this is (${reasonOf(error)}): this works on Azure only; see that no firewall and no proxy of the machine stands before it, or set "cloud" to "none".`,
          { cause: error },
        );
      }
      await sleep(PAUSE_MS);
    }
  }
}
