import type { CliIo } from '../../node-image/cli/io';

/** A world in which there are these files, and nothing is printed. */
export function ioOf(files: Readonly<Record<string, string>>): CliIo {
  return {
    env: {},
    print: () => {},
    printError: () => {},
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file ${path}`);
      return text;
    },
    sleep: async () => {},
    now: () => 0,
    isTerminal: false,
    columns: 80,
  };
}
