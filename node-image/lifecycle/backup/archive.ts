import { Header, Parser, Pax } from 'tar';

/** A file in a backup. */
export interface ArchivedFile {
  /** Without a slash at the beginning. */
  readonly path: string;
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
  /** Names, not numbers: those differ from machine to machine. */
  readonly user: string;
  readonly group: string;
}

const BLOCK = 512;

/** Files as tar has them, so that any other program can read what a backup holds. */
export function packFiles(files: readonly ArchivedFile[], at: Date): Buffer {
  const parts = files.flatMap(({ path, content, mode, user, group }) => {
    const facts = {
      path,
      mode,
      size: content.length,
      mtime: at,
      uname: user,
      gname: group,
      uid: 0,
      gid: 0,
      type: 'File' as const,
    };
    const header = new Header(facts);
    header.encode();
    // A path that the short form has no place for.
    const long = header.needPax ? [new Pax({ path, mtime: at }).encode()] : [];
    return [...long, header.block ?? Buffer.alloc(BLOCK), content, padding(content.length)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** @throws Error where it is no tar, or not a whole one. */
export async function unpackFiles(tar: Uint8Array): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      const parts: Buffer[] = [];
      entry.on('data', (part) => parts.push(Buffer.from(part)));
      entry.on('end', () => {
        if (entry.type !== 'File') return;
        files.push({
          path: entry.path,
          content: Buffer.concat(parts),
          mode: entry.mode ?? 0o600,
          user: entry.uname ?? '',
          group: entry.gname ?? '',
        });
      });
    },
  });
  await new Promise<void>((resolve, reject) => {
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.end(Buffer.from(tar));
  });
  return files;
}

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
