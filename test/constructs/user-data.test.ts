import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MAX_USER_DATA_BYTES,
  renderUserData,
  shellWord,
  type UserDataOptions,
} from '../../constructs/private/user-data';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';

const OPTIONS: UserDataOptions = {
  boot: {
    cloud: 'aws',
    role: 'media',
    config: { ssm: '/sluice/Meet/MediaNodes-Config' },
    secrets: { cluster: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:Cluster-AbCdEf' },
    signal: { stack: 'Meet', resource: 'MediaNodesGroup' },
  },
  region: 'eu-central-1',
  revision: '0123456789ab',
  install: [],
};

const ALL: UserDataOptions = {
  ...OPTIONS,
  boot: {
    ...OPTIONS.boot,
    role: 'master',
    data_volume: { id: 'vol-0123', device: '/dev/sdf', mount: '/var/lib/sluice' },
    static_addresses: { tag: 'sluice:address-pool=Meet' },
    redis: { server: true },
    entry: { tls: false, port: 7443, redirect: false },
  },
  install: ['echo installing'],
  addressRecord: { zone: 'Z0123', name: 'master.meet.internal' },
};

describe('user data', () => {
  test('is far below what EC2 takes', () => {
    assert.ok(Buffer.byteLength(renderUserData(ALL)) < MAX_USER_DATA_BYTES / 4);
  });

  test('writes a boot.json that the machine takes', (t) => {
    const { file } = run(t, ALL);
    const plan = parseBootPlan(readFileSync(file('boot.json'), 'utf8'));
    assert.equal(plan.role, 'master');
    assert.deepEqual(plan.data_volume, ALL.boot.data_volume);
    assert.deepEqual(plan.secrets, ALL.boot.secrets);
    assert.equal(plan.redis.server, true);
    assert.equal(plan.entry?.port, 7443);
  });

  test('keeps whatever is in a name as it is', (t) => {
    for (const name of ["it's", '$(touch x)', '`id`', '"quoted"', 'a\\b', '<<EOF', '$HOME']) {
      const ssm = `/sluice/${name}`;
      const { file, code } = run(t, { ...OPTIONS, boot: { ...OPTIONS.boot, config: { ssm } } });
      assert.equal(code, 0);
      assert.equal(parseBootPlan(readFileSync(file('boot.json'), 'utf8')).config?.ssm, ssm);
    }
  });

  test('quotes any text as one word of shell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const word = text.replaceAll('\0', '');
        const printed = execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`]);
        assert.deepEqual(printed, Buffer.from(word));
      }),
      { numRuns: 50 },
    );
  });

  test('starts the node after all else has worked', (t) => {
    const { calls, code } = run(t, ALL);
    assert.equal(code, 0);
    assert.match(calls.at(-1) ?? '', /^start/);
    assert.equal(
      calls.some((call) => call.includes('signal-resource')),
      false,
    );
  });

  test('waits for the configuration that it is for, and starts with no other', (t) => {
    const { calls } = run(t, OPTIONS);
    const reads = calls.filter((call) => call.includes('ssm get-parameter'));
    assert.equal(reads.length, 3);
    assert.match(reads[0] ?? '', /--name \/sluice\/Meet\/MediaNodes-Config /);
    assert.deepEqual(
      calls.map((call) => call.split(' ', 1)[0]),
      ['aws', 'sleep', 'aws', 'sleep', 'aws', 'start'],
    );
  });

  test('names the private address of the machine in the zone', (t) => {
    const { calls } = run(t, ALL);
    const call = calls.find((each) => each.startsWith('aws route53')) ?? '';
    assert.match(call, /--hosted-zone-id Z0123/);
    const batch = JSON.parse(call.slice(call.indexOf('{')));
    assert.deepEqual(batch.Changes[0].ResourceRecordSet, {
      Name: 'master.meet.internal',
      Type: 'A',
      TTL: 5,
      ResourceRecords: [{ Value: 'answer-of-local-ipv4' }],
    });
  });

  test('tells the stack which line failed, in the 64 characters that there are', (t) => {
    const install = [
      'apt-get-of-a-distribution-that-has-no-such-program --with "many options" || false',
    ];
    const { calls, code } = run(t, { ...OPTIONS, install });
    assert.notEqual(code, 0);
    const signal = calls.find((each) => each.includes('signal-resource')) ?? '';
    assert.match(signal, /--stack-name Meet --logical-resource-id MediaNodesGroup/);
    assert.match(signal, /--status FAILURE/);
    const id = /--unique-id (.*) --status/.exec(signal)?.[1] ?? '';
    assert.match(id, /^answer-of-instance-id /);
    assert.ok(id.length <= 64, id);
    assert.equal(
      calls.some((call) => call.startsWith('start')),
      false,
    );
  });

  test('says what failed when a program of the installation does', (t) => {
    const { calls } = run(t, { ...OPTIONS, install: ['aws s3 cp refused /var/tmp/x'] });
    const signal = calls.find((each) => each.includes('signal-resource')) ?? '';
    assert.match(signal, /--unique-id answer-of-instance-id aws s3 cp refused/);
  });

  test('changes with the configuration, so that machines are replaced by ones that have it', () => {
    const other = renderUserData({ ...OPTIONS, revision: 'ba9876543210' });
    assert.notEqual(other, renderUserData(OPTIONS));
  });

  test('passes shellcheck', () => {
    for (const options of [OPTIONS, ALL]) {
      const { stdout, status } = spawnSync(
        'shellcheck',
        ['--shell=bash', '--severity=style', '-'],
        {
          input: renderUserData(options),
          encoding: 'utf8',
        },
      );
      assert.equal(status, 0, stdout);
    }
  });
});

/** Not there at first, then an older one, then the one that is waited for. */
const configuration = (reads: string) =>
  `echo >> '${reads}'; case $(wc -l < '${reads}') in 1) exit 254 ;; 2) echo '# Revision older' ;; *) printf '# Revision 0123456789ab\\nroom: {}\\n' ;; esac`;

/** Runs user data in a folder of its own, with stand-ins for what it calls. */
function run(t: { after(fn: () => void): void }, options: UserDataOptions) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-user-data-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => path.join(folder, name);
  mkdirSync(file('bin'));
  const program = (name: string, body: string) => {
    writeFileSync(
      file(name),
      `#!/bin/bash\necho "$(basename "$0") $*" >> '${file('calls')}'\n${body}\n`,
    );
    chmodSync(file(name), 0o755);
  };
  // It answers with the last part of what it was asked for.
  program('bin/curl', `for last; do :; done; echo "answer-of-$(basename "$last")"`);
  program(
    'bin/aws',
    `[[ "$*" != *refused* || "$*" == *signal-resource* ]] || exit 1\nif [[ "$*" == *get-parameter* ]]; then ${configuration(file('reads'))}; fi`,
  );
  program('bin/sleep', '');
  program('start', '');
  const script = renderUserData(options)
    .replaceAll('/etc/sluice', folder)
    .replaceAll('/opt/sluice/bin/start', file('start'));
  const { status } = spawnSync('bash', ['-c', script], {
    env: { PATH: `${file('bin')}:${process.env['PATH'] ?? ''}` },
    stdio: 'ignore',
  });
  let calls: string[] = [];
  try {
    calls = readFileSync(file('calls'), 'utf8').trimEnd().split('\n');
  } catch {
    // Nothing was called.
  }
  return { file, code: status, calls };
}
