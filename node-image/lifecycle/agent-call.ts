import { request } from 'node:http';
import { connect } from 'node:tls';
import { nanoid } from 'nanoid';
import { joinToken } from '../api/join-token';
import { fixedKeys, type KeySource } from '../api/key-ring';
import { TestCallError, testCall } from '../cloud/agent/test-call';
import { nodesOn } from '../cloud/machine-nodes';
import { chooseKey, LINK_TLS, type LinkKeys, linkKeys } from '../cluster/link/link-key';
import { isStale, type LinkAddress, stateOf } from '../cluster/node-record';
import { TEST_CALL_PREFIX } from '../cluster/test-calls';
import type { SluiceConfig } from '../contract';
import { CLIENT_HEADER } from '../signaling/entry/forwarded';
import type { ClusterParts } from './cluster-parts';

const TOKEN_SECONDS = 60;
const ALIVE_MS = 3000;

export interface CallThroughNode {
  readonly config: SluiceConfig;
  readonly machineId: string;
  /** Of a Master or Media Node. */
  readonly parts?: ClusterParts | undefined;
}

/**
 * Makes a call through the node of this machine: through a Media Node over its link, as Master Nodes
 * pass clients on; through any other as a client comes.
 *
 * @returns where media was answered. @throws TestCallError
 */
export async function callThroughNode(options: CallThroughNode): Promise<string> {
  const { config, parts } = options;
  const room = `${TEST_CALL_PREFIX}${nanoid(12)}`;
  const token = await tokenFor(room, parts?.keys ?? fixedKeys(config.keys));
  const { protocol, address, port } =
    config.sluice.role === 'media' && parts !== undefined
      ? await callOverLink({ ...options, parts, room, token })
      : await testCall({ url: urlOf(config), token });
  return `media by ${protocol} at ${address}:${port}`;
}

async function tokenFor(room: string, keys: KeySource): Promise<string> {
  const key = keys.signingKey('');
  if (key === undefined) throw new TestCallError('there is no API key to make a call with');
  return joinToken({
    apiKey: key.apiKey,
    secret: Buffer.from(key.secret).toString(),
    room,
    identity: 'sluice-agent',
    lifeSeconds: TOKEN_SECONDS,
    video: { roomCreate: true, hidden: true, canPublish: false, canPublishData: false },
  });
}

async function callOverLink(
  options: CallThroughNode & {
    readonly parts: ClusterParts;
    readonly room: string;
    readonly token: string;
  },
) {
  const { config, machineId, parts, room, token } = options;
  const { registry } = parts;
  const node = nodesOn(await registry.snapshot(), machineId).find((one) => !isStale(one));
  const { link, id } = node?.record ?? {};
  if (node === undefined || link === undefined || id === undefined) {
    throw new TestCallError('the registry does not know the node of this machine');
  }
  if (stateOf(node) !== 'serving') throw new TestCallError(`the node is ${stateOf(node)}`);
  const placed = await registry.place({ room, nodeId: id });
  if (placed.outcome !== 'placed') throw new TestCallError('the Room could not be placed');
  const { name: clusterName, secret, previous_secret: previousSecret } = config.sluice.cluster;
  const keys = linkKeys({ secret, previousSecret, clusterName });
  return testCall({
    url: `ws://${hostOf(link)}:${link.port}`,
    token,
    headers: { [CLIENT_HEADER]: '127.0.0.1' },
    connection: () => linkSocket(link, keys),
  });
}

const linkSocket = ({ host, port }: LinkAddress, keys: LinkKeys) =>
  connect({
    ...LINK_TLS,
    host,
    port,
    pskCallback: (hint) => chooseKey(keys, hint),
    // There is no certificate to look at: the key has proven the server.
    checkServerIdentity: () => undefined,
  });

const hostOf = ({ host }: Pick<LinkAddress, 'host'>): string =>
  host.includes(':') ? `[${host}]` : host;

function urlOf({ bind_addresses, port }: SluiceConfig): string {
  const [first = '127.0.0.1'] = bind_addresses;
  const host = first === '0.0.0.0' ? '127.0.0.1' : first === '::' ? '::1' : first;
  return `ws://${hostOf({ host })}:${port}`;
}

/**
 * Whether the process of the node on this machine answers. One that takes long counts as alive: it
 * may carry calls. Never rejects.
 */
export function isNodeAlive(config: SluiceConfig): Promise<boolean> {
  return new Promise((resolve) => {
    const url = urlOf(config).replace('ws:', 'http:');
    const asked = request(
      url,
      { signal: AbortSignal.timeout(ALIVE_MS), agent: false },
      (answer) => {
        answer.resume();
        resolve(true);
      },
    );
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
    asked.end();
  });
}
