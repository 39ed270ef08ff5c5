import { tmpdir } from 'node:os';
import type { SluiceConfig } from '../../contract';
import { reasonOf } from '../boot/boot-error';
import { askHttp } from './ask-http';
import type { Check, DoctorContext } from './context';
import { inMb, MB } from './megabytes';
import { probePort } from './port-probe';
import { type DoctorFinding, reportOf } from './problems';

const { ok, problem } = reportOf('Jobs');
const ANSWER_MS = 4000;
/** An hour of 1080p at the default bit rate. */
const LEAST_FREE_BYTES = 2048 * MB;
const HTTPS = 443;

/** What recordings and streams need of this machine. */
export const checkJobs: Check = async (context) => {
  const { config } = context;
  const rtmps = config.sluice.role === 'media' ? [] : await judgeRtmps(context);
  if (config.sluice.role === 'master') return rtmps;
  const ffmpeg = await versionOf(context, 'ffmpeg', '-version');
  if (ffmpeg === undefined) {
    const found = 'ffmpeg is not installed: this node records and streams nothing';
    const todo = 'Run install.sh --jobs, or apt install ffmpeg.';
    return [...rtmps, isWanted(config) ? problem('jobs-ffmpeg', found, todo) : ok(found)];
  }
  const found = [
    ...rtmps,
    ...(await judgePages(context)),
    ...(await judgeFolders(context)),
    ...(await judgeStorage(config)),
    ...(await judgeSignaling(context)),
  ];
  return found.length > 0 ? found : [ok(`${ffmpeg}; pages are recorded, too`)];
};

/** Whether the configuration says where recordings go. */
function isWanted({ egress }: SluiceConfig): boolean {
  const { s3, azure, gcp, alioss } = egress.storage;
  const places = [s3.bucket, azure.container_name, gcp.bucket, alioss.bucket];
  return [...places, egress.local_directory].some((place) => place !== '');
}

/** @returns the first words of what a program says of itself; undefined: it is not installed */
async function versionOf({ system }: DoctorContext, program: string, option: string) {
  const there = await system.run('sh', ['-c', 'command -v "$1"', 'sh', program]);
  if (there?.code !== 0) return undefined;
  const said = await system.run(program, [option]);
  return /^.*?\d[\d.]*\d/.exec(said?.output ?? '')?.[0] ?? program;
}

async function judgePages(context: DoctorContext): Promise<DoctorFinding[]> {
  const { config, system } = context;
  const { browser, enable_chrome_sandbox: sandbox } = config.egress;
  const missing: string[] = [];
  for (const program of [browser, 'Xvfb', 'pulseaudio']) {
    if ((await versionOf(context, program, '--version')) === undefined) missing.push(program);
  }
  if (missing.length > 0) {
    return [
      problem(
        'jobs-browser',
        `there is no ${missing.join(', ')}: this node records no Room composites and no web pages`,
        'On Debian run install.sh --jobs. On Ubuntu Chromium is no package: install a browser of its kind, xvfb and pulseaudio, and name it by egress.browser.',
      ),
    ];
  }
  if (!sandbox) return [];
  const namespaces = Number((await system.read('/proc/sys/user/max_user_namespaces')) ?? 1);
  const forUsers = Number((await system.read('/proc/sys/kernel/unprivileged_userns_clone')) ?? 1);
  if (namespaces > 0 && forUsers > 0) return [];
  return [
    problem(
      'jobs-sandbox',
      'the kernel lets users make no namespaces, which the sandbox of the browser is made of: no page is recorded',
      'Let them (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000), or do without by LIVEKIT_EGRESS_ENABLE_CHROME_SANDBOX=false in /etc/default/sluice.',
    ),
  ];
}

async function judgeFolders(context: DoctorContext): Promise<DoctorFinding[]> {
  const { local_directory, work_directory } = context.config.egress;
  const folders = { local_directory, work_directory: work_directory || tmpdir() };
  const findings: DoctorFinding[] = [];
  for (const [key, folder] of Object.entries(folders)) {
    if (folder !== '') findings.push(...(await judgeFolder(context, `egress.${key}`, folder)));
  }
  return findings;
}

async function judgeFolder(
  { system, question }: DoctorContext,
  key: string,
  folder: string,
): Promise<DoctorFinding[]> {
  const asNode = question.isInstalled === true ? ['runuser', '-u', 'sluice', '--'] : [];
  const [program = '', ...args] = [...asNode, 'test', '-w', folder];
  const writable = await system.run(program, args);
  const space = await system.space(folder);
  if (space === undefined || writable?.code !== 0) {
    const what = space === undefined ? `there is no ${folder}` : `${folder} is closed to the node`;
    return [
      problem(
        'jobs-folder',
        `${what} (${key}): recordings there fail`,
        `Make it: install -d -o sluice -g sluice -m 700 ${folder}; then systemctl restart sluice-boot sluice-node`,
      ),
    ];
  }
  if (space.freeBytes >= LEAST_FREE_BYTES) return [];
  return [
    problem(
      'jobs-disk',
      `${folder} (${key}) has ${inMb(space.freeBytes)} free, and an hour of 1080p is about 2000 MB`,
      `Give it a larger disk, or name another folder by ${key}.`,
    ),
  ];
}

/** Where files go whose request does not say; nothing is left there. */
async function judgeStorage(config: SluiceConfig): Promise<DoctorFinding[]> {
  // The clients of the clouds take long to load.
  const { configuredStorage } = await import('../../jobs/egress/configured-storage.js');
  const { openStorage } = await import('../../jobs/egress/upload/open-storage.js');
  try {
    const spec = configuredStorage(config, 'storage');
    if (spec === undefined) return [];
    const storage = openStorage(spec, '', config.sluice.cloud.identity);
    try {
      await storage.check('sluice-doctor');
    } finally {
      storage.close();
    }
    return [];
  } catch (error) {
    return [
      problem(
        'jobs-storage',
        `recordings cannot be stored: ${reasonOf(error)}`,
        'Correct egress.storage, or give this machine the rights that docs/egress.md lists.',
      ),
    ];
  }
}

/** Where the recorders of this node join Rooms, unless by the node itself. */
async function judgeSignaling({ config }: DoctorContext): Promise<DoctorFinding[]> {
  const { ws_url: address } = config.egress;
  if (address === '') return [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const tls = url?.protocol === 'wss:';
  const answer =
    url === undefined
      ? undefined
      : await askHttp({
          host: url.hostname.replace(/^\[|\]$/g, ''),
          port: Number(url.port) || (tls ? HTTPS : 80),
          timeoutMs: ANSWER_MS,
          tls,
          serverName: url.hostname,
        });
  if (answer?.kind === 'answer' && answer.status === 200) return [];
  return [
    problem(
      'jobs-signaling',
      `nobody answers as ready at ${address}, where recorders of Room composites join`,
      'Correct egress.ws_url, or leave it out: recorders join by their own node then. See too that this machine reaches the entry of the cluster.',
    ),
  ];
}

/** Of HAProxy, which has the certificate, or a load balancer that has it before it. */
async function judgeRtmps({ config, entry, node }: DoctorContext): Promise<DoctorFinding[]> {
  const { rtmps_port: port } = config.ingress;
  if (port === 0 || entry === undefined || node.kind !== 'node') return [];
  if (entry.certificate === undefined && !entry.takesProxyHeader) return [];
  const state = await probePort({ protocol: 'tcp', port, address: undefined });
  if (state === 'taken') return [ok(`encoders are taken by RTMPS at port ${port}`)];
  return [
    problem(
      'jobs-rtmps',
      `nothing listens on port ${port} (RTMPS), which ingress.rtmps_port names`,
      'Run `sluice boot` as root, which writes the configuration of HAProxy anew, then systemctl reload sluice-haproxy',
    ),
  ];
}
