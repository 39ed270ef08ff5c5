import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

/** As OCI's image specification 1.0 has them, and no key beside. */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const rfc3339 = z.iso.datetime();
const platform = { architecture: z.enum(['amd64', 'arm64']), os: z.literal('linux') };
const variant = z.literal('v8').optional();
const descriptor = <const T extends string>(mediaType: T) =>
  z.strictObject({ mediaType: z.literal(mediaType), digest, size: z.int().positive() });
const none = z.strictObject({});

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const indexSchema = z.strictObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal('application/vnd.oci.image.index.v1+json'),
  manifests: z.tuple([
    descriptor(MANIFEST).extend({
      platform: z.strictObject({ ...platform, variant }),
      annotations: z.strictObject({ 'org.opencontainers.image.ref.name': z.string() }),
    }),
  ]),
});
const manifestSchema = z.strictObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(MANIFEST),
  config: descriptor('application/vnd.oci.image.config.v1+json'),
  layers: z.array(descriptor('application/vnd.oci.image.layer.v1.tar+gzip')).min(1),
});
const configSchema = z.strictObject({
  created: rfc3339,
  ...platform,
  variant,
  config: z.strictObject({
    User: z.string().regex(/^[1-9]\d*:[1-9]\d*$/),
    ExposedPorts: z.record(z.string().regex(/^\d+\/(?:tcp|udp)$/), none),
    Env: z.array(z.string().regex(/^\w+=/)),
    Entrypoint: z.array(z.string()),
    Cmd: z.array(z.string()),
    WorkingDir: z.string(),
    StopSignal: z.literal('SIGTERM'),
    // Docker's own: names and nanoseconds as its API has them.
    Healthcheck: z.strictObject({
      Test: z.tuple([z.literal('CMD-SHELL'), z.string()]),
      Interval: z.int(),
      Timeout: z.int(),
      StartPeriod: z.int(),
      Retries: z.int(),
    }),
    Labels: z.record(z.string(), z.string()),
  }),
  rootfs: z.strictObject({ type: z.literal('layers'), diff_ids: z.array(digest) }),
  history: z.array(z.strictObject({ created: rfc3339, created_by: z.string() })),
});

export interface ReadLayout {
  readonly tag: string;
  /** Of the manifest. */
  readonly digest: string;
  readonly config: z.infer<typeof configSchema>;
  /** Unpacked, a tar each. */
  readonly layers: readonly Buffer[];
}

const sha256 = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Reads an OCI layout with one image. @throws AssertionError, ZodError where it is not valid. */
export function readLayout(folder: string): ReadLayout {
  const used = new Set<string>();
  const blob = ({ digest: name, size }: { digest: string; size: number }): Buffer => {
    const hash = name.replace('sha256:', '');
    const bytes = readFileSync(join(folder, 'blobs/sha256', hash));
    assert.equal(bytes.length, size, name);
    assert.equal(sha256(bytes), name);
    used.add(hash);
    return bytes;
  };
  const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

  assert.deepEqual(json(readFileSync(join(folder, 'oci-layout'))), { imageLayoutVersion: '1.0.0' });
  const { manifests } = indexSchema.parse(json(readFileSync(join(folder, 'index.json'))));
  const [{ annotations, digest: manifestDigest, size, platform: said }] = manifests;
  const manifest = manifestSchema.parse(json(blob({ digest: manifestDigest, size })));
  const config = configSchema.parse(json(blob(manifest.config)));
  assert.equal(said.architecture, config.architecture);
  const layers = manifest.layers.map((layer) => gunzipSync(blob(layer)));
  assert.deepEqual(layers.map(sha256), config.rootfs.diff_ids);
  assert.equal(config.history.length, layers.length);
  assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')).sort(), [...used].sort());
  return {
    tag: annotations['org.opencontainers.image.ref.name'],
    digest: manifestDigest,
    config,
    layers,
  };
}
