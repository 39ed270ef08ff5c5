import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECHO_PROGRAM } from './real-worker';

/**
 * Podman with storage of its own, and in it an image of LiveKit's framework for Node.js with the agents
 * that send back what they are asked, made of what is on this machine.
 */
export class WorkerImage {
  readonly name = 'localhost/tests/echo:1';
  readonly folder = mkdtempSync(join(tmpdir(), 'worker-image-'));
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const file = (name: string, content: string): string => {
      const path = join(this.folder, name);
      writeFileSync(path, content);
      return path;
    };
    const storage = `[storage]\ndriver = "overlay"\ngraphroot = "${this.folder}/storage"\nrunroot = "${this.folder}/run"\n`;
    // Where tests run the limits of a process may be lower than what Podman gives by itself.
    const containers =
      '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n';
    mkdirSync(join(this.folder, 'run'));
    this.env = {
      PATH: process.env['PATH'],
      CONTAINERS_STORAGE_CONF: file('storage.conf', storage),
      CONTAINERS_CONF: file('containers.conf', containers),
    };
  }

  /** Makes it. */
  async make(): Promise<void> {
    const packages = process.env['AGENTS_JS_FOLDER'];
    if (!packages)
      throw new Error("run the tests by npm, which brings LiveKit's agents for Node.js");
    copyFileSync(ECHO_PROGRAM, join(packages, 'echo-agent.mjs'));
    const files = [
      ...[realpathSync(process.execPath), '/etc/ssl/certs/ca-certificates.crt'],
      // By which the framework asks the system for its figures.
      ...['/bin/sh', '/usr/bin/getconf'],
      ...librariesOf(process.execPath),
    ];
    const pack = spawn(
      'tar',
      [
        ...['--create', '--dereference', '--transform', `s,^${packages.slice(1)},agents,`],
        ...['--directory=/', ...[...files, packages].map((path) => path.slice(1))],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const change = ['WORKDIR /agents', `ENTRYPOINT ["${realpathSync(process.execPath)}"]`];
    const take = spawn(
      'podman',
      ['import', '--quiet', ...change.flatMap((one) => ['--change', one]), '-', this.name],
      { env: this.env, stdio: [pack.stdout, 'ignore', 'inherit'] },
    );
    const [code] = await once(take, 'exit');
    if (code !== 0) throw new Error(`podman import ended with ${code}`);
  }

  podman(...args: readonly string[]): string {
    return execFileSync('podman', args, { env: this.env, encoding: 'utf8' });
  }

  /** With the containers of it. */
  remove(): void {
    this.podman('rm', '--all', '--force', '--time', '1');
    this.podman('rmi', '--all', '--force');
    // Podman has mounted its storage on itself.
    execFileSync(
      'sh',
      ['-c', 'umount --recursive "$1/storage/overlay" || true', '-', this.folder],
      {
        stdio: 'ignore',
      },
    );
    execFileSync('rm', ['-rf', this.folder]);
  }
}

/** What it is linked with, and what addons of the packages need besides. */
function librariesOf(program: string): string[] {
  const linked = execFileSync('ldd', [program], { encoding: 'utf8' });
  const paths = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
  const libc = paths.find((path) => /\/libc\.so/.test(path)) ?? '';
  return [...paths, libc.replace('libc.so', 'libresolv.so').replace(/\.6$/, '.2')];
}
