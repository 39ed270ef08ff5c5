import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { WebhookReceiver } from 'livekit-server-sdk';
import type { ClusterNode, TestCluster } from '../../support/cluster';

interface WebhookBody {
  readonly id: string;
  readonly action: 'add' | 'remove';
  readonly count?: number;
  readonly machine?: string;
  readonly reason?: string;
}

/** Machines of a test: each is a real Media Node, and waits until it is started. */
export class Machines {
  readonly port: number;
  /** What was done, in its order. */
  readonly done: string[] = [];
  readonly wrong: string[] = [];
  cluster: TestCluster | undefined;
  readonly #names: readonly string[];
  readonly #nodes = new Map<string, Promise<ClusterNode>>();
  readonly #answered = new Set<string>();
  /** Those that are switched off, or broken. */
  readonly #dead = new Set<string>();
  /** What was asked for so often is answered by an error: the answer got lost. */
  #errors = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-machines-'));
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>, names: readonly string[]) {
    this.#server = server;
    this.#names = names;
    const address = server.address();
    this.port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    server.on('request', (request, response) => {
      void this.#answer(request)
        .catch((error: unknown) => {
          this.wrong.push(String(error));
          return { status: 500, words: String(error) };
        })
        .then(({ status, words }) => response.writeHead(status).end(words));
    });
  }

  static async start(...names: readonly string[]): Promise<Machines> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Machines(server, names);
  }

  get running(): string[] {
    return [...this.#nodes.keys()];
  }

  /** As when its power is cut. */
  async kill(name: string): Promise<void> {
    const node = await this.#nodes.get(name);
    if (node === undefined) throw new Error(`${name} does not run`);
    this.#dead.add(name);
    await node.kill();
  }

  /** The next answers of the web server are errors. */
  failNext(count: number): void {
    this.#errors = count;
  }

  /** The sample of the page, where ssh leads to these machines. @returns sluice.scaling.group_command */
  command(sample: string): readonly string[] {
    const ssh = join(this.#folder, 'ssh');
    // As ssh: the command's words are the last ones.
    const stub = `#!/bin/sh\ncurl -sf "http://127.0.0.1:${this.port}/$5/\${3#root@}"\n`;
    const script = sample
      .replace('ssh -i /var/lib/sluice/node/ssh_key', `${ssh} -i key`)
      .replace('/var/lib/sluice/node', this.#folder);
    const program = join(this.#folder, 'provision');
    for (const [file, content] of [
      [ssh, stub],
      [program, script],
    ] as const) {
      writeFileSync(file, content);
      chmodSync(file, 0o755);
    }
    const list = join(this.#folder, 'machines');
    writeFileSync(list, this.#names.map((name) => `${name}\n`).join(''));
    return [program, list];
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Promise.allSettled(this.#nodes.values());
    rmSync(this.#folder, { recursive: true });
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; words: string }> {
    const body = await text(request);
    const [, verb = '', name = ''] = (request.url ?? '').split('/');
    if (request.method === 'GET') {
      if (this.#dead.has(name)) return this.#unreachable(verb, name);
      if (verb === 'start') this.#start(name);
      if (verb === 'stop') this.#stop(name);
      const words = this.#nodes.has(name) ? 'active' : 'inactive';
      return { status: 200, words: verb === 'is-active' ? words : '' };
    }
    return this.#webhook(body, request.headers.authorization);
  }

  /** A provisioner as somebody would write it. */
  async #webhook(body: string, token = ''): Promise<{ status: number; words: string }> {
    const { apiKey = '', apiSecret = '' } = this.cluster ?? {};
    await new WebhookReceiver(apiKey, apiSecret).receive(body, token);
    const { id, action, count = 0, machine = '', reason } = JSON.parse(body) as WebhookBody;
    if (this.#errors > 0) {
      this.#errors -= 1;
      this.done.push(`error for ${action} ${id}`);
      return { status: 503, words: 'later' };
    }
    if (this.#answered.has(id)) return { status: 200, words: '' };
    this.#answered.add(id);
    const free = this.#names.filter((name) => !this.#nodes.has(name)).slice(0, count);
    if (action === 'add' && free.length < count) return { status: 507, words: 'none is left' };
    for (const name of free) this.#start(name);
    if (action === 'remove' && reason === 'dead') this.done.push(`give back ${machine} ${id}`);
    else if (action === 'remove') this.#stop(machine);
    return { status: 202, words: '' };
  }

  /** As ssh to a machine that is off. */
  #unreachable(verb: string, name: string): { status: number; words: string } {
    if (verb === 'stop') this.done.push(`give back ${name}`);
    return { status: 500, words: '' };
  }

  #start(name: string): void {
    const { cluster } = this;
    if (cluster === undefined || this.#nodes.has(name)) throw new Error(`${name} runs already`);
    this.done.push(`start ${name}`);
    this.#nodes.set(name, cluster.addMediaNode({ sluice: { machine_id: name } }));
  }

  #stop(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`${name} does not run`);
    this.done.push(`stop ${name}`);
    this.#nodes.delete(name);
    void node.then((one) => one.stop()).catch((error) => this.wrong.push(String(error)));
  }
}

const PAGE = join(__dirname, '../../../docs/own-machines.md');

/** Who is asked for machines, each as the documentation sets it up. */
export const GROUPS = {
  exec: (machines: Machines) => ({ group_command: machines.command(sampleOf(PAGE)) }),
  webhook: ({ port }: Machines) => ({
    group_url: `http://127.0.0.1:${port}/`,
    group_api_key: 'devkey',
  }),
};
export type GroupKind = keyof typeof GROUPS;

/** The sample of the page. */
function sampleOf(page: string): string {
  const found = /```sh\n(#!\/bin\/sh\n[^`]*)```/.exec(readFileSync(page, 'utf8'));
  if (found?.[1] === undefined) throw new Error(`${page} has no script`);
  return found[1];
}
