import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { isIP } from 'node:net';
import { freemem, networkInterfaces, totalmem } from 'node:os';
import { rootCertificates } from 'node:tls';
import { readDescriptorLimits } from '../../telemetry/descriptors';
import type { DiskSpace, DoctorSystem, MemoryFacts } from './context';

const RUN_MS = 4000;
/** Of each try to ask a name server, ms. */
const DNS_MS = 2000;
const DNS_TRIES = 2;
/** What a resolver says where a name has none of one family. */
const ABSENT = ['ENOTFOUND', 'ENODATA'];

/** This machine. */
export const linuxSystem = (): DoctorSystem => ({
  interfaces: networkInterfaces(),
  read: readText,
  space,
  memory,
  resolve,
  run: (command, args) =>
    new Promise((done) => {
      execFile(command, [...args], { timeout: RUN_MS }, (error, stdout) => {
        if (error === null) return done({ code: 0, output: stdout });
        const { code } = error;
        done(typeof code === 'number' ? { code, output: stdout } : undefined);
      });
    }),
  openFilesLimit: () => readDescriptorLimits().soft,
  roots: () => rootCertificates.map((pem) => new X509Certificate(pem)),
  now: Date.now,
});

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isOneOf(error, ['ENOENT', 'ENOTDIR'])) return undefined;
    throw error;
  }
}

async function space(path: string): Promise<DiskSpace | undefined> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(path);
    return {
      totalBytes: blocks * bsize,
      freeBytes: bavail * bsize,
      totalFiles: files,
      freeFiles: ffree,
      isReadOnly: await isReadOnly(path),
    };
  } catch (error) {
    if (isOneOf(error, ['ENOENT', 'ENOTDIR'])) return undefined;
    throw error;
  }
}

/** Not whether this user may write, but whether anybody can. */
async function isReadOnly(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return isOneOf(error, ['EROFS']);
  }
}

async function memory(): Promise<MemoryFacts> {
  const [, kb] = /^MemAvailable:\s+(\d+) kB/m.exec((await readText('/proc/meminfo')) ?? '') ?? [];
  const available = kb === undefined ? freemem() : Number(kb) * 1024;
  const limit = process.constrainedMemory();
  // 0, or more than there is, where there is no limit.
  if (limit === 0 || limit >= totalmem()) {
    return { totalBytes: totalmem(), availableBytes: available };
  }
  return { totalBytes: limit, availableBytes: Math.min(available, process.availableMemory()) };
}

/** Of the DNS itself: /etc/hosts is of this machine only. */
async function resolve(name: string): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name];
  const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES });
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [four, six].flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  if (found.length > 0) return found;
  const errors = [four, six].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  throw errors.find((error) => !isOneOf(error, ABSENT)) ?? errors[0];
}

const isOneOf = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
