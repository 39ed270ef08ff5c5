import { readdir, readFile, readlink } from 'node:fs/promises';

/** Command lines of others that work in a folder, or below it: what a run has left behind. */
export async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  );
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [cwd, line] = await Promise.all([
          readlink(`/proc/${pid}/cwd`),
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
        ]);
        const isThere = cwd.startsWith(folder) || line.includes(folder);
        return isThere && line !== '' ? [line.replaceAll('\0', ' ')] : [];
      } catch {
        return []; // It has ended meanwhile, or is another user's.
      }
    }),
  );
  return found.flat();
}
