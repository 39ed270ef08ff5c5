import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, problemsOf } from './config-support';

// As OpenVidu's documentation of load distribution shows them.
const EGRESS = `cpu_cost:
    room_composite_cpu_cost: 3.0
    web_cpu_cost: 3.0
    track_composite_cpu_cost: 2.0
    track_cpu_cost: 1.0
`;
const INGRESS = `cpu_cost:
    rtmp_cpu_cost: 2.0
    whip_cpu_cost: 2.0
    whip_bypass_transcoding_cpu_cost: 0.1
    url_cpu_cost: 2.0
    min_idle_ratio: 0.3
`;

const indented = (yaml: string): string => yaml.replace(/^/gm, '  ');

describe('egress.yaml and ingress.yaml', () => {
  it('have the costs of the documentation by default', () => {
    const { egress, ingress } = load().config;
    const files = { 'egress.yaml': { text: EGRESS }, 'ingress.yaml': { text: INGRESS } };
    const argv = ['--egress-config', 'egress.yaml', '--ingress-config', 'ingress.yaml'];
    const given = load({ files, argv }).config;
    assert.deepEqual(given.egress, egress);
    assert.deepEqual(given.ingress, ingress);
  });

  it('mean the same as files of their own, by variable, and as sections of sluice.yaml', () => {
    const egress = EGRESS.replace('room_composite_cpu_cost: 3', 'room_composite_cpu_cost: 5');
    const ingress = INGRESS.replace('rtmp_cpu_cost: 2.0', 'rtmp_cpu_cost: 1.5');
    const files = { '/e.yaml': { text: egress }, '/i.yaml': { text: ingress } };
    const apart = [
      load({ files, argv: ['--egress-config', '/e.yaml', '--ingress-config', '/i.yaml'] }),
      load({
        files,
        env: { SLUICE_EGRESS_CONFIG_FILE: '/e.yaml', SLUICE_INGRESS_CONFIG_FILE: '/i.yaml' },
      }),
      load({ yaml: `egress:\n${indented(egress)}\ningress:\n${indented(ingress)}` }),
    ];
    for (const { config } of apart) {
      assert.equal(config.egress.cpu_cost.room_composite_cpu_cost, 5);
      assert.equal(config.egress.cpu_cost.participant_cpu_cost, 2);
      assert.equal(config.ingress.cpu_cost.rtmp_cpu_cost, 1.5);
      assert.equal(config.ingress.cpu_cost.min_idle_ratio, 0.3);
    }
  });

  it('win key by key over the section in sluice.yaml, and options over them', () => {
    const { config } = load({
      yaml: 'egress:\n  cpu_cost:\n    web_cpu_cost: 7\n    track_cpu_cost: 7\n',
      files: { 'e.yaml': { text: 'cpu_cost: { web_cpu_cost: 6, participant_cpu_cost: 6 }' } },
      argv: ['--egress-config', 'e.yaml', '--egress.cpu_cost.participant_cpu_cost', '5'],
    });
    const { web_cpu_cost, track_cpu_cost, participant_cpu_cost } = config.egress.cpu_cost;
    assert.deepEqual([web_cpu_cost, track_cpu_cost, participant_cpu_cost], [6, 7, 5]);
  });

  it('say with file and line what is wrong in them', () => {
    const problems = (text: string) =>
      problemsOf({ files: { 'e.yaml': { text } }, argv: ['--egress-config', 'e.yaml'] });
    assert.match(
      problems('cpu_cost:\n  web_cpu_cots: 3\n').join(),
      /e\.yaml:2:3: egress\.cpu_cost\.web_cpu_cots is not a known key; did you mean web_cpu_cost/,
    );
    assert.match(
      problems('cpu_cost:\n  web_cpu_cost: -1\n').join(),
      /e\.yaml:2:17: egress\.cpu_cost\.web_cpu_cost is given as -1; allowed is a number from 0/,
    );
    assert.match(problems('- 1').join(), /e\.yaml:1:1: egress is given as/);
    assert.match(problems('a: [').join(), /e\.yaml:1:\d+: this is not YAML/);
    assert.match(
      problemsOf({ argv: ['--egress-config', 'none.yaml'] }).join(),
      /--egress-config none\.yaml cannot be read: ENOENT/,
    );
    assert.match(
      problemsOf({ env: { SLUICE_EGRESS_CONFIG_FILE: 'none.yaml' } }).join(),
      /SLUICE_EGRESS_CONFIG_FILE: none\.yaml cannot be read/,
    );
  });
});
