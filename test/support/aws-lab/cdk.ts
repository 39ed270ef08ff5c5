import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(__dirname, '..', '..', '..');

export interface CdkOptions {
  /** Of the lab: `http://localhost:PORT`; undefined: no AWS, for `cdk synth`. */
  readonly endpoint?: string;
  readonly region: string;
  /** Where it runs, and looks for a cdk.json. @default - the project */
  readonly folder?: string;
  /** In milliseconds. @default 180000 */
  readonly timeoutMs?: number;
}

export interface SynthesizeOptions {
  /** What `--app` takes: a command that makes the cloud assembly. */
  readonly app: string;
  /** Where the assembly goes. */
  readonly folder: string;
  /** By `--context`. @default none */
  readonly context?: Readonly<Record<string, string>>;
  readonly region: string;
}

/** How a run of the CDK's command line ended. */
export interface CdkRun {
  readonly code: number | null;
  readonly output: string;
}

/**
 * The real command line of the CDK, with nothing of this machine's AWS: no credentials, no
 * configuration, no instance metadata, no notices, no telemetry.
 */
export function runCdk(args: readonly string[], options: CdkOptions): Promise<CdkRun> {
  const { endpoint, region, folder = REPOSITORY, timeoutMs = 180_000 } = options;
  const cli = join(REPOSITORY, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const aws =
    endpoint === undefined
      ? {}
      : { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: 'lab', AWS_SECRET_ACCESS_KEY: 'lab' };
  const common = ['--no-notices', '--no-version-reporting', '--no-color', '--ci', ...args];
  // Its caches, with account numbers in them, are nothing to keep.
  const home = mkdtempSync(join(tmpdir(), 'sluice-cdk-'));
  return new Promise<CdkRun>((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...common], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        CDK_HOME: home,
        AWS_REGION: region,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        // The lab listens on one address, and a busy machine may not try the second in time.
        NODE_OPTIONS: '--no-network-family-autoselection --dns-result-order=ipv4first',
        ...aws,
      },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  }).finally(() => rmSync(home, { recursive: true, force: true }));
}

/** `cdk synth`, with no AWS at all. @throws Error with what it printed. */
export async function synthesize(options: SynthesizeOptions): Promise<string> {
  const { app, folder, context = {}, region } = options;
  const given = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['synth', '--quiet', '--app', app, '--output', folder, ...given];
  const run = await runCdk(args, { region });
  if (run.code !== 0) throw new Error(`cdk synth ended with ${run.code}\n${run.output}`);
  return folder;
}
