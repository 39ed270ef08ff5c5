import type { AutoScalingGroup as GroupFacts } from '@aws-sdk/client-auto-scaling';
import {
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  type EC2Client,
  type Instance,
} from '@aws-sdk/client-ec2';
import type { Logger } from 'pino';
import {
  type GroupTemplate,
  isSymbolic,
  type NewestVersions,
  resolved,
  templateIds,
  templateOf,
} from './group-template';

export interface MachineFactsOptions {
  readonly ec2: EC2Client;
  readonly log: Logger;
  /** ms since 1970. */
  readonly now: () => number;
}

/** What EC2 knows of the machines of a group, and the group does not. */
export class MachineFacts {
  readonly #options: MachineFactsOptions;
  #launchedAtMs: ReadonlyMap<string, number> = new Map();

  constructor(options: MachineFactsOptions) {
    this.#options = options;
  }

  /**
   * When machines were started, ms since 1970. Where EC2 does not say, it is when they were first
   * seen. Never rejects.
   */
  async launchedAtMs(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const known = this.#launchedAtMs;
    const unknown = ids.filter((id) => !known.has(id));
    const asked = new Map<string, number>();
    for (const { InstanceId, LaunchTime } of (await this.#describe(unknown)) ?? []) {
      if (InstanceId !== undefined && LaunchTime !== undefined) {
        asked.set(InstanceId, LaunchTime.getTime());
      }
    }
    const nowMs = this.#options.now();
    this.#launchedAtMs = new Map(
      ids.map((id) => [id, known.get(id) ?? asked.get(id) ?? nowMs] as const),
    );
    return this.#launchedAtMs;
  }

  /** Those of the machines that EC2 runs. Where it does not answer, all count as running. */
  async running(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await this.#describe(ids);
    const running = (found ?? []).filter(({ State }) =>
      ['pending', 'running'].includes(State?.Name ?? ''),
    );
    return new Set(
      found === undefined ? ids : running.flatMap(({ InstanceId }) => InstanceId ?? []),
    );
  }

  /** What the group makes machines from, with the number that `$Latest` stands for. Never rejects. */
  async newestTemplate(group: GroupFacts): Promise<GroupTemplate | undefined> {
    const template = templateOf(group);
    if (
      template === undefined ||
      ![template.standard, ...template.byType.values()].some(isSymbolic)
    ) {
      return template;
    }
    try {
      return resolved(template, await this.#newest(templateIds(template)));
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'EC2 does not say which version of the launch template is the newest; no machine counts as outdated',
      );
      return template;
    }
  }

  async #newest(ids: readonly string[]): Promise<NewestVersions> {
    const { LaunchTemplates = [] } = await this.#options.ec2.send(
      new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [...ids] }),
    );
    return new Map(
      LaunchTemplates.map(({ LaunchTemplateId, LatestVersionNumber, DefaultVersionNumber }) => [
        LaunchTemplateId ?? '',
        { latest: String(LatestVersionNumber), default: String(DefaultVersionNumber) },
      ]),
    );
  }

  /** @returns undefined where EC2 does not answer. What it has forgotten already is left out. */
  async #describe(ids: readonly string[]): Promise<Instance[] | undefined> {
    const { ec2, log } = this.#options;
    if (ids.length === 0) return [];
    try {
      // By a filter: an id that is gone is no error then, as it would be by InstanceIds.
      const { Reservations = [] } = await ec2.send(
        new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [...ids] }] }),
      );
      return Reservations.flatMap(({ Instances = [] }) => Instances);
    } catch (error) {
      log.warn({ err: error }, 'EC2 does not describe machines');
      return undefined;
    }
  }
}
