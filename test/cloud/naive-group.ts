import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { RESOURCE_GROUP, SUBSCRIPTION } from '../support/fake-azure/fake-azure';
import type { GroupClient } from './azure-group-rules';
import type { AzureWorld } from './azure-group-world';

/** What whoever writes a client for a scale set gets wrong. */
export type GroupMistake =
  | 'lowers the capacity'
  | 'reads the first page only'
  | 'takes the capacity for what is wanted'
  | 'asks again until it is gone'
  | 'forgets what it has asked for'
  | 'asks again at once'
  | 'raises the capacity whoever has changed it'
  | 'gives up where somebody else was quicker'
  | 'waits for a deletion to end';

const PROVIDER = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${RESOURCE_GROUP}/providers/Microsoft.Compute`;
const VERSION = 'api-version=2024-07-01';

interface SetJson {
  readonly etag: string;
  readonly sku: { readonly capacity: number };
}
interface MachineJson {
  readonly name: string;
  readonly properties: { readonly provisioningState: string };
}
interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly body: unknown;
}

/** A simple client for a scale set, which may make one mistake. */
export class NaiveGroup implements GroupClient {
  readonly #world: AzureWorld;
  readonly #mistake: GroupMistake | undefined;
  readonly #asked = new Set<string>();
  #waitUntilMs = 0;

  constructor(world: AzureWorld, mistake?: GroupMistake) {
    this.#world = world;
    this.#mistake = mistake;
  }

  async wanted(): Promise<number> {
    const { capacity } = (await this.#set()).sku;
    if (this.#mistake === 'takes the capacity for what is wanted') return capacity;
    const machines = await this.#machines();
    return capacity - machines.filter((machine) => this.#isEnding(machine)).length;
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#machines()).map(({ name }) => name);
  }

  async grow(count: number): Promise<void> {
    if (this.#world.clock.now < this.#waitUntilMs && this.#mistake !== 'asks again at once') return;
    const { etag, sku } = await this.#set();
    const isBlind = this.#mistake === 'raises the capacity whoever has changed it';
    const answer = await this.#patch(sku.capacity + count, isBlind ? undefined : etag);
    if (answer.status === 429) {
      this.#waitUntilMs = this.#world.clock.now + answer.retryAfter * 1000;
    }
    const isQuick = this.#mistake === 'gives up where somebody else was quicker';
    if (answer.status === 412 && !isQuick) await this.grow(count);
  }

  async end(id: string): Promise<void> {
    if (this.#mistake === 'lowers the capacity') {
      const { sku } = await this.#set();
      await this.#patch(sku.capacity - 1);
      return;
    }
    const machine = (await this.#machines()).find(({ name }) => name === id);
    const isAgain = this.#mistake === 'asks again until it is gone';
    if (machine === undefined || (this.#isEnding(machine) && !isAgain)) return;
    await this.#ask('DELETE', `${PROVIDER}/virtualMachines/${id}?${VERSION}`);
    if (this.#mistake !== 'forgets what it has asked for') this.#asked.add(id);
    if (this.#mistake !== 'waits for a deletion to end') return;
    while ((await this.ids()).includes(id)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #isEnding({ name, properties }: MachineJson): boolean {
    return properties.provisioningState === 'Deleting' || this.#asked.has(name);
  }

  async #set(): Promise<SetJson> {
    return (await this.#ask('GET', this.#setPath())).body as SetJson;
  }

  async #patch(capacity: number, etag?: string): Promise<Answer> {
    return this.#ask('PATCH', this.#setPath(), { sku: { capacity } }, etag);
  }

  #setPath(): string {
    return `${PROVIDER}/virtualMachineScaleSets/${this.#world.set.name}?${VERSION}`;
  }

  async #machines(): Promise<readonly MachineJson[]> {
    const id = `${PROVIDER}/virtualMachineScaleSets/${this.#world.set.name}`;
    const filter = encodeURIComponent(`'virtualMachineScaleSet/id' eq '${id}'`);
    const found: MachineJson[] = [];
    let next: string | undefined = `${PROVIDER}/virtualMachines?${VERSION}&$filter=${filter}`;
    while (next !== undefined) {
      const { body } = await this.#ask('GET', next);
      const page = body as { value: MachineJson[]; nextLink?: string };
      found.push(...page.value);
      next = this.#mistake === 'reads the first page only' ? undefined : page.nextLink;
    }
    return found;
  }

  #ask(method: string, path: string, body?: unknown, etag?: string): Promise<Answer> {
    const { azure } = this.#world;
    const headers = {
      authorization: 'Bearer token',
      'content-type': 'application/json',
      ...(etag === undefined ? {} : { 'if-match': etag }),
    };
    return new Promise((resolve, reject) => {
      const options = { method, headers, ca: azure.ca, agent: false };
      const asked = request(new URL(path, azure.url), options, (response) => {
        const status = response.statusCode ?? 0;
        const retryAfter = Number(response.headers['retry-after'] ?? 0);
        const isEmpty = status === 202 || status === 204;
        if (isEmpty) response.resume();
        const read = isEmpty ? Promise.resolve(undefined) : json(response);
        read.then((answer) => resolve({ status, retryAfter, body: answer }), reject);
      });
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
