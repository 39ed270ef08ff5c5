import type { SluiceConfig } from '../contract';

type Region = SluiceConfig['node_selector']['regions'][number];

const EARTH_RADIUS_KM = 6371;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The way between two places on Earth, km: the haversine formula. */
function distanceKm(a: Region, b: Region): number {
  const [lat, lon] = [radians(b.lat - a.lat) / 2, radians(b.lon - a.lon) / 2];
  const h =
    Math.sin(lat) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(lon) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/**
 * How far each region is from one's own, km. A region that `regions` does not name is farther than
 * all that it names.
 */
export function distanceFrom(own: string, regions: readonly Region[]): (region: string) => number {
  const here = regions.find(({ name }) => name === own);
  const distances = new Map(
    here === undefined ? [] : regions.map((one) => [one.name, distanceKm(here, one)]),
  );
  return (region) => (region === own ? 0 : (distances.get(region) ?? Number.POSITIVE_INFINITY));
}
