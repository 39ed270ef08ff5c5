import * as managedidentity from '@pulumi/azure-native/managedidentity';
import type * as pulumi from '@pulumi/pulumi';
import type { MachineIdentity } from '../machine-identity';
import type { PlaceArgs } from '../place';
import { placed } from './placed';

/** The identity that was given, or a new one. */
export function identityOf(
  name: string,
  given: MachineIdentity | undefined,
  place: PlaceArgs,
  parent: pulumi.Resource,
): MachineIdentity {
  return (
    given ?? new managedidentity.UserAssignedIdentity(`${name}-identity`, placed(place), { parent })
  );
}
