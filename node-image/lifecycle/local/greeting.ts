import { PORTS, PORTS_ON_REQUEST } from '../../contract';

interface Started {
  readonly port: number;
  readonly rtmpPort: number;
  readonly mediaNodes: number;
}

/** What somebody reads who has just started a cluster. */
export function greeting({ port, rtmpPort, mediaNodes }: Started): string {
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
    `  For encoders    ${rtmpHint(`rtmp://127.0.0.1:${rtmpPort}/live`, rtmpPort)}`,
    '',
    '  To try next, in another window:',
    ...next.map(([command, what]) => `    ${command.padEnd(width)}   ${what}`),
    '',
    '  Ctrl-C stops all of it.',
    '',
  ].join('\n');
}

/** Where encoders send to, with a word where it is not the port that they expect. */
export const rtmpHint = (url: string, port: number): string =>
  port === PORTS_ON_REQUEST.rtmp
    ? url
    : `${url} (mind the port: it is not ${PORTS_ON_REQUEST.rtmp})`;
