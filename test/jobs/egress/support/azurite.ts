import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freeTcpPort } from '../../../support/ports';
import { until } from '../../../support/wait';

/** Azure Blob Storage in a process of its own. */
export interface Azurite {
  readonly url: string;
  readonly account: string;
  readonly key: string;
  close(): Promise<void>;
}

/** What everybody's Azurite is called, and has as key. Source: Azurite's documentation. */
const ACCOUNT = 'devstoreaccount1';
const KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** @throws Error with its log when it does not serve. */
export async function startAzurite(): Promise<Azurite> {
  const port = await freeTcpPort();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-azurite-'));
  const main = join(dirname(require.resolve('azurite/package.json')), 'dist/src/blob/main.js');
  const where = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', folder];
  const quiet = ['--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const child = spawn(process.execPath, [main, ...where, ...quiet], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const url = `http://127.0.0.1:${port}/${ACCOUNT}`;
  const close = async (): Promise<void> => {
    process.removeListener('exit', killAtExit);
    if (child.exitCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(
      'Azurite to serve',
      async () => {
        if (child.exitCode !== null) throw new Error(`Azurite ended: ${log}`);
        return (await fetch(url).catch(() => undefined)) !== undefined;
      },
      { timeoutMs: 40_000, explain: () => log },
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { url, account: ACCOUNT, key: KEY, close };
}
