import { posix } from 'node:path';
import { z } from 'zod';
import { certificateSettings } from '../../certificates/settings';
import { PORTS, ROLES } from '../../contract';
import { BootError } from './boot-error';

/** Where whoever makes the machine writes what it is to be: user data, or an administrator. */
export const BOOT_PLAN_FILE = '/etc/sluice/boot.json';

const text = z.string().min(1);
const address = z.string().regex(/^(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):\d{1,5}$/, 'not host:port');
const folder = z.string().refine((path) => posix.isAbsolute(path) && !/[\s"%\\]/.test(path), {
  message: 'not an absolute path without blanks',
});

/** The entry on machines that have no load balancer in front, or one that only passes TCP on. */
const entry = z.strictObject({
  /** Whether TLS ends here; false where a load balancer did that. @default true */
  tls: z.boolean().default(true),
  /** Behind a load balancer that ends TLS usually PORTS.entryBehindBalancer. @default 443 */
  port: z.int().min(1).max(65535).default(PORTS.entry),
  /**
   * PEM file: certificate, chain, key.
   * @default - the secret `certificate`, or else /etc/sluice/tls/entry.pem; with lets_encrypt its own
   */
  certificate: folder.optional(),
  /** Send whoever comes to port 80 to HTTPS; with TLS only. @default true */
  redirect: z.boolean().default(true),
  /** Whether who connects says first for whom (PROXY protocol), as a load balancer does. @default false */
  proxy_protocol: z.boolean().default(false),
  /**
   * Port on which the health of the node is passed on, with no PROXY header: PORTS.entryHealth for a
   * load balancer. @default - none
   */
  health_port: z.int().min(1).max(65535).optional(),
  /** Where the certificate is to be from Let's Encrypt: sluice-certificates.service orders it. */
  lets_encrypt: certificateSettings.optional(),
  /** `host:port` of further Master Nodes, taken where the one of this machine does not answer. */
  masters: z.array(address).default([]),
  /** `host:port` of TURN servers that take plain TCP. @default - that of this machine, if it has one */
  turn: z.array(address).default([]),
});

const bootPlan = z.strictObject({
  /** What the machine is rented from; none: an own machine, whose sluice.yaml is there already. */
  cloud: z.enum(['none', 'aws', 'azure']),
  role: z.enum(ROLES),
  /** @default - as the machine's metadata says */
  region: text.optional(),
  /** On Azure: the Key Vault with configuration and secrets, `https://NAME.vault.azure.net`. */
  vault: z.url({ protocol: /^https$/ }).optional(),
  /** On Azure: client id of the identity to read with. @default - the only one of the machine */
  identity: text.optional(),
  /**
   * Where sluice.yaml comes from; needed with a cloud: on AWS the name of a parameter, on Azure of a
   * secret. Another revision is another machine's.
   */
  config: z
    .strictObject({ ssm: text.optional(), secret: text.optional(), revision: text.optional() })
    .optional(),
  /**
   * Secrets by purpose: `api_key`, `cluster`, `redis`, `turn`, `certificate`; on AWS the ARN or name
   * of each in Secrets Manager, on Azure its name in the vault, or its URL in another one. Each
   * becomes a file of that name.
   */
  secrets: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), text).default({}),
  /** Read by `sluice agent`: the resource of CloudFormation that waits for this machine. */
  signal: z.strictObject({ stack: text, resource: text }).optional(),
  /** The group that the machine is of, and its lifecycle hooks: for people. */
  group: z
    .strictObject({ name: text, launching: text.optional(), terminating: text.optional() })
    .optional(),
  /**
   * A volume that outlives the machine: on AWS by id and device, on Azure by the LUN that it is
   * attached at. It is formatted only when it is blank.
   */
  data_volume: z
    .strictObject({
      id: text.optional(),
      device: text.optional(),
      lun: z.int().min(0).max(63).optional(),
      mount: folder,
    })
    .optional(),
  /** Take a free one of the elastic addresses whose tag `sluice:address-pool` has this value. */
  static_addresses: z.strictObject({ tag: text }).optional(),
  /** A record of a private zone of Route 53 that is to name this machine's private address. */
  address_record: z.strictObject({ zone: text, name: text }).optional(),
  /**
   * Name of the CloudWatch log group that `sluice agent` sends the journal of the services to.
   * @default - it stays on the machine
   */
  log_group: text.optional(),
  /**
   * On Azure: where `sluice agent` sends the journal of the services, by the Logs Ingestion API: the
   * data collection endpoint, the immutable id of a data collection rule, and its stream.
   * @default - it stays on the machine
   */
  log_ingestion: z
    .strictObject({ endpoint: z.url({ protocol: /^https$/ }), rule: text, stream: text })
    .optional(),
  redis: z
    .strictObject({
      /**
       * Whether this machine runs the cluster's Redis.
       * @default - where redis.address in sluice.yaml is the name in address_record
       */
      server: z.boolean().optional(),
      /**
       * secret: that of the purpose `redis`, or none; derived: made from the cluster secret, the
       * same on all nodes. @default secret
       */
      password: z.enum(['secret', 'derived']).default('secret'),
      /**
       * On own machines with High Availability, where each Master Node has a Redis: whether a Sentinel
       * runs beside it. @default - none
       */
      sentinel: z
        .strictObject({
          /** `host:port` of the primary when this machine came; Sentinel knows later ones. */
          primary: address,
          /** So many Sentinels have to agree that the primary is gone. @default 2 */
          quorum: z.int().min(1).max(32).default(2),
        })
        .optional(),
    })
    .prefault({}),
  entry: entry.optional(),
});

export type BootPlan = z.output<typeof bootPlan>;
export type EntryPlan = z.output<typeof entry>;
/** As it may be written, for those who render user data. */
export type BootPlanInput = z.input<typeof bootPlan>;

/** The cloud that boot.json names, also where the rest of it cannot be used; undefined: none. */
export function cloudIn(json: string): 'aws' | 'azure' | undefined {
  try {
    return z.object({ cloud: z.enum(['aws', 'azure']) }).parse(JSON.parse(json)).cloud;
  } catch {
    return undefined;
  }
}

/**
 * Reads boot.json.
 *
 * @throws BootError with everything that is wrong with it.
 */
export function parseBootPlan(json: string): BootPlan {
  const refuse = (problem: string) =>
    new BootError(
      `${BOOT_PLAN_FILE} cannot be used: ${problem}; correct it there, or in the user data that writes it, and run \`sluice boot\` again.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw refuse('it is no JSON');
  }
  const { data, error } = bootPlan.safeParse(value);
  if (error !== undefined) {
    throw refuse(
      error.issues
        .map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`)
        .join(', '),
    );
  }
  const problem = PROBLEM_OF[data.cloud](data);
  if (problem !== undefined) throw refuse(problem);
  return data;
}

type Keys = readonly (keyof BootPlan)[];
const OF_AWS: Keys = ['static_addresses', 'address_record', 'signal', 'group', 'log_group'];
const OF_AZURE: Keys = ['vault', 'identity', 'log_ingestion'];

/** What does not go together with what the machine is rented from; undefined: all does. */
const PROBLEM_OF: Readonly<Record<BootPlan['cloud'], (plan: BootPlan) => string | undefined>> = {
  none: (plan) => {
    const keys: Keys = ['config', 'data_volume', 'static_addresses', 'address_record', ...OF_AZURE];
    const key = keys.find((one) => plan[one] !== undefined);
    if (key !== undefined) return `${key}: there is no such thing without a cloud`;
    if (Object.keys(plan.secrets).length === 0) return undefined;
    return 'secrets: without a cloud they are files, named in sluice.yaml';
  },
  aws: (plan) => {
    const { config, data_volume: volume } = plan;
    const key = OF_AZURE.find((one) => plan[one] !== undefined);
    if (key !== undefined) return `${key}: there is no such thing on AWS`;
    if (config?.ssm === undefined || config.secret !== undefined) {
      return 'config: with a cloud it has to say where sluice.yaml is, on AWS such as {"ssm": "/name"}';
    }
    if (volume === undefined) return undefined;
    const isWhole = volume.id !== undefined && volume.device !== undefined;
    return isWhole && volume.lun === undefined
      ? undefined
      : 'data_volume: on AWS it is named by id, device and mount';
  },
  azure: (plan) => {
    const { config, vault, data_volume: volume } = plan;
    const key = OF_AWS.find((one) => plan[one] !== undefined);
    if (key !== undefined) return `${key}: there is no such thing on Azure`;
    if (config?.secret === undefined || config.ssm !== undefined || vault === undefined) {
      return 'config and vault: with a cloud they have to say where sluice.yaml is, on Azure such as {"secret": "config-media"} and "https://NAME.vault.azure.net"';
    }
    if (volume === undefined) return undefined;
    const isWhole = volume.id === undefined && volume.device === undefined;
    return isWhole && volume.lun !== undefined
      ? undefined
      : 'data_volume: on Azure it is named by lun and mount';
  },
};
