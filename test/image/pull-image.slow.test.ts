/** Podman itself fetches an image from a registry that wants a login, as the units have it do. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(__dirname, '../..');
const LOGIN = Buffer.from('robot:hush').toString('base64');
const digestOf = (data: Buffer): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** A registry with one image, of one empty layer, for who has the login. Source: OCI distribution spec. */
async function startRegistry(): Promise<{ server: Server; host: string }> {
  const tar = Buffer.alloc(1024);
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    }),
  );
  const described = (mediaType: string, data: Buffer) => ({
    mediaType: `application/vnd.oci.image.${mediaType}`,
    digest: digestOf(data),
    size: data.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: described('config.v1+json', config),
      layers: [described('layer.v1.tar+gzip', layer)],
    }),
  );
  const blobs = new Map([layer, config].map((data) => [digestOf(data), data]));
  const server = createServer(({ url = '', headers }, response) => {
    if (headers.authorization !== `Basic ${LOGIN}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const last = url.slice(url.lastIndexOf('/') + 1);
    const data = url.includes('/manifests/') ? manifest : blobs.get(last);
    response.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json');
    response.writeHead(url === '/v2/' || data !== undefined ? 200 : 404).end(data);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('an image of a registry that wants a login', { timeout: 60_000 }, () => {
  let folder = '';
  let registry: { server: Server; host: string };
  const path = (name: string): string => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-pull-'));
    registry = await startRegistry();
    mkdirSync(path('bin'));
    mkdirSync(path('run'));
    cpSync(join(ROOT, 'node-image/image/bin/pull-image'), path('bin/pull-image'));
    // As on a machine, where the program is beside it.
    const program = `#!/bin/sh\nexec '${join(ROOT, 'bin/sluice')}' "$@"\n`;
    writeFileSync(path('bin/sluice'), program, { mode: 0o755 });
    writeFileSync(
      path('storage.conf'),
      `[storage]\ndriver = "vfs"\ngraphroot = "${path('graph')}"\nrunroot = "${path('runroot')}"\n`,
    );
    writeFileSync(
      path('registries.conf'),
      `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
    );
    writeFileSync(
      path('login.json'),
      JSON.stringify({ auths: { [registry.host]: { auth: LOGIN } } }),
    );
  });
  after(() => {
    registry?.server.closeAllConnections();
    registry?.server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The registry is of this process: it has to go on meanwhile. */
  async function pull(login?: string): Promise<{ code: number | null; errors: string }> {
    const child = spawn(path('bin/pull-image'), [`${registry.host}/media/egress:1`], {
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        RUNTIME_DIRECTORY: path('run'),
        CONTAINERS_STORAGE_CONF: path('storage.conf'),
        CONTAINERS_REGISTRIES_CONF: path('registries.conf'),
        ...(login !== undefined && { REGISTRY_AUTH_FILE: login }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const code = await new Promise<number | null>((done) => child.once('close', done));
    return { code, errors };
  }

  test('is fetched with the login, which is gone then, and not a second time', async () => {
    const refused = await pull();
    assert.notEqual(refused.code, 0);
    assert.match(refused.errors, /^Error: .*unauthorized/);
    assert.deepEqual(await pull(path('login.json')), { code: 0, errors: '' });
    assert.deepEqual(readdirSync(path('run')), []);
    registry.server.closeAllConnections();
    registry.server.close();
    assert.deepEqual(await pull(), { code: 0, errors: '' });
  });
});
