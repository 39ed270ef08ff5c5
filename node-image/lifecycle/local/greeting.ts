import { PORTS } from '../../contract';

/** What somebody reads who has just started a cluster. */
export function greeting({ port, mediaNodes }: { port: number; mediaNodes: number }): string {
  const origin = `127.0.0.1:${port}`;
  // What the command line asks where it is told nothing else.
  const where = port === PORTS.http ? ' --dev' : ` --dev --url http://${origin}`;
  const media = mediaNodes === 1 ? '1 Media Node' : `${mediaNodes} Media Nodes`;
  const next = Object.entries({
    'bin/sluice nodes': 'the nodes, and how busy they are',
    'bin/sluice rooms': 'the Rooms, and which node each is on',
    'bin/sluice drain media-1 --wait': 'moves its Rooms to another node',
  }).map(([command, what]) => [`${command}${where}`, what] as const);
  const width = Math.max(...next.map(([command]) => command.length));
  return [
    '',
    `  Sluice is up: an elastic cluster of 1 Master Node and ${media}.`,
    '',
    `  Join a room     http://${origin}/meet?room=demo`,
    '                  (open it in two windows)',
    `  For SDKs        ws://${origin}`,
    '  Key, secret     devkey, secret',
    '',
    '  To try next, in another window:',
    ...next.map(([command, what]) => `    ${command.padEnd(width)}   ${what}`),
    '',
    '  Ctrl-C stops all of it.',
    '',
  ].join('\n');
}
