import { AzureGroup } from '../../node-image/cloud/azure/azure-group';
import { azureCompute } from '../../node-image/cloud/azure/clients';
import { quiet } from '../cluster/core-support';
import { FakeAzure } from '../support/fake-azure/fake-azure';
import { FakeScaleSet, type FakeScaleSetOptions } from '../support/fake-azure/fake-scale-set';

export interface AzureWorld {
  readonly clock: { now: number };
  readonly set: FakeScaleSet;
  readonly azure: FakeAzure;
  readonly group: AzureGroup;
  close(): Promise<void>;
}

/** A scale set with a controller's group before it. */
export async function azureWorld(
  capacity: number,
  options: FakeScaleSetOptions = {},
): Promise<AzureWorld> {
  const clock = { now: Date.parse('2026-09-01T12:00:00Z') };
  const now = (): number => clock.now;
  const set = new FakeScaleSet({ now, ...options });
  set.setCapacity(capacity);
  const azure = await FakeAzure.start(set);
  azure.tokens.set('token', azure.url);
  const { cloud } = azure;
  const expiresOnTimestamp = Date.now() + 3_600_000;
  const credential = { getToken: async () => ({ token: 'token', expiresOnTimestamp }) };
  const compute = azureCompute({ cloud, credential, ca: azure.ca });
  const group = new AzureGroup({ cloud, compute, log: quiet, now, freshMs: 0, pauseMs: 1 });
  return {
    clock,
    set,
    azure,
    group,
    close: async () => {
      await group.close();
      await azure.close();
    },
  };
}
