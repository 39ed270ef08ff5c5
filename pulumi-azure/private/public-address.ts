import * as network from '@pulumi/azure-native/network';
import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';
import { placed } from './placed';
import { checkedText } from './validation';

/** A public address: one of yours, or a new one that stays. */
export interface PublicAddress {
  readonly id: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
}

/** Zones of a region; some regions have none. */
export const ALL_ZONES: readonly string[] = ['1', '2', '3'];

const ADDRESS_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/publicIPAddresses\/([^/]+)$/i;

export function publicAddress(
  name: string,
  args: PlaceArgs & {
    readonly publicIpAddressId?: pulumi.Input<string>;
    readonly zones?: readonly string[];
  },
  parent: pulumi.Resource,
): PublicAddress {
  const { publicIpAddressId, zones = ALL_ZONES } = args;
  if (publicIpAddressId !== undefined) {
    const id = checkedText(
      'publicIpAddressId',
      publicIpAddressId,
      ADDRESS_ID,
      'the id of a public address, /subscriptions/…/publicIPAddresses/NAME',
    );
    const parts = id.apply((text) => ADDRESS_ID.exec(text));
    const found = network.getPublicIPAddressOutput(
      {
        resourceGroupName: parts.apply((match) => match?.[1] ?? ''),
        publicIpAddressName: parts.apply((match) => match?.[2] ?? ''),
      },
      { parent },
    );
    return { id, address: found.apply(({ ipAddress }) => ipAddress ?? '') };
  }
  const made = new network.PublicIPAddress(
    `${name}-address`,
    {
      ...placed(args),
      sku: {
        name: network.PublicIPAddressSkuName.Standard,
        tier: network.PublicIPAddressSkuTier.Regional,
      },
      publicIPAddressVersion: network.IPVersion.IPv4,
      publicIPAllocationMethod: network.IPAllocationMethod.Static,
      ...(zones.length > 0 && { zones: [...zones] }),
    },
    // Azure takes no other zones for an address, and another address is another record for everybody.
    { parent, ignoreChanges: ['zones'] },
  );
  return { id: made.id, address: made.ipAddress.apply((address) => address ?? '') };
}
