import { type TurnAnswer, tryTurn } from '../../net/turn-allocation';
import { iceServersFor } from '../../signaling/ice-servers';
import { derivedSecret } from '../derived-secret';
import { listenAddresses } from '../listen-addresses';
import { coturnConfig } from '../start-turn';
import type { Check, DoctorContext } from './context';
import { type DoctorFinding, reportOf } from './problems';

const ANSWER_MS = 2000;
const DEFAULT_PORT = 3478;
/** For whom the credentials are: coturn counts relays by it. */
const WHO = { participantSid: 'PA_doctor' };

/** The coturn of this node, and TURN servers of one's own. */
export const checkTurn: Check = async (context) => {
  const { config } = context;
  if (config.sluice.role === 'master') return [];
  const others = config.rtc.turn_servers.map((server) => judgeServer(server, context));
  return (await Promise.all([judgeOwn(context), ...others])).flat();
};

async function judgeOwn(context: DoctorContext): Promise<readonly DoctorFinding[]> {
  const { config, node, system } = context;
  const { ok, unchecked, problem } = reportOf('TURN');
  if (!config.turn.enabled) return [unchecked('turn.enabled is off')];
  if (node.kind !== 'node') {
    const found = await system.run('turnserver', ['--version']);
    return [
      found === undefined
        ? problem(
            'turn-missing',
            'turn.enabled is on, and coturn is not installed',
            'Install it: apt install coturn; systemctl disable --now coturn, as the node starts its own.',
          )
        : ok('coturn is installed; the node starts it'),
    ];
  }
  const { port, listenAddresses: listen } = coturnConfig(
    config,
    listenAddresses(config.rtc, system.interfaces),
    '',
  );
  const [first = ''] = listen;
  const host = ['', '0.0.0.0', '::'].includes(first) ? '127.0.0.1' : first;
  const answer = await asked({ host, port, credentials: ownCredentials(context, port) });
  const where = `coturn at UDP port ${port}`;
  switch (answer.kind) {
    case 'relays':
      return [ok(`${where} gives relays, such as ${answer.relay.address}:${answer.relay.port}`)];
    case 'asks':
      return [ok(`${where} answers; only the node has the secret of its credentials`)];
    case 'silent':
      return [
        problem(
          'turn-silent',
          `${where} does not answer`,
          'The log of the node has its last words: journalctl -u sluice-node | grep -i turn',
        ),
      ];
    case 'refuses':
      return [
        problem('turn-refuses', `${where} gives no relay: ${inWords(answer)}`, todoOf(answer)),
      ];
  }
}

/** @returns undefined where only the node has the secret */
function ownCredentials({ config, system }: DoctorContext, port: number) {
  const { cluster, role } = config.sluice;
  if (role === 'single') return undefined;
  const own = {
    secret: derivedSecret(cluster.secret, 'turn'),
    addresses: ['127.0.0.1'],
    port,
    tlsDomain: undefined,
    ttlSeconds: config.turn.ttl_seconds,
  };
  const [server] = iceServersFor(
    { own, turnServers: [], stunServers: [] },
    { ...WHO, nowMs: system.now() },
  );
  return server && { username: server.username, credential: server.credential };
}

async function judgeServer(
  server: DoctorContext['config']['rtc']['turn_servers'][number],
  { system }: DoctorContext,
): Promise<readonly DoctorFinding[]> {
  const { host, protocol } = server;
  const port = server.port === 0 ? DEFAULT_PORT : server.port;
  const { ok, unchecked, problem } = reportOf(`TURN server ${host}`);
  if (protocol !== 'udp') return [unchecked(`it is for ${protocol}, and only UDP is tried`)];
  const [ice] = iceServersFor(
    { turnServers: [server], stunServers: [] },
    { ...WHO, nowMs: system.now() },
  );
  const answer = await asked({
    host,
    port,
    credentials: ice && { username: ice.username, credential: ice.credential },
  });
  if (answer.kind === 'silent') {
    return [
      problem(
        'turn-server-silent',
        `it does not answer at UDP port ${port}`,
        'Correct rtc.turn_servers, or see why it does not run; clients may reach it where this machine does not.',
      ),
    ];
  }
  return [
    answer.kind === 'refuses'
      ? problem(
          'turn-server-refuses',
          `it gives no relay: ${inWords(answer)}`,
          'Correct username and credential, or secret, in rtc.turn_servers.',
        )
      : ok('it gives relays'),
  ];
}

/** One that cannot be sent to does not answer either. */
const asked = (question: Omit<Parameters<typeof tryTurn>[0], 'timeoutMs'>): Promise<TurnAnswer> =>
  tryTurn({ ...question, timeoutMs: ANSWER_MS }).catch(() => ({ kind: 'silent' }));

const WORDS: Readonly<Record<number, string>> = {
  401: 'it does not take the credentials',
  486: 'this participant has as many as it may',
  508: 'it has no port left to relay from',
};

const inWords = ({ code }: { readonly code: number }): string =>
  `error ${code}${WORDS[code] === undefined ? '' : `, ${WORDS[code]}`}`;

const todoOf = ({ code }: { readonly code: number }): string =>
  code === 401
    ? 'Another turnserver has the port, or the node runs with another cluster secret: systemctl disable --now coturn, then restart the node.'
    : 'Widen turn.relay_range_start to turn.relay_range_end, or start another Media Node.';
