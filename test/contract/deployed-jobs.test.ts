/** What deployments write of jobs is what a node of the role reads. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  configSchema,
  JOB_SIZES,
  jobSettings,
  jobUrls,
  ROLES,
  tooLargeFor,
} from '../../node-image/contract';

const urls = jobUrls('meet.example.com', true);
const jobs = { urls, rtmp: true, rtmpsOnMachine: false };

describe('what deployments write of jobs', () => {
  test('is read by nodes of every role', () => {
    for (const role of ROLES) {
      const storage = { s3: { bucket: 'recordings', region: 'eu-central-1' } };
      const { egress, ingress, sluice } = configSchema.parse({
        ...{ keys: { key: 'a-secret-of-32-characters-or-more' } },
        ...jobSettings(role, { ...jobs, storage, queue: '180s', sizes: { web: 4, whip: 0.5 } }),
      });
      assert.equal(egress.storage.s3.bucket, 'recordings');
      assert.equal(egress.ws_url, role === 'single' ? '' : 'wss://meet.example.com');
      assert.equal(egress.cpu_cost.web_cpu_cost, 4);
      assert.equal(egress.cpu_cost.room_composite_cpu_cost, JOB_SIZES.roomComposite);
      assert.equal(ingress.cpu_cost.whip_bypass_transcoding_cpu_cost, 0.5);
      assert.equal(ingress.rtmp_port, role === 'media' ? 0 : 1935);
      assert.equal(sluice.jobs.queue, role === 'media' ? 0 : 180_000);
    }
  });

  test('has the sizes that nodes have by themselves', () => {
    const { egress, ingress } = configSchema.parse({});
    assert.deepEqual(JOB_SIZES, {
      roomComposite: egress.cpu_cost.room_composite_cpu_cost,
      web: egress.cpu_cost.web_cpu_cost,
      participant: egress.cpu_cost.participant_cpu_cost,
      trackComposite: egress.cpu_cost.track_composite_cpu_cost,
      track: egress.cpu_cost.track_cpu_cost,
      rtmp: ingress.cpu_cost.rtmp_cpu_cost,
      whip: ingress.cpu_cost.whip_bypass_transcoding_cpu_cost,
      url: ingress.cpu_cost.url_cpu_cost,
    });
  });

  test('has no URL of an encoder where none are taken', () => {
    const { ingress } = configSchema.parse(jobSettings('master', { ...jobs, rtmp: false }));
    assert.equal(ingress.rtmp_port, 0);
    assert.equal(ingress.rtmp_base_url, '');
    assert.equal(ingress.whip_base_url, 'https://meet.example.com/whip');
  });
});

describe('where jobs are found', () => {
  test('is encrypted where there is a certificate', () => {
    assert.deepEqual(urls, {
      ws: 'wss://meet.example.com',
      whip: 'https://meet.example.com/whip',
      rtmp: 'rtmps://meet.example.com:1936/live',
    });
    assert.equal(jobUrls('203.0.113.9', false).rtmp, 'rtmp://203.0.113.9/live');
  });
});

describe('machines that are too small', () => {
  test('are told by what never finds place on them', () => {
    assert.deepEqual(tooLargeFor(4, {}), []);
    // Of two cores an Ingress leaves 0.6.
    assert.deepEqual(
      tooLargeFor(2, { trackComposite: 1 }).map(({ kind }) => kind),
      ['roomComposite', 'web', 'rtmp', 'url'],
    );
    assert.deepEqual(tooLargeFor(4, { web: 8 }), [{ kind: 'web', cpus: 8 }]);
  });
});
