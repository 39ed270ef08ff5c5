import { posix } from 'node:path';
import { parseDocument } from 'yaml';
import type { JoinGrant } from '../../cluster/join-channel';
import {
  jobSettings,
  jobUrls,
  mergeSettings,
  type Role,
  type Settings,
  type SluiceConfig,
} from '../../contract';
import { BootError } from '../boot/boot-error';
import type { Machine } from '../boot/machine';
import { NODE_USER } from '../boot/secret-files';

/** What the nodes of a cluster on own machines do of jobs. */
export type OwnJobs = NonNullable<JoinGrant['jobs']>;

/** Below the folder that the unit of the node may write to. */
export const RECORDINGS = '/var/lib/sluice/node/recordings';

/** What the sluice.yaml of a machine says of jobs. */
export function ownJobSettings(role: Role, jobs: OwnJobs | undefined): Settings {
  if (jobs === undefined) return {};
  const { host, rtmp, recordings } = jobs;
  // Recorders join on the loopback of their node, whatever certificate the entry has.
  const urls = { ...jobUrls(host, true), ws: undefined };
  const settings = jobSettings(role, { urls, rtmp, rtmpsOnMachine: rtmp });
  return mergeSettings(settings, {
    ...(recordings !== '' && { egress: { local_directory: recordings } }),
    // The node itself listens on loopback alone, behind HAProxy.
    ...(role !== 'media' && rtmp && { ingress: { bind_addresses: ['0.0.0.0', '::'] } }),
  });
}

/** The same, as the Master Node that has it tells another machine; undefined: it was made without jobs. */
export function jobsOf({ egress, ingress }: SluiceConfig): OwnJobs | undefined {
  if (!URL.canParse(ingress.whip_base_url)) return undefined;
  return {
    host: new URL(ingress.whip_base_url).host,
    rtmp: ingress.rtmps_port !== 0,
    recordings: egress.local_directory,
  };
}

/** Says what a sluice.yaml does not say yet; what it says stays. */
export function withMissing(yaml: string, settings: Settings): string {
  const document = parseDocument(yaml);
  const add = (section: Settings, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(section)) {
      const here = [...path, key];
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        add(value as Settings, here);
      } else if (!document.hasIn(here)) {
        document.setIn(here, value);
      }
    }
  };
  add(settings, []);
  return document.toString();
}

/** Makes the folder that recordings go to; one that is there stays whose it is. @throws BootError where the node could not have one there */
export async function recordingsFolder(machine: Machine, folder: string): Promise<void> {
  if (!posix.isAbsolute(folder) || /[\s"%\\]/.test(folder)) {
    throw new BootError(
      `${JSON.stringify(folder)} is no folder that recordings can go to: give its path from / on, without blanks.`,
    );
  }
  if (await machine.exists(folder)) return;
  await machine.folder(folder, { mode: 0o700, user: NODE_USER, group: NODE_USER });
}
