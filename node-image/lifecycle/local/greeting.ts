/** What somebody reads who has just started a cluster. */
export function greeting({ port, mediaNodes }: { port: number; mediaNodes: number }): string {
  const origin = `127.0.0.1:${port}`;
  // What the command line uses where it is told nothing else.
  const at = port === 7880 ? '' : ` --url http://${origin}`;
  return [
    '',
    `  Sluice is up: an elastic cluster of 1 Master Node and ${mediaNodes} Media Nodes.`,
    '',
    `  Join a room     http://${origin}/meet?room=demo`,
    '                  (open it in two windows)',
    `  For SDKs        ws://${origin}`,
    '  Key, secret     devkey, secret',
    '',
    '  To try next, in another window:',
    `    bin/sluice nodes${at}`.padEnd(38 + at.length).concat('the nodes, and how busy they are'),
    `    bin/sluice rooms${at}`.padEnd(38 + at.length).concat('which node each Room is on'),
    `    bin/sluice drain media-1 --wait${at}`
      .padEnd(38 + at.length)
      .concat('moves its Rooms away'),
    '',
    '  Ctrl-C stops all of it.',
    '',
  ].join('\n');
}
