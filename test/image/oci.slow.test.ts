/** An OCI image as docs/operating.md has people make and run one; other programs read it. */
import assert from 'node:assert/strict';
import {
  type ChildProcess,
  execFileSync,
  type SpawnSyncReturns,
  spawn,
  spawnSync,
} from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { leaveCalls } from '../cluster/support/calls';
import { allBlocks, REPOSITORY } from '../docs/support/pages';
import type { CallClient } from '../support/call-client';
import { RustClients } from '../support/call-client-rust';
import { joinToken } from '../support/tokens';
import { until, within } from '../support/wait';
import { DebianRoot } from './support/debian-root';
import { addDownloads } from './support/downloads';
import { type ReadLayout, readLayout } from './support/oci-layout';
import { callGoesOn } from './support/own-cluster';

const IMAGE = join(REPOSITORY, 'node-image/image');
const SIGNER = { apiKey: 'APIdemo', apiSecret: 's'.repeat(40) };
const ADDRESS = '10.0.0.5';
/** Clients leave the loopback interface out. */
const NETWORK = `ip link set lo up && ip link add lan0 type veth peer name lan1 &&
  ip link set lan1 up && ip link set lan0 up &&
  ip address add ${ADDRESS}/24 dev lan0 && echo up && exec sleep inf`;
const CONFIG = `bind_addresses: ['0.0.0.0']
keys: { ${SIGNER.apiKey}: ${SIGNER.apiSecret} }
sluice: { workers: 1 }
rtc: { node_ip: ${ADDRESS} }
turn: { enabled: true, udp_port: 3478, bind_addresses: ['${ADDRESS}'] }
`;
const EPOCH = 1_700_000_000;
const [MAKE = '', COPY = '', RUN = ''] = allBlocks()
  .filter(({ notRun }) => /oci\.slow/.test(notRun ?? ''))
  .flatMap(({ text }) => text.trim().replaceAll('\\\n ', '').split('\n'));
const version = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version;

describe('an OCI image', { concurrency: 1 }, () => {
  let folder = '';
  let network: ChildProcess;
  let clients: RustClients | undefined;
  let env: NodeJS.ProcessEnv;
  let read: ReadLayout | undefined;
  const path = (name: string): string => join(folder, name);
  const image = (): ReadLayout => {
    read ??= readLayout(path('sluice-oci'));
    return read;
  };
  /** Runs a command of the shell in the folder, on a network of the test. */
  const run = (command: string): SpawnSyncReturns<string> =>
    spawnSync('nsenter', ['-t', `${network.pid}`, '-n', '--', 'bash', '-c', command], {
      cwd: folder,
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
  const sh = (command: string): string => {
    const { status, stdout, stderr } = run(command);
    assert.equal(status, 0, `${command}\n${stdout.slice(-5_000)}\n${stderr}`);
    return stdout;
  };
  const logs = (): string => sh('podman logs sluice 2>&1');

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-oci-'));
    network = spawn('unshare', ['-n', 'sh', '-c', NETWORK]);
    await within('the network', once(network.stdout ?? network, 'data'));
    // Podman keeps all it has in the folder, and needs no systemd.
    writeFileSync(
      path('storage.conf'),
      `[storage]\ndriver = "overlay"\ngraphroot = "${path('storage')}"\nrunroot = "${path('run')}"\n`,
    );
    writeFileSync(
      path('containers.conf'),
      `[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n`,
    );
    env = {
      ...process.env,
      CONTAINERS_STORAGE_CONF: path('storage.conf'),
      CONTAINERS_CONF: path('containers.conf'),
      XDG_RUNTIME_DIR: path('run'),
      SOURCE_DATE_EPOCH: `${EPOCH}`,
    };
    mkdirSync(path('run'));
    const root = new DebianRoot();
    try {
      root.addSources();
      addDownloads(root);
      const given = '--base given/root --downloads given/downloads --worker given/worker';
      mkdirSync(path('given/downloads'), { recursive: true });
      execFileSync('sh', ['-c', `mv ${root.path}/downloads/*.tgz given/downloads`], {
        cwd: folder,
      });
      execFileSync('mv', [join(root.path, 'downloads/worker'), path('given/worker')]);
      rmSync(join(root.path, 'downloads'), { recursive: true });
      // From these very files, whatever is changed in the project meanwhile.
      execFileSync('mv', [join(root.path, 'src'), path('src')]);
      execFileSync('mv', [root.path, path('given/root')]);
      assert.match(MAKE, /^node-image\/image\/oci\.sh /);
      execFileSync('bash', ['-c', `src/${MAKE} ${given}`], { cwd: folder, env, stdio: 'pipe' });
    } finally {
      root.remove();
    }
  });
  after(async () => {
    network?.kill();
    await clients?.close();
    spawnSync('podman', ['rm', '--force', '--time', '1', 'sluice'], { env });
    // Podman has mounted its storage on itself.
    spawnSync('umount', ['--recursive', path('storage/overlay')]);
    execFileSync('rm', ['-rf', folder]);
  });

  test('its layout is one of the specification, with nothing of the machine that made it', () => {
    const { tag, config, layers } = image();
    assert.equal(tag, version);
    assert.equal(config.created, new Date(EPOCH * 1000).toISOString().replace('.000', ''));
    assert.equal(config.config.Labels['org.opencontainers.image.version'], version);
    const names = layers.map((tar, index) => {
      writeFileSync(path(`layer-${index}`), tar);
      return sh(`tar -tf layer-${index}`).split('\n');
    });
    assert.ok(names[0]?.includes('./usr/bin/turnserver'));
    assert.ok(names[1]?.includes('./opt/sluice/bin/sluice'));
    const program = names.map((list) => list.some((name) => /^\.\/opt\/sluice\/./.test(name)));
    assert.deepEqual(program, [false, true], 'an upgrade of Sluice brings the second layer alone');
    for (const name of ['./src/', './given/', './etc/hostname', './var/log/dpkg.log']) {
      assert.ok(!names.flat().includes(name), name);
    }
    for (const name of ['etc/resolv.conf', 'etc/machine-id']) {
      assert.equal(sh(`tar -xOf layer-0 ./${name}`), '', name);
    }
  });

  test('packed again another day, it is the same to the byte', () => {
    sh(`umoci unpack --image sluice-oci:${version} unpacked`);
    sh(`find unpacked/rootfs -newermt @${EPOCH - 1} -exec touch --no-dereference {} +`);
    // As of an older checkout.
    const old = `touch --no-dereference --date=@${EPOCH - 86_400} {} +`;
    sh(`find unpacked/rootfs/opt/sluice/releases -type f -exec ${old}`);
    const pack = [join(IMAGE, 'lib/oci-layout.mjs'), path('unpacked/rootfs'), path('again')];
    execFileSync(process.execPath, [...pack, version, `${EPOCH}`], { stdio: 'pipe' });
    rmSync(path('unpacked'), { recursive: true });
    const [first, again] = ['sluice-oci', 'again'].map((name) =>
      readFileSync(path(`${name}/index.json`), 'utf8'),
    );
    assert.equal(again, first);
  });

  test('Podman runs it as the page says, and a call goes through it', async () => {
    writeFileSync(path('sluice.yaml'), CONFIG);
    sh(COPY.replaceAll('VERSION', version));
    // No more open files than this machine lets one have.
    const files = execFileSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
    const documented = RUN.replaceAll('VERSION', version).replaceAll('1048576', files);
    sh(documented.replace('podman run', 'podman run --ulimit nproc=4096:4096'));
    const { Test } = image().config.config.Healthcheck;
    const health = (): boolean => run(`podman exec sluice sh -c '${Test[1]}'`).status === 0;
    await until('its health check to pass', health, { timeoutMs: 30_000, explain: logs });

    const status = sh("podman exec sluice sh -c 'cat /proc/1/status'");
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.doesNotMatch(status, /^Uid:\s+0\s/m);
    const limits = sh("podman exec sluice sh -c 'cat /proc/1/limits'");
    assert.match(limits, new RegExp(`^Max open files +${files} +${files} `, 'm'));
    assert.match(sh("podman exec sluice sh -c 'cat /proc/[0-9]*/comm'"), /^turnserver$/m);

    clients = await RustClients.start({}, ['nsenter', '-t', `${network.pid}`, '-n', '--']);
    const members: CallClient[] = [];
    for (const identity of ['ada', 'bob']) {
      const token = await joinToken(SIGNER, 'demo', identity);
      members.push(await clients.join(identity, `ws://${ADDRESS}:7880`, token));
    }
    const call = { room: 'demo', members };
    await callGoesOn(call);
    await leaveCalls([call]);

    sh('podman stop sluice');
    const ended = sh("podman inspect sluice --format '{{.State.ExitCode}}'");
    assert.equal(ended.trim(), '0', logs());
  });

  test('the files for Compose and Quadlet say what the command says', () => {
    const words = new Set(RUN.replaceAll('VERSION', version).split(/ +/));
    const has = (...wanted: readonly string[]): void => {
      for (const word of wanted) assert.ok(words.has(word), word);
    };
    const { sluice } = parse(readFileSync(join(IMAGE, 'container/compose.yaml'), 'utf8')).services;
    has(sluice.network_mode, sluice.tmpfs, ...sluice.cap_drop, ...sluice.security_opt);
    has(...sluice.volumes, `localhost/${sluice.image}`);
    has(`nofile=${sluice.ulimits.nofile}:${sluice.ulimits.nofile}`);
    has(parse(sluice.stop_grace_period.replace('s', '')).toString());
    assert.equal(sluice.read_only, words.has('--read-only'));

    const unit = readFileSync(join(IMAGE, 'container/sluice.container'), 'utf8');
    const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? key;
    has(value('Image'), value('Network'), value('Tmpfs'), value('DropCapability'));
    has(value('ContainerName'), ...value('PodmanArgs').split(' '));
    assert.equal(value('Volume'), sluice.volumes[0].replace('./', '/etc/sluice/'));
    const { Test } = image().config.config.Healthcheck;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of a shell.
    const check = Test[1].replace('${LIVEKIT_PORT:-7880}', '7880').replaceAll('"', '');
    assert.equal(value('HealthCmd'), check);
    assert.deepEqual([value('ReadOnly'), value('NoNewPrivileges')], ['true', 'true']);
  });
});
