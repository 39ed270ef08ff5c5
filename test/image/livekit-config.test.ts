import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../node-image/lifecycle/cli';

const CONFIG = {
  keys: { devkey: 'a-secret-of-the-tests-that-is-long-enough' },
  redis: { address: '10.0.0.5:6379', password: 'hush', tls: { enabled: true } },
  egress: { ws_url: 'wss://meet.example.com' },
};

async function configOf(service: string, more: object = {}) {
  let output = '';
  let errors = '';
  const code = await runCli({
    argv: ['livekit-config', service],
    env: { SLUICE_CONFIG: JSON.stringify({ ...CONFIG, ...more }) },
    serve: () => assert.fail('nothing is to be served'),
    print: (text) => {
      output += text;
    },
    printError: (text) => {
      errors += text;
    },
  });
  return { code, errors, output, values: code === 0 ? JSON.parse(output) : {} };
}

describe("the configuration of LiveKit's own services", () => {
  it('says where Redis and the cluster are, and whose key they use, on one line', async () => {
    const { values, output } = await configOf('egress');
    assert.equal(output.trim().split('\n').length, 1);
    const { redis, api_key, api_secret, ws_url } = values;
    assert.deepEqual([api_key, api_secret], ['devkey', CONFIG.keys.devkey]);
    assert.equal(ws_url, 'wss://meet.example.com');
    assert.deepEqual(
      [redis.address, redis.password, redis.tls.enabled],
      ['10.0.0.5:6379', 'hush', true],
    );
    assert.equal('sentinel_addresses' in redis, false);
    assert.deepEqual(values.storage, undefined);
    assert.equal(values.cpu_cost.room_composite_cpu_cost, 3);
  });

  it('has the storage, limits and sizes of sluice.yaml, and Sentinels', async () => {
    const sentinels = ['10.0.0.6:26379', '10.0.0.7:26379'];
    const { values } = await configOf('egress', {
      redis: { sentinel_master_name: 'sluice', sentinel_addresses: sentinels },
      egress: {
        ...CONFIG.egress,
        storage: { s3: { bucket: 'recordings', region: 'eu-west-1' } },
        session_limits: { file_output_max_duration: '1h', file_output_max_size: 1000 },
        cpu_cost: { track_cpu_cost: 0.5 },
      },
    });
    assert.deepEqual(values.redis.sentinel_addresses, sentinels);
    assert.equal(values.redis.sentinel_master_name, 'sluice');
    const { s3 } = values.storage;
    assert.deepEqual(
      [s3.bucket, s3.region, 'access_key' in s3],
      ['recordings', 'eu-west-1', false],
    );
    assert.deepEqual(values.session_limits, {
      file_output_max_duration: '3600000ms',
      file_output_max_size: 1000,
    });
    assert.equal(values.cpu_cost.track_cpu_cost, 0.5);
  });

  it('has encoders come where sluice.yaml says, and leaves WHIP to the nodes', async () => {
    const { values } = await configOf('ingress', { ingress: { rtmp_port: 1940 } });
    assert.deepEqual([values.rtmp_port, values.whip_port], [1940, -1]);
    assert.equal((await configOf('ingress')).values.rtmp_port, 1935);
    assert.equal(values.cpu_cost.min_idle_ratio, 0.3);
  });

  it('is refused where it would find nothing, and for another service', async () => {
    const without = await configOf('ingress', { egress: {} });
    assert.equal(without.code, 2);
    assert.match(without.errors, /egress\.ws_url is not set/);
    assert.doesNotMatch(without.errors, /hush|long-enough/);
    assert.equal((await configOf('sip')).code, 2);
  });
});
