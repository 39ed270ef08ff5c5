import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fakeNode } from './support/fake-node';
import {
  bad,
  type CasesOf,
  casesOf,
  doctor,
  JOB_PROGRAMS,
  ONLY_LOOPBACK,
  PORT_RANGE,
  SPACE,
  tells,
  type WorldPorts,
} from './support/world';

const MB = 1024 * 1024;
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';
const STATE = '/var/lib/sluice';
const onState = (space: Partial<typeof SPACE>) => (path: string) =>
  path === STATE ? { ...SPACE, ...space } : SPACE;

const CASES: CasesOf<'machine'> = {
  'address-none': {
    config: { rtc: { ips: { includes: ['203.0.113.0/24'], excludes: [] } } },
    check: 'Public address',
    found: /^no address is left for media of 127\.0\.0\.1$/,
    todo: /rtc\.interfaces and rtc\.ips/,
  },
  'address-unknown': {
    stun: 'silent',
    check: 'Public address',
    found: /^no STUN server answered, so clients are told 127\.0\.0\.1/,
    todo: /rtc\.stun_servers, or set rtc\.node_ip/,
  },
  'address-hidden': {
    config: { rtc: { use_external_ip: false } },
    check: 'Public address',
    found: /^clients are told 127\.0\.0\.1.*; the internet sees 198\.51\.100\.7$/,
    todo: /^Set rtc\.use_external_ip: true, or rtc\.node_ip: 198\.51\.100\.7/,
  },
  'address-wrong': {
    config: { rtc: { use_external_ip: false, node_ip: '203.0.113.4' } },
    check: 'Public address',
    found:
      /^clients are told 203\.0\.113\.4, and the internet sees 127\.0\.0\.1 as 198\.51\.100\.7$/,
    todo: /^Correct rtc\.node_ip, unless 203\.0\.113\.4 leads to this machine too/,
  },
  'address-nat': {
    stun: { portShift: 1 },
    check: 'Public address',
    found: /^a NAT before this machine changes ports: \d+ is seen as \d+$/,
    todo: /^Have it forward UDP \d+ to \d+, .* to 127\.0\.0\.1 unchanged\.$/,
  },
  'kernel-buffers': {
    files: { '/proc/sys/net/core/rmem_max': '212992\n' },
    check: 'Kernel',
    found:
      /^net\.core\.rmem_max is 212992, and should be 26214400: a burst of media loses packets$/,
    todo: /sysctl -p/,
  },
  'kernel-queues': {
    files: { '/proc/sys/net/core/somaxconn': '4096\n' },
    check: 'Kernel',
    found: /^net\.core\.somaxconn is 4096, and should be 32768: of clients/,
    todo: /sysctl -p/,
  },
  'kernel-ports': {
    files: ({ udp }: WorldPorts) => ({ [PORT_RANGE]: `${udp}\t${udp}\n` }),
    check: 'Kernel',
    found: /take ports from \d+ to \d+, among them \d+ \(ICE\/UDP\): one that is taken/,
    todo: /^net\.ipv4\.ip_local_port_range should be 10240 29999\./,
  },
  'kernel-files': {
    files: { '/proc/sys/fs/nr_open': '1024\n' },
    check: 'Kernel',
    found: /^fs\.nr_open is 1024, and should be 1048576/,
    todo: /sysctl -p/,
  },
  'files-few': {
    openFilesLimit: 1024,
    check: 'Open files',
    found: /^a process started here may have 1024 open, and with all clients it needs about 2272$/,
    todo: /LimitNOFILE/,
  },
  'files-full': {
    beside: (ports) =>
      fakeNode(ports, {
        metrics: 'sluice_file_descriptors 9500\nsluice_file_descriptor_limit 10000\n',
      }),
    check: 'Open files',
    found: /^the node has 9500 of 10000 open: clients are refused$/,
    todo: /LimitNOFILE/,
  },
  'conntrack-full': {
    files: { [MAX]: '1000\n', [COUNT]: '950\n' },
    check: 'Connection tracking',
    found: /^950 of 1000 connections are tracked: packets of others are dropped$/,
    todo: /nf_conntrack_max/,
  },
  'conntrack-media': {
    files: { [MAX]: '1000\n', [COUNT]: '10\n' },
    programs: { 'systemctl is-active sluice-notrack': { code: 3, output: 'inactive\n' } },
    check: 'Connection tracking',
    found: /^10 of 1000 connections are tracked, media too/,
    todo: /systemctl start sluice-notrack/,
  },
  'clock-wrong': {
    clock: { aheadMs: 300_000 },
    check: 'Clock',
    found: /^it is (299|300)\.\d+ s behind 127\.0\.0\.1:\d+: tokens are refused/,
    todo: /timedatectl set-ntp true/,
  },
  'clock-off': {
    clock: { aheadMs: -5000 },
    check: 'Clock',
    found: /^it is [45]\.\d+ s ahead of 127\.0\.0\.1:\d+$/,
    todo: /timedatectl set-ntp true/,
  },
  'clock-unknown': {
    clock: { spoil: 'silent' },
    programs: {
      'timedatectl show --property=NTPSynchronized --value': { code: 0, output: 'no\n' },
    },
    check: 'Clock',
    found: /^the time server 127\.0\.0\.1:\d+ does not answer, and timedatectl knows of no other$/,
    todo: /--time-server/,
  },
  'disk-missing': {
    config: { sluice: { ledger: { disk_path: '/data' } } },
    disk: (path) => (path === '/data' ? undefined : SPACE),
    check: 'Disk',
    found: /^there is no \/data/,
    todo: /sluice\.ledger\.disk_path/,
  },
  'disk-full': {
    disk: onState({ freeBytes: 20 * MB }),
    check: 'Disk',
    found: /^\/var\/lib\/sluice has 20 MB free$/,
    todo: /du -xh \/var\/lib\/sluice/,
  },
  'disk-files': {
    disk: onState({ freeFiles: 0 }),
    check: 'Disk',
    found: /^\/var\/lib\/sluice has no room for another file, though 51200 MB are free$/,
    todo: /du --inodes/,
  },
  'disk-read-only': {
    disk: onState({ isReadOnly: true }),
    check: 'Disk',
    found: /^\/var\/lib\/sluice is read-only$/,
    todo: /dmesg/,
  },
  'disk-low': {
    disk: onState({ freeBytes: SPACE.totalBytes * 0.04 }),
    check: 'Disk',
    found: /^\/var\/lib\/sluice is 96 % full/,
    todo: /journalctl --vacuum-size/,
  },
  'memory-small': {
    memory: { totalBytes: 500 * MB, availableBytes: 400 * MB },
    check: 'Memory',
    found: /^500 MB, 400 MB of it available; 640 MB are wanted for a node with 1 workers$/,
    todo: /sluice\.workers/,
  },
  'memory-short': {
    memory: { totalBytes: 4000 * MB, availableBytes: 100 * MB },
    check: 'Memory',
    found: /^4000 MB, 100 MB of it available: 640 MB should be$/,
    todo: /ps aux/,
  },
  'worker-missing': {
    question: { workerBin: '/no/such/worker' },
    check: 'Media worker',
    found: /^\/no\/such\/worker does not start: .*ENOENT/,
    todo: /MEDIASOUP_WORKER_BIN/,
  },
  'jobs-ffmpeg': {
    config: { egress: { storage: { s3: { bucket: 'recordings' } } } },
    check: 'Jobs',
    found: /^ffmpeg is not installed: this node records and streams nothing$/,
    todo: /install\.sh --jobs/,
  },
  'jobs-browser': {
    programs: { ...JOB_PROGRAMS, 'sh -c command -v "$1" sh /usr/bin/chromium': undefined },
    check: 'Jobs',
    found: /^there is no \/usr\/bin\/chromium: this node records no Room composites/,
    todo: /On Ubuntu Chromium is no package: .*egress\.browser/,
  },
  'jobs-sandbox': {
    config: { egress: { enable_chrome_sandbox: true } },
    programs: JOB_PROGRAMS,
    files: { '/proc/sys/user/max_user_namespaces': '0\n' },
    check: 'Jobs',
    found: /^the kernel lets users make no namespaces/,
    todo: /sysctl .*LIVEKIT_EGRESS_ENABLE_CHROME_SANDBOX=false/,
  },
  'jobs-folder': {
    config: { egress: { local_directory: '/srv/recordings' } },
    programs: { ...JOB_PROGRAMS, 'test -w /srv/recordings': { code: 1, output: '' } },
    check: 'Jobs',
    found: /^\/srv\/recordings is closed to the node \(egress\.local_directory\)/,
    todo: /^Make it: install -d -o sluice -g sluice -m 700 \/srv\/recordings/,
  },
  'jobs-disk': {
    config: { egress: { local_directory: '/srv/recordings' } },
    programs: JOB_PROGRAMS,
    disk: (path) => (path === '/srv/recordings' ? { ...SPACE, freeBytes: 900 * MB } : SPACE),
    check: 'Jobs',
    found: /^\/srv\/recordings \(egress\.local_directory\) has 900 MB free/,
    todo: /larger disk/,
  },
  'jobs-storage': {
    config: ({ spare }) => ({
      egress: {
        storage: {
          s3: {
            ...{ access_key: 'key', secret: 'not to be told', region: 'eu-west-1' },
            ...{ bucket: 'recordings', endpoint: `http://127.0.0.1:${spare}` },
            force_path_style: true,
          },
        },
      },
    }),
    programs: JOB_PROGRAMS,
    check: 'Jobs',
    found: /^recordings cannot be stored: Upload to .*recordings.* failed: (?!.*not to be told)/,
    todo: /Correct egress\.storage/,
  },
  'jobs-signaling': {
    config: ({ spare }) => ({ egress: { ws_url: `ws://127.0.0.1:${spare}` } }),
    programs: JOB_PROGRAMS,
    check: 'Jobs',
    found: /^nobody answers as ready at ws:\/\/127\.0\.0\.1:\d+/,
    todo: /Correct egress\.ws_url/,
  },
  'jobs-rtmps': {
    config: ({ spare }) => ({ ingress: { rtmps_port: spare } }),
    files: ({ link }) => ({
      '/run/sluice/haproxy/haproxy.cfg': `frontend entry\n    bind :${link} accept-proxy\n`,
    }),
    beside: (ports) => fakeNode(ports),
    check: 'Jobs',
    found: /^nothing listens on port \d+ \(RTMPS\)/,
    todo: /sluice boot/,
  },
};

describe('the machine', () => {
  it('tells with what it records', async () => {
    const report = await doctor({ programs: JOB_PROGRAMS });
    assert.deepEqual(bad(report), []);
    const jobs = report.findings.find(({ check }) => check === 'Jobs');
    assert.equal(jobs?.found, 'ffmpeg version 5.1.6; pages are recorded, too');
  });

  for (const [problem, each] of casesOf(CASES)) {
    it(`tells ${problem}`, () => tells(problem, each));
  }

  it('goes by the limit of the unit where the node does not run', async () => {
    const show = 'systemctl show sluice-node --property=LoadState --property=LimitNOFILE';
    const unit = (output: string) => ({
      openFilesLimit: 1024,
      programs: { [show]: { code: 0, output } },
    });
    const loaded = await doctor(unit('LoadState=loaded\nLimitNOFILE=1048576\n'));
    assert.deepEqual(bad(loaded), []);
    assert.match(JSON.stringify(loaded.findings), /the unit sluice-node may have 1048576/);
    const low = bad(await doctor(unit('LoadState=loaded\nLimitNOFILE=512\n')));
    assert.match(low[0]?.found ?? '', /^the unit sluice-node may have 512 open/);
    const none = bad(await doctor(unit('LoadState=not-found\nLimitNOFILE=524288\n')));
    assert.match(none[0]?.found ?? '', /^a process started here may have 1024 open/);
  });

  it('takes the word of timedatectl where no time server is reached', async () => {
    const report = await doctor({
      clock: { spoil: 'silent' },
      programs: {
        'timedatectl show --property=NTPSynchronized --value': { code: 0, output: 'yes\n' },
      },
    });
    assert.deepEqual(bad(report), []);
    assert.match(JSON.stringify(report.findings), /it is kept right, says timedatectl/);
  });

  it('tells a clock only as wrong as it must be: an answer under way for long says little', async () => {
    const report = await doctor({ clock: { aheadMs: 900 } });
    assert.deepEqual(bad(report), []);
  });

  it('tells the public address of a machine behind a NAT that changes nothing', async () => {
    const report = await doctor();
    const told = report.findings.find(({ check }) => check === 'Public address');
    assert.equal(told?.found, 'clients are told 198.51.100.7');
  });

  it('looks at what a Media Node needs of the kernel, and not a Master Node', async () => {
    const files = { '/proc/sys/net/core/rmem_default': '212992\n' };
    const redis = { address: '127.0.0.1:1' };
    const report = await doctor({
      files,
      config: { redis, sluice: { role: 'master', workers: 1 } },
      interfaces: ONLY_LOOPBACK,
    });
    assert.ok(!bad(report).some(({ check }) => check === 'Kernel'), JSON.stringify(bad(report)));
  });

  it('says so where a check fails by itself, or takes too long, and goes on', async () => {
    const failing = await doctor({
      disk: () => {
        throw new Error('EIO: i/o error');
      },
    });
    assert.deepEqual(bad(failing), []);
    const disk = failing.findings.find(({ check }) => check === 'Disk');
    assert.deepEqual(disk, {
      check: 'Disk',
      status: 'unchecked',
      found: 'this check has failed: EIO: i/o error',
    });
    const late = await doctor({ clock: { spoil: 'silent' }, limitMs: 300 });
    const clock = late.findings.find(({ check }) => check === 'Clock');
    assert.deepEqual(clock, {
      check: 'Clock',
      status: 'unchecked',
      found: 'this check has taken longer than 0.3 s',
    });
    assert.ok(late.findings.some(({ check }) => check === 'Memory'));
  });
});
