import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeTcpPort } from '../../../support/ports';
import { until } from '../../../support/wait';

export interface TestNginx {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * nginx with what a page of the documentation says goes into its `http` section.
 *
 * @param origin - http://host:port/path/, for the address that stands there
 * @throws Error with its log where it does not serve
 */
export async function startNginx(section: string, origin: string): Promise<TestNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-nginx-'));
  const port = await freeTcpPort();
  const own = section
    .replace('/var/cache/nginx', folder)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace(/proxy_pass \S+;/, `proxy_pass ${origin};`);
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    [
      ...['daemon off;', 'worker_processes 1;', `pid ${join(folder, 'pid')};`],
      // Its worker writes where this process may.
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      ...['events {}', 'http {', 'access_log off;', ...folders, own, '}'],
    ].join('\n'),
  );
  const child = spawn('nginx', ['-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const killAtExit = (): void => void child.kill('SIGTERM');
  process.once('exit', killAtExit);
  const ended = once(child, 'exit').catch(() => {});
  const url = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    process.removeListener('exit', killAtExit);
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const answers = () => fetch(url).then(Boolean, () => false);
  try {
    await until('nginx to serve', answers, { explain: () => log });
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close };
}
