import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { configSchema, type SluiceConfigInput } from '../../../node-image/contract';
import { parseSysctl, SYSCTL_FILE } from '../../../node-image/lifecycle/doctor/check-kernel';
import type {
  DiskSpace,
  DoctorQuestion,
  DoctorSystem,
  MemoryFacts,
  RunResult,
} from '../../../node-image/lifecycle/doctor/context';
import { PROBLEMS, type Problem } from '../../../node-image/lifecycle/doctor/problems';
import { type DoctorReport, runDoctor } from '../../../node-image/lifecycle/doctor/run-doctor';
import { linuxSystem } from '../../../node-image/lifecycle/doctor/system';
import { decodeStun } from '../../../node-image/net/stun';
import { freePortRange } from '../../support/ports';
import { stunSuccess } from './stun-server';
import { type FakeClockOptions, fakeTimeServer } from './time-server';

export const HOST = '127.0.0.1';
/** As a STUN server sees this machine. */
export const PUBLIC = '198.51.100.7';
export const PORT_RANGE = '/proc/sys/net/ipv4/ip_local_port_range';
const GB = 1024 ** 3;

/** Ports that nobody has, for a node of the test. */
export interface WorldPorts {
  readonly http: number;
  readonly metrics: number;
  readonly udp: number;
  readonly tcp: number;
  readonly turn: number;
  readonly link: number;
  /** For whatever else. */
  readonly spare: number;
}

/** What is to be closed when the test is over. */
export interface Closable {
  close(): unknown;
}

export interface WorldOptions {
  /** Over the configuration of a healthy machine, section by section. */
  readonly config?: SluiceConfigInput | ((ports: WorldPorts) => SluiceConfigInput);
  readonly question?: Partial<DoctorQuestion> | ((ports: WorldPorts) => Partial<DoctorQuestion>);
  /** Files of the machine by path: text, no file, or what reading them fails with. */
  readonly files?:
    | Readonly<Record<string, string | undefined | Error>>
    | ((ports: WorldPorts) => Readonly<Record<string, string | undefined | Error>>);
  /** What programs answer, by command and arguments. */
  readonly programs?: Readonly<Record<string, RunResult | undefined>>;
  readonly disk?: (path: string) => DiskSpace | undefined;
  readonly memory?: MemoryFacts;
  readonly openFilesLimit?: number;
  readonly resolve?: DoctorSystem['resolve'];
  readonly roots?: () => readonly X509Certificate[];
  readonly interfaces?: DoctorSystem['interfaces'];
  readonly clock?: FakeClockOptions;
  /** What the STUN server answers. @default the public address, the same port */
  readonly stun?: { readonly address?: string; readonly portShift?: number } | 'silent';
  /** What else runs meanwhile. */
  readonly beside?: (ports: WorldPorts) => Promise<Closable>;
  /** For each check, ms. */
  readonly limitMs?: number;
}

/** One thing that is wrong with a machine, and how it is told. */
export interface Case extends WorldOptions {
  readonly check: string;
  readonly found: RegExp;
  readonly todo: RegExp;
}

/** Beginnings of the problems that each test induces. */
interface Areas {
  readonly node: 'config' | 'node' | 'port' | 'metrics' | 'entry';
  readonly machine: 'address' | 'kernel' | 'files' | 'conntrack' | 'clock' | MachineParts;
  readonly domain: 'dns' | 'certificate';
  readonly cluster: 'redis' | 'sentinel' | 'turn';
}
type MachineParts = 'disk' | 'memory' | 'worker' | 'jobs';

type Of<Test extends keyof Areas> = Extract<Problem, `${Areas[Test]}-${string}`>;

/**
 * One case for each problem of a test: a new problem without one is a type error in it, and one that
 * no test has is a type error in all.
 */
export type CasesOf<Test extends keyof Areas> = [Exclude<Problem, Of<keyof Areas>>] extends [never]
  ? Readonly<Record<Of<Test>, Case>>
  : never;

const LOOPBACK = {
  address: HOST,
  netmask: '255.0.0.0',
  family: 'IPv4' as const,
  mac: '00:00:00:00:00:00',
  internal: true,
  cidr: '127.0.0.1/8',
};
export const ONLY_LOOPBACK = { lo: [LOOPBACK] };

/** What programs answer on a healthy machine. */
const PROGRAMS: Readonly<Record<string, RunResult | undefined>> = {
  'systemctl is-active sluice-haproxy': { code: 3, output: 'inactive\n' },
  'systemctl is-active sluice-notrack': { code: 0, output: 'active\n' },
  'turnserver --version': { code: 0, output: '4.6.1\n' },
};

/** The same of one on which install.sh --jobs has been run, by who may write everywhere. */
export const JOB_PROGRAMS: Readonly<Record<string, RunResult>> = {
  ...Object.fromEntries(
    ['ffmpeg', '/usr/bin/chromium', 'Xvfb', 'pulseaudio'].map((program) => [
      `sh -c command -v "$1" sh ${program}`,
      { code: 0, output: `${program}\n` },
    ]),
  ),
  'ffmpeg -version': { code: 0, output: 'ffmpeg version 5.1.6-0+deb12u1 Copyright (c)\n' },
  [`test -w ${tmpdir()}`]: { code: 0, output: '' },
  'test -w /srv/recordings': { code: 0, output: '' },
};

/** Looks at a machine on which all is well, but for what is said. */
export async function doctor(options: WorldOptions = {}): Promise<DoctorReport> {
  const open: Closable[] = [];
  try {
    const first = await freePortRange(7);
    const [http = 0, metrics = 0, udp = 0, tcp = 0, turn = 0, link = 0, spare = 0] = Array.from(
      { length: 7 },
      (_, i) => first + i,
    );
    const ports = { http, metrics, udp, tcp, turn, link, spare };
    const stun = await stunServer(options.stun ?? {});
    open.push(stun);
    const clock = await fakeTimeServer(options.clock);
    open.push(clock);
    const beside = await options.beside?.(ports);
    if (beside !== undefined) open.push(beside);
    const config = configOf(options, ports, stun.port);
    const asked =
      typeof options.question === 'function' ? options.question(ports) : options.question;
    return await runDoctor({
      question: {
        config,
        warnings: [],
        domainPort: 443,
        timeServer: `${HOST}:${clock.port}`,
        ...asked,
      },
      system: await systemOf(options, ports),
      ...(options.limitMs === undefined ? {} : { limitMs: options.limitMs }),
    });
  } finally {
    for (const each of open.reverse()) await each.close();
  }
}

function configOf({ config: given }: WorldOptions, ports: WorldPorts, stunPort: number) {
  const over = (typeof given === 'function' ? given(ports) : given) ?? {};
  return configSchema.parse({
    ...{ keys: { APIexample: 'x'.repeat(32) }, bind_addresses: [HOST], port: ports.http },
    ...over,
    prometheus: { port: ports.metrics, ...over.prometheus },
    rtc: {
      udp_port: `${ports.udp}`,
      tcp_port: ports.tcp,
      use_external_ip: true,
      stun_servers: [`${HOST}:${stunPort}`],
      ...over.rtc,
    },
    sluice: {
      workers: 1,
      cluster: { secret: 'c'.repeat(32) },
      node_link: { address: HOST, port: ports.link },
      ...over.sluice,
    },
  });
}

async function systemOf(options: WorldOptions, ports: WorldPorts): Promise<DoctorSystem> {
  const real = linuxSystem();
  const wanted = parseSysctl((await real.read(SYSCTL_FILE)) ?? '');
  const given = typeof options.files === 'function' ? options.files(ports) : options.files;
  const files: Readonly<Record<string, string | undefined | Error>> = given ?? {};
  return {
    ...real,
    interfaces: options.interfaces ?? ONLY_LOOPBACK,
    read: async (path) => {
      if (Object.hasOwn(files, path)) {
        const found = files[path];
        if (found instanceof Error) throw found;
        return found;
      }
      if (path === SYSCTL_FILE) return real.read(path);
      // Away from the ports of tests.
      if (path === PORT_RANGE) return '40000\t49999\n';
      // As install.sh leaves it, with no firewall.
      return path.startsWith('/proc/sys/')
        ? wanted.get(path.slice('/proc/sys/'.length).replaceAll('/', '.'))
        : undefined;
    },
    space: async (path) => (options.disk ?? (() => SPACE))(path),
    memory: async () => options.memory ?? { totalBytes: 4 * GB, availableBytes: 3 * GB },
    resolve: options.resolve ?? (async () => [HOST]),
    run: async (command, args) =>
      ({ ...PROGRAMS, ...options.programs })[[command, ...args].join(' ')],
    openFilesLimit: () => options.openFilesLimit ?? 1_048_576,
    roots: options.roots ?? (() => []),
  };
}

export const SPACE: DiskSpace = {
  totalBytes: 100 * GB,
  freeBytes: 50 * GB,
  totalFiles: 1_000_000,
  freeFiles: 500_000,
  isReadOnly: false,
};

async function stunServer(answers: Exclude<WorldOptions['stun'], undefined>) {
  const socket = createSocket('udp4');
  socket.on('message', (packet, from) => {
    const request = decodeStun(packet);
    if (request === undefined || answers === 'silent') return;
    const { address = PUBLIC, portShift = 0 } = answers;
    socket.send(
      stunSuccess(request.transaction, address, from.port + portShift),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  return {
    port: socket.address().port,
    close: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

/** All that is not in order. */
export const bad = ({ findings }: DoctorReport) =>
  findings.filter(({ status }) => status === 'failed' || status === 'warning');

/** That this one problem is told, with what to do, and nothing else is held to be bad. */
export async function tells(problem: Problem, given: Case): Promise<void> {
  const { check, found, todo, ...world } = given;
  const report = await doctor(world);
  const told = report.findings.filter((each) => 'problem' in each && each.problem === problem);
  const all = JSON.stringify(report.findings, undefined, 1);
  assert.equal(told.length, 1, all);
  const [finding] = told;
  assert.equal(finding?.check, check);
  assert.equal(finding?.status, PROBLEMS[problem]);
  assert.match(finding?.found ?? '', found);
  assert.match(finding?.todo ?? '', todo);
  const others = bad(report).filter((each) => each !== finding);
  assert.deepEqual(others, [], all);
}

/** Names and cases of an area, with their types. */
export const casesOf = (cases: Readonly<Partial<Record<Problem, Case>>>): [Problem, Case][] =>
  Object.entries(cases) as [Problem, Case][];
