import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SluiceOptions } from '../../node-image/cli/program';
import { sluice } from './run-sluice';

type Asked = Parameters<SluiceOptions['agent']>[0];

const AWS = 'sluice: {cloud: {kind: aws, media_group: media}}';

async function agent(yaml: string, argv: readonly string[] = [], run?: SluiceOptions['agent']) {
  const asked: Asked[] = [];
  const env = { SLUICE_CONFIG: yaml, LIVEKIT_KEYS: `key: ${'s'.repeat(32)}` };
  const ran = await sluice(['agent', ...argv], {
    env,
    agent: async (options) => {
      asked.push(options);
      await run?.(options);
    },
  });
  return { ...ran, asked };
}

describe('sluice agent', () => {
  it('runs beside a node, with the configuration of the node', async () => {
    const { code, errors, asked } = await agent(AWS, ['--ready-within', '5m']);
    assert.deepEqual([code, errors], [0, '']);
    const [options] = asked;
    assert.equal(options?.config.sluice.cloud.media_group, 'media');
    assert.equal(options?.readyWithinMs, 300_000);
    assert.equal(options?.bootFile, '/etc/sluice/boot.json');
  });

  it('is not needed where there is no cloud, and says so', async () => {
    const { code, errors, asked } = await agent('{}');
    assert.equal(code, 2);
    assert.match(errors, /sluice\.cloud\.kind is none/);
    assert.deepEqual(asked, []);
  });

  it('refuses a configuration that cannot be used, and a time that is none', async () => {
    assert.equal((await agent('sluice: {cloud: {kind: mars}}')).code, 2);
    assert.equal((await agent(AWS, ['--ready-within', 'soon'])).code, 2);
  });

  it('fails with one sentence where it cannot begin', async () => {
    const { code, errors } = await agent(AWS, [], () =>
      Promise.reject(new Error('the metadata service does not answer')),
    );
    assert.equal(code, 1);
    assert.equal(errors, 'the metadata service does not answer\n');
  });
});
