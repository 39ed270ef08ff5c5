import type { PlaceArgs } from '../place';

/** What resources with a region take of their place. */
export function placed({ resourceGroupName, location, tags }: PlaceArgs) {
  return {
    resourceGroupName,
    ...(location !== undefined && { location }),
    ...(tags !== undefined && { tags }),
  };
}

/** The same for resources whose region is always `global`. */
export function placedGlobally({ resourceGroupName, tags }: PlaceArgs) {
  return { resourceGroupName, location: 'global', ...(tags !== undefined && { tags }) };
}
