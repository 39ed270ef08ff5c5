/** A project of Pulumi, and its command line, as somebody at a keyboard has them. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AzureFile } from './azure-file';

const REPOSITORY = join(__dirname, '../../../..');
const IN_NAMESPACE = join(REPOSITORY, 'test/network/support/in-namespace.sh');

/** What a command has printed, and whether it went well. */
export interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

/** A resource of the state, as `pulumi stack export` has it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** What `pulumi preview --json` says of a resource. */
export interface Step {
  readonly op: string;
  readonly urn: string;
}

/** As much of a line of `pulumi up --json` as is read here. Source: pulumi, apitype/events.go. */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Step };
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string };
}

/** A replacement is told of three times: by this name, and as what it consists of. */
const OPERATIONS: ReadonlySet<string> = new Set(['create', 'update', 'delete', 'replace']);

export class PulumiProject {
  readonly azure: AzureFile;
  readonly #env: NodeJS.ProcessEnv;

  /**
   * @param scratch For state, plugins and what else is of the test; exists.
   * @param folder With Pulumi.yaml.
   */
  constructor(
    private readonly scratch: string,
    private readonly folder: string,
  ) {
    this.azure = new AzureFile(join(scratch, 'azure.json'));
    const plugins = join(scratch, 'plugins');
    for (const each of [plugins, join(scratch, 'state'), join(scratch, 'home')]) {
      mkdirSync(each, { recursive: true });
    }
    plugin(plugins, 'pulumi-language-nodejs', 'language-host.ts');
    plugin(plugins, 'pulumi-resource-azure-native', `provider.ts' '${versionOf('azure-native')}`);
    plugin(plugins, 'pulumi-resource-random', `provider.ts' '${versionOf('random')}`);
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    this.#env = {
      ...inherited,
      PATH: [plugins, inherited['PATH']].join(delimiter),
      FAKE_AZURE_FILE: this.azure.path,
      PULUMI_HOME: join(scratch, 'home'),
      PULUMI_BACKEND_URL: `file://${join(scratch, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'of the test',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    };
  }

  /** One command, on a machine without a network. */
  run(...args: string[]): Ran {
    const { status, stdout, stderr, error } = spawnSync(
      'sh',
      [IN_NAMESPACE, pulumiProgram(), '--non-interactive', '--color', 'never', ...args],
      { cwd: this.folder, env: this.#env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
    );
    if (error) throw error;
    return { ok: status === 0, output: stdout + (args.includes('--json') ? '' : stderr) };
  }

  /** The same, which has to go well. */
  must(...args: string[]): string {
    const { ok, output } = this.run(...args);
    if (!ok) throw new Error(`pulumi ${args.join(' ')}\n${output}`);
    return output;
  }

  /** What `pulumi preview` would do, but for what stays as it is. */
  preview(): Step[] {
    const { steps = [] } = JSON.parse(this.must('preview', '--json')) as { steps?: Step[] };
    return steps.filter(({ op }) => op !== 'same');
  }

  /**
   * Deploys, and says what becomes of what does not stay as it is: `replace meet-masters-machine`.
   *
   * @throws Error with what went wrong, where it fails.
   */
  up(): string[] {
    const { ok, output } = this.run('up', '--yes', '--skip-preview', '--json');
    const events = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as EngineEvent);
    if (!ok) {
      const told = events.map(({ diagnosticEvent: each }) => each);
      const errors = told.filter((each) => each?.severity === 'error');
      throw new Error(errors.map((each) => each?.message).join('\n') || output);
    }
    return events
      .flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? [])
      .filter(({ op }) => OPERATIONS.has(op))
      .map(({ op, urn }) => `${op} ${urn.split('::').at(-1)}`)
      .sort();
  }

  /** What the stack has, but for the stack itself and the providers. */
  state(): StateResource[] {
    const { deployment } = JSON.parse(this.must('stack', 'export')) as {
      deployment: { resources?: StateResource[] };
    };
    return (deployment.resources ?? []).filter(({ type }) => !type.startsWith('pulumi:'));
  }

  /** The state as it is written, secrets and all. */
  stateFile(stack: string): string {
    const project = /^name: (.*)$/m.exec(readFileSync(join(this.folder, 'Pulumi.yaml'), 'utf8'));
    const file = join('.pulumi/stacks', project?.[1] ?? '', `${stack}.json`);
    return readFileSync(join(this.scratch, 'state', file), 'utf8');
  }

  close(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** A program on the PATH that the engine starts by its name. */
function plugin(folder: string, name: string, file: string): void {
  const path = join(folder, name);
  const tsx = join(REPOSITORY, 'node_modules/tsx/dist/loader.mjs');
  writeFileSync(
    path,
    `#!/bin/sh\nexec '${process.execPath}' --import 'file://${tsx}' '${join(__dirname, file)}' "$@"\n`,
  );
  chmodSync(path, 0o755);
}

function versionOf(name: string): string {
  const manifest = join(REPOSITORY, 'node_modules/@pulumi', name, 'package.json');
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

function pulumiProgram(): string {
  const path = process.env['PULUMI_BIN'];
  if (path) return path;
  throw new Error(
    'PULUMI_BIN is not set: it names the command line of Pulumi. Run the test by `npm test -- test/pulumi-azure/NAME.slow.test.ts`, which builds it.',
  );
}
