import type { FastifyRequest } from 'fastify';
import { AdminError } from '../../cluster/admin-views';
import { SealedKeysError } from '../../cluster/sealed-keys';
import type { SharedKeys } from '../../cluster/shared-keys';
import type { KeyInfo, KeyRing } from '../key-ring';
import { newApiKey } from '../new-key';
import type { AdminRoute } from './admin-plugin';

export interface KeysRoutesOptions {
  readonly keys: KeyRing;
  readonly shared: SharedKeys;
  /** Whether keys outlive this process: in Redis they do, in memory not. */
  readonly lasting: boolean;
  /** The key that signs webhooks; undefined: there are no webhooks. */
  readonly webhookKey?: string | undefined;
  /** Writes down what was done, for people. */
  readonly audit: (text: string) => Promise<void>;
}

/** All keys that the answering node knows. */
export interface KeysView {
  readonly keys: readonly KeyInfo[];
  readonly lasting: boolean;
  /** Why the keys of the cluster cannot be used; empty: they can. */
  readonly problem: string;
}

export interface AddedKey {
  readonly apiKey: string;
  /** Told this once. */
  readonly secret: string;
  readonly lasting: boolean;
}

export interface RetiredKey {
  readonly apiKey: string;
  /** Whether it was usable until now. */
  readonly changed: boolean;
  readonly lasting: boolean;
}

/** `GET`, `POST` and `DELETE` of `/sluice/v1/keys`: API keys while the cluster runs. */
export function keysRoutes(options: KeysRoutesOptions): AdminRoute[] {
  return [
    { method: 'GET', path: 'keys', handle: () => list(options) },
    { method: 'POST', path: 'keys', handle: (_request, caller) => add(options, caller.apiKey) },
    {
      method: 'DELETE',
      path: 'keys/:key',
      handle: (request, caller) => retire(options, keyOf(request), caller.apiKey),
    },
  ];
}

async function list({ keys, shared, lasting }: KeysRoutesOptions): Promise<KeysView> {
  await shared.refresh();
  return { keys: keys.list(), lasting, problem: shared.problem };
}

async function add({ shared, lasting, audit }: KeysRoutesOptions, by: string): Promise<AddedKey> {
  const { apiKey, secret } = newApiKey();
  await orRefuse(shared.add(apiKey, secret));
  await audit(`API key ${apiKey} added; asked with API key ${by}`);
  return { apiKey, secret, lasting };
}

async function retire(
  { keys, shared, lasting, webhookKey, audit }: KeysRoutesOptions,
  apiKey: string,
  by: string,
): Promise<RetiredKey> {
  await shared.refresh();
  const known = keys.list().find((key) => key.apiKey === apiKey);
  if (known === undefined) {
    const text = `There is no API key ${JSON.stringify(apiKey)}: sluice keys list shows those that there are.`;
    throw new AdminError('not_found', text);
  }
  if (known.state === 'retired') {
    return { apiKey, changed: false, lasting };
  }
  if (apiKey === webhookKey) {
    const text = `${apiKey} signs the webhooks: set webhook.api_key to another key first, and let all nodes take that over.`;
    throw new AdminError('conflict', text);
  }
  await orRefuse(
    shared.retire(apiKey, (newest) => {
      if (!keys.hasOtherThan(apiKey, newest)) {
        const text = `${apiKey} is the only API key that can be used: add another one first (sluice keys add).`;
        throw new AdminError('conflict', text);
      }
    }),
  );
  await audit(`API key ${apiKey} retired; asked with API key ${by}`);
  return { apiKey, changed: true, lasting };
}

async function orRefuse(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (error instanceof SealedKeysError) {
      const text = `The API keys that the cluster shares cannot be changed: ${error.message}. Are all nodes given the same cluster secret?`;
      throw new AdminError('conflict', text);
    }
    throw error;
  }
}

function keyOf({ params }: FastifyRequest): string {
  return (params as Readonly<Record<string, string | undefined>>)['key'] ?? '';
}
