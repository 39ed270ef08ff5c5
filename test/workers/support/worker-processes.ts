import { readdir, readFile, readlink } from 'node:fs/promises';

/** The child of a process that has this UDP port; undefined where none has. Linux only. */
export async function holderOf(udpPort: number, parent: number): Promise<number | undefined> {
  const sockets = await socketsOn(udpPort);
  for (const pid of await childrenOf(parent)) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(
      files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
    );
    if (links.some((link) => sockets.has(link))) return pid;
  }
  return undefined;
}

async function childrenOf(parent: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${parent}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${parent}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

/** As they are shown in /proc/PID/fd. */
async function socketsOn(udpPort: number): Promise<Set<string>> {
  const hex = udpPort.toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/udp', 'utf8')).split('\n').slice(1);
  const columns = lines.map((line) => line.trim().split(/\s+/));
  return new Set(
    columns.filter(([, local]) => local?.endsWith(`:${hex}`)).map((one) => `socket:[${one[9]}]`),
  );
}
