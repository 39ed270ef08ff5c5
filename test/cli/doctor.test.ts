import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseVariables } from '../../node-image/cli/commands/doctor';
import type { DoctorQuestion } from '../../node-image/lifecycle/doctor/context';
import type { DoctorFinding } from '../../node-image/lifecycle/doctor/problems';
import { type RunOptions, sluice } from './run-sluice';

const FINDINGS: readonly DoctorFinding[] = [
  { check: 'Node', status: 'ok', found: 'it does not run' },
  {
    check: 'Ports',
    status: 'failed',
    found: 'another program has tcp 7880 (HTTP service)',
    todo: "See which: ss -ltnp 'sport = :7880'",
    problem: 'port-taken',
  },
  {
    check: 'Clock',
    status: 'warning',
    found: 'x\u001b[31m',
    todo: 'Keep it',
    problem: 'clock-off',
  },
  { check: 'DNS', status: 'unchecked', found: 'no name is known' },
];
const BODY = ['--config-body', 'sluice: {workers: 1}'];

async function run(
  argv: readonly string[],
  options: RunOptions = {},
  findings: readonly DoctorFinding[] = FINDINGS,
) {
  const asked: DoctorQuestion[] = [];
  const ran = await sluice(['doctor', ...argv], {
    doctor: async (question) => {
      asked.push(question);
      return { isRunning: true, findings };
    },
    ...options,
  });
  return { ...ran, asked };
}

describe('sluice doctor', () => {
  it('shows a table, and below it what to do', async () => {
    const { code, output, errors } = await run(BODY);
    assert.deepEqual([code, errors], [1, '']);
    assert.match(
      output,
      /\| Ports +\| FAILS +\| another program has tcp 7880 \(HTTP service\) +\|/,
    );
    assert.match(output, /\nWhat to do:\n- Ports: See which: ss -ltnp 'sport = :7880'\n- Clock: /);
    assert.match(output, /\n1 ok, 1 failed, 1 warned of, 1 not checked\.\n$/);
    assert.ok(!output.includes('\u001b'));
  });

  it('ends with 0 where nothing fails', async () => {
    const fine = FINDINGS.filter(({ status }) => status !== 'failed');
    assert.equal((await run(BODY, {}, fine)).code, 0);
  });

  it('answers in JSON, with the names of problems', async () => {
    const { code, output } = await run([...BODY, '--role', 'single', '--json']);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(output), {
      ok: false,
      role: 'single',
      running: true,
      findings: FINDINGS,
    });
  });

  it('asks for what the configuration says, unless it is said otherwise', async () => {
    const yaml = 'turn: {domain: turn.example.com}\nsluice: {workers: 1, cloud: {kind: aws}}';
    const [byConfig] = (await run(['--config-body', yaml])).asked;
    assert.equal(byConfig?.domain, 'turn.example.com');
    assert.equal(byConfig?.domainPort, 443);
    assert.equal(byConfig?.isInstalled, false);
    assert.equal(byConfig?.timeServer, '169.254.169.123:123');
    const [said] = (
      await run([
        ...['--config-body', yaml, '--domain', '198.51.100.7', '--domain-port', '8443'],
        ...['--time-server', 'time.example.com'],
      ])
    ).asked;
    assert.equal(said?.domain, '198.51.100.7');
    assert.equal(said?.domainPort, 8443);
    assert.equal(said?.timeServer, 'time.example.com:123');
    const [plain] = (await run(BODY)).asked;
    assert.deepEqual([plain?.domain, plain?.timeServer], [undefined, 'pool.ntp.org:123']);
  });

  it('reads the variables of the unit, as systemd does', () => {
    const text = "# of the boot\nREDIS_PASSWORD='p=1'\nHTTPS_PROXY=http://proxy:3128\n\nnonsense\n";
    assert.deepEqual(parseVariables(text), {
      REDIS_PASSWORD: 'p=1',
      HTTPS_PROXY: 'http://proxy:3128',
    });
  });

  it('ends with 2 for what cannot be, says what can, and looks at nothing', async () => {
    for (const [argv, told] of [
      [[...BODY, '--domain', 'meet'], /a host name such as meet\.example\.com, or an address/],
      [[...BODY, '--domain-port', '0'], /a whole number, 1 or more/],
      [[...BODY, '--time-server', 'x y'], /host:port, such as pool\.ntp\.org:123/],
      [['--config', '/no/such/sluice.yaml'], /--config \/no\/such\/sluice\.yaml cannot be read/],
      [['--config-body', 'prot: 7880'], /prot is not a known key/],
      [[...BODY, 'extra'], /too many arguments/],
    ] as const) {
      const { code, errors, output, asked } = await run(argv);
      assert.deepEqual([code, output, asked], [2, '', []], argv.join(' '));
      assert.match(errors, told);
    }
  });
});
