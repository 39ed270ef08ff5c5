import * as network from '@pulumi/azure-native/network';
import type * as pulumi from '@pulumi/pulumi';
import type { PlaceArgs } from '../place';
import { placed } from './placed';

/** What the machines of a role are told apart by, in rules of security groups. */
export function machineGroup(
  name: string,
  place: PlaceArgs,
  parent: pulumi.Resource,
): network.ApplicationSecurityGroup {
  return new network.ApplicationSecurityGroup(`${name}-nodes`, placed(place), { parent });
}
