import { BootError } from './boot-error';
import type { BootPlan } from './boot-plan';
import type { Instance } from './instance';
import type { Machine } from './machine';

/** A machine that is replaced has another address: nobody keeps the old one for longer, s. */
const TTL_SECONDS = 10;
const TRIES = 4;
const PAUSE_MS = 3000;

export interface AddressRecordOptions {
  readonly machine: Machine;
  readonly record: NonNullable<BootPlan['address_record']>;
  readonly instance: Pick<Instance, 'region' | 'privateIpv4'>;
  /** Between two tries, ms. @default 3000 */
  readonly pauseMs?: number | undefined;
  readonly say: (line: string) => void;
}

/**
 * Lets a name in a private zone of Route 53 stand for this machine.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function writeAddressRecord(options: AddressRecordOptions): Promise<void> {
  const { machine, record, instance, pauseMs = PAUSE_MS, say } = options;
  const { zone, name } = record;
  const { privateIpv4, region } = instance;
  if (privateIpv4 === undefined) {
    throw new BootError(
      `This machine has no private IPv4 address that ${name} could stand for: put it into a subnet that has IPv4.`,
    );
  }
  const change = {
    Changes: [
      {
        Action: 'UPSERT',
        ResourceRecordSet: {
          Name: name,
          Type: 'A',
          TTL: TTL_SECONDS,
          ResourceRecords: [{ Value: privateIpv4 }],
        },
      },
    ],
  };
  const args = ['--hosted-zone-id', zone, '--change-batch', JSON.stringify(change)];
  for (let tries = 1; ; tries += 1) {
    const command = ['route53', 'change-resource-record-sets', '--region', region, ...args];
    const { code, stderr } = await machine.run('aws', ...command);
    if (code === 0) {
      say(`${name} is ${privateIpv4}`);
      return;
    }
    if (tries === TRIES) {
      const why = stderr.trim().split('\n').at(-1) ?? `it ended with ${code}`;
      throw new BootError(
        `The record ${name} in the zone ${zone} cannot be written (${why}): give the role of the instance profile route53:ChangeResourceRecordSets on the zone, for UPSERT of this A record.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
