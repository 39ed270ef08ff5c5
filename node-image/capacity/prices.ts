/** Machines of the clouds and what they cost, from `prices.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const usd = z.number().min(0);

const machineSchema = z.object({
  type: z.string(),
  vcpus: z.number().int().positive(),
  memoryGib: z.number().positive(),
  /** What it carries each way for as long as one likes, not what it bursts to. */
  networkGbps: z.number().positive(),
  usdPerHour: usd,
});

const regionSchema = z.object({
  region: z.string(),
  machines: z.array(machineSchema).min(1),
  /** Of a Master Node. */
  masterUsdPerHour: usd,
  /** Traffic to clients, by the month: so much up to so many GB; the last has no end. */
  trafficOut: z.array(z.object({ upToGb: z.number().optional(), usdPerGb: usd })).min(1),
  /** Without what it takes for what passes, which is signaling alone. */
  loadBalancerUsdPerHour: usd,
  addressUsdPerHour: usd,
  diskUsdPerGibMonth: usd,
  /** With its replica. */
  redisUsdPerMonth: usd,
  /** Secrets, a private zone. */
  smallThingsUsdPerMonth: usd,
});

const cloudSchema = z.object({
  /** Where nobody says otherwise. */
  defaultRegion: z.string(),
  /** The type that deployments have unless it is said otherwise. */
  defaultMachine: z.string(),
  /** Whether an Elastic cluster has a load balancer by default; High Availability always has. */
  balancerWhenElastic: z.boolean(),
  /** Addresses of a load balancer. */
  balancerAddresses: z.number().int().min(0),
  regions: z.array(regionSchema).min(1),
});

const pricesSchema = z.object({
  /** Month of the prices. */
  asOf: z.string(),
  source: z.string(),
  howToUpdate: z.string(),
  aws: cloudSchema,
  azure: cloudSchema,
});

export type Machine = z.output<typeof machineSchema>;
export type RegionPrices = z.output<typeof regionSchema>;
export type CloudPrices = z.output<typeof cloudSchema>;
export type Prices = z.output<typeof pricesSchema>;
export const CLOUDS = ['aws', 'azure'] as const;
export type Cloud = (typeof CLOUDS)[number];

const PRICES_FILE = join(__dirname, 'prices.json');

/** Those that come with this version. */
export const readPrices = (): Prices =>
  pricesSchema.parse(JSON.parse(readFileSync(PRICES_FILE, 'utf8')));

/** What so much traffic to clients costs a month. */
export function trafficUsd(tiers: RegionPrices['trafficOut'], gb: number): number {
  let from = 0;
  let sum = 0;
  for (const { upToGb = Number.POSITIVE_INFINITY, usdPerGb } of tiers) {
    sum += Math.max(0, Math.min(gb, upToGb) - from) * usdPerGb;
    from = upToGb;
  }
  return sum;
}
