/**
 * Writes an OCI image, as a layout on disk, of a root on which install.sh has been run: two layers
 * (the system, and the program, which is all that most upgrades bring), configuration, manifest,
 * index. No container engine is asked. The same root gives the same bytes.
 *
 *   oci-layout.mjs <root> <folder> <tag> <epoch>
 *
 * Source: github.com/opencontainers/image-spec, v1.0.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';

const TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};
const PROGRAM = 'opt/sluice';
const SECOND_NS = 1_000_000_000;
/** What Docker calls Go's names of architectures. */
const ARCHITECTURES = {
  x64: { architecture: 'amd64' },
  arm64: { architecture: 'arm64', variant: 'v8' },
};

/**
 * @typedef {object} Descriptor
 * @property {string} mediaType
 * @property {string} digest
 * @property {number} size bytes
 *
 * @typedef {Descriptor & { diffId: string, createdBy: string }} Layer
 */

/**
 * What an image says of itself. Pure.
 *
 * @param {object} image
 * @param {readonly Layer[]} image.layers
 * @param {string} image.user numeric, `uid:gid`: what asks for a user that is not root cannot look a name up
 * @param {string} image.created RFC 3339
 * @param {string} image.version of the program
 * @param {'x64' | 'arm64'} image.arch as Node.js has it
 */
export function imageConfig({ layers, user, created, version, arch }) {
  return {
    created,
    ...ARCHITECTURES[arch],
    os: 'linux',
    config: {
      User: user,
      ExposedPorts: {
        '3478/udp': {},
        '7880/tcp': {},
        '7881/tcp': {},
        '50000/udp': {},
      },
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8'],
      Entrypoint: ['/opt/sluice/bin/sluice', 'serve'],
      // Left aside where LIVEKIT_CONFIG has the configuration itself.
      Cmd: ['--config', '/etc/sluice/sluice.yaml'],
      WorkingDir: '/',
      // A drain.
      StopSignal: 'SIGTERM',
      // Not in OCI's specification: Docker reads it here, Podman has to be told (container/).
      Healthcheck: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell of the container fills it in.
        Test: ['CMD-SHELL', 'curl -fsS -m 4 "http://127.0.0.1:${LIVEKIT_PORT:-7880}/"'],
        Interval: 10 * SECOND_NS,
        Timeout: 5 * SECOND_NS,
        StartPeriod: 20 * SECOND_NS,
        Retries: 3,
      },
      Labels: {
        'org.opencontainers.image.title': 'Sluice',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.created': created,
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
  };
}

/** @param {string} line of /etc/passwd */
function userOf(line) {
  const [, , uid, gid] = line.split(':');
  return `${uid}:${gid}`;
}

class Layout {
  #folder;

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder;
    mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true });
  }

  /**
   * @param {string} mediaType
   * @param {object} content
   * @returns {Descriptor}
   */
  json(mediaType, content) {
    const text = JSON.stringify(content);
    const hash = createHash('sha256').update(text).digest('hex');
    writeFileSync(this.#blob(hash), text);
    return { mediaType, digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
  }

  /**
   * @param {readonly string[]} tarArguments
   * @param {string} createdBy for people who look at the layers
   * @returns {Promise<Layer>}
   */
  async layer(tarArguments, createdBy) {
    const tar = spawn('tar', tarArguments, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve, reject) => {
      tar.once('error', reject);
      tar.once('close', (code) =>
        code === 0 ? resolve(undefined) : reject(new Error(`tar ended with ${code}`)),
      );
    });
    const whole = new Counted();
    const packed = new Counted();
    const file = path.join(this.#folder, '.layer');
    await Promise.all([
      ended,
      pipeline(tar.stdout, whole, createGzip({ level: 6 }), packed, createWriteStream(file)),
    ]);
    const hash = packed.digest();
    renameSync(file, this.#blob(hash));
    return {
      mediaType: TYPES.layer,
      digest: `sha256:${hash}`,
      size: packed.size,
      diffId: `sha256:${whole.digest()}`,
      createdBy,
    };
  }

  /** @param {Descriptor & { platform: object, annotations: object }} manifest */
  finish(manifest) {
    const index = { schemaVersion: 2, mediaType: TYPES.index, manifests: [manifest] };
    writeFileSync(path.join(this.#folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(path.join(this.#folder, 'index.json'), JSON.stringify(index));
  }

  /** @param {string} hash */
  #blob(hash) {
    return path.join(this.#folder, 'blobs/sha256', hash);
  }
}

/** Passes bytes on, and knows how many they were, and their SHA-256. */
class Counted extends Transform {
  #hash = createHash('sha256');
  size = 0;

  /**
   * @override
   * @param {Buffer} chunk
   * @param {BufferEncoding} _encoding
   * @param {import('node:stream').TransformCallback} callback
   */
  _transform(chunk, _encoding, callback) {
    this.#hash.update(chunk);
    this.size += chunk.length;
    callback(null, chunk);
  }

  digest() {
    return this.#hash.digest('hex');
  }
}

/**
 * @param {string} root
 * @param {string} folder where the layout shall be; what is in it is written over
 * @param {string} tag
 * @param {number} epoch s since 1970: nothing in the image is newer
 * @returns {Promise<Descriptor>} the manifest
 */
export async function writeLayout(root, folder, tag, epoch) {
  const layout = new Layout(folder);
  // POSIX's format holds all names and numbers; GNU tar would write into it when it read a file.
  const common = [
    ...['--create', '--directory', root, '--numeric-owner', '--sort=name', '--format=posix'],
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    ...['--xattrs', '--xattrs-include=security.capability', `--mtime=@${epoch}`],
  ];
  const layers = [
    await layout.layer(
      [...common, '--clamp-mtime', `--exclude=./${PROGRAM}/*`, '.'],
      'install.sh --image: packages of Debian',
    ),
    // What comes from a checkout has the times of that: here all have one.
    await layout.layer([...common, `./${PROGRAM}`], 'install.sh --image: Sluice'),
  ];
  const { version } = JSON.parse(
    readFileSync(path.join(root, PROGRAM, 'current/package.json'), 'utf8'),
  );
  const passwd = readFileSync(path.join(root, 'etc/passwd'), 'utf8').split('\n');
  const user = userOf(passwd.find((line) => line.startsWith('sluice:')) ?? '');
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
  const config = imageConfig({ layers, user, created, version, arch });
  const manifest = layout.json(TYPES.manifest, {
    schemaVersion: 2,
    mediaType: TYPES.manifest,
    config: layout.json(TYPES.config, config),
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  const { architecture, os } = config;
  const variant = 'variant' in config ? { variant: config.variant } : {};
  layout.finish({
    ...manifest,
    platform: { architecture, os, ...variant },
    annotations: { 'org.opencontainers.image.ref.name': tag },
  });
  return manifest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [root = '', folder = '', tag = '', epoch = ''] = process.argv.slice(2);
  const { digest } = await writeLayout(root, folder, tag, Number(epoch));
  console.log(digest);
}
