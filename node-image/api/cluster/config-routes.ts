import { z } from 'zod';
import { AdminError } from '../../cluster/admin-views';
import { type NodeRole, type NodeState, stateOf } from '../../cluster/node-record';
import type { Registry } from '../../cluster/registry';
import {
  type AnnouncedConfig,
  ConfigOutdatedError,
  type SharedConfig,
} from '../../cluster/shared-config';
import { inputOf } from './admin-input';
import type { AdminRoute } from './admin-plugin';

export interface ConfigRoutesOptions {
  readonly shared: SharedConfig;
  readonly registry: Pick<Registry, 'snapshot'>;
  /** What is wrong with a configuration, and what is odd about it: as a node would load it. */
  readonly check: (yaml: string) => {
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
  };
  /** Writes down what was done, for people. */
  readonly audit: (text: string) => Promise<void>;
}

/** Which node runs with which version. */
export interface NodeConfigView {
  readonly id: string;
  readonly role: NodeRole;
  readonly state: NodeState;
  /** 0: it goes by its own file. Negative: by its file too, as it cannot load that version. */
  readonly configVersion: number;
}

export interface ConfigView {
  /** Undefined: nothing is announced. */
  readonly announced?: AnnouncedConfig | undefined;
  /** Why no node takes it now; undefined: nothing keeps them. */
  readonly waits?: string | undefined;
  readonly nodes: readonly NodeConfigView[];
}

export interface ConfigAnnounced {
  /** Undefined where it was only checked. */
  readonly version?: number | undefined;
  readonly warnings: readonly string[];
}

const putQuery = z.strictObject({
  check: z
    .enum(['true', 'false'], 'true or false')
    .default('false')
    .transform((value) => value === 'true'),
  replaces: z.coerce
    .number('the number of a version, 0 for none')
    .int('the number of a version, 0 for none')
    .min(0, 'the number of a version, 0 for none')
    .optional(),
});
const putBody = z.strictObject({ yaml: z.string('the text of a configuration') });

/** `GET` and `PUT` of `/sluice/v1/config`: the configuration that a cluster announces. */
export function configRoutes(options: ConfigRoutesOptions): AdminRoute[] {
  return [
    { method: 'GET', path: 'config', handle: () => show(options) },
    {
      method: 'PUT',
      path: 'config',
      handle: ({ body, query }, caller) => {
        const yaml = typeof body === 'string' ? body : inputOf(putBody, body, 'the body').yaml;
        return announce(options, yaml, inputOf(putQuery, query, 'the query'), caller.apiKey);
      },
    },
  ];
}

async function show({ shared, registry }: ConfigRoutesOptions): Promise<ConfigView> {
  const [announced, note, { nodes }] = await Promise.all([
    shared.read(),
    shared.rollNote(),
    registry.snapshot(),
  ]);
  return {
    announced,
    // What was said of an older one has nothing to do with this one.
    waits: note?.version === announced?.version ? note?.waits : undefined,
    nodes: nodes.map((node) => ({
      id: node.record.id,
      role: node.record.role,
      state: stateOf(node),
      configVersion: node.record.configVersion,
    })),
  };
}

async function announce(
  { shared, check, audit }: ConfigRoutesOptions,
  yaml: string,
  query: { readonly check: boolean; readonly replaces?: number | undefined },
  by: string,
): Promise<ConfigAnnounced> {
  const { problems, warnings } = check(yaml);
  if (problems.length > 0) {
    throw new AdminError('invalid', problems.join('\n'));
  }
  if (query.check) {
    return { warnings };
  }
  try {
    const { version } = await shared.announce(yaml, query.replaces);
    await audit(`configuration announced: version ${version}; asked with API key ${by}`);
    return { version, warnings };
  } catch (error) {
    throw error instanceof ConfigOutdatedError ? new AdminError('conflict', error.message) : error;
  }
}
