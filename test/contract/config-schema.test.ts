import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema, parseDuration, type SluiceConfigInput } from '../../node-image/contract';

const parse = (input: SluiceConfigInput) => configSchema.parse(input);
const problemsOf = (input: unknown): string[] =>
  configSchema.safeParse(input).error?.issues.map(({ path }) => path.join('.')) ?? [];

describe('the schema of sluice.yaml', () => {
  it("has LiveKit's defaults", () => {
    const config = parse({});
    assert.equal(config.port, 7880);
    assert.equal(config.rtc.tcp_port, 7881);
    assert.deepEqual([config.rtc.port_range_start, config.rtc.port_range_end], [50000, 60000]);
    assert.equal(config.room.empty_timeout, 300);
    assert.equal(config.room.departure_timeout, 20);
    assert.equal(config.audio.active_level, 35);
    assert.equal(config.audio.update_interval, 400);
    assert.equal(config.limit.max_metadata_size, 512 * 1024);
    assert.equal(config.turn.per_user_relay_allocation_limit, 12);
    assert.equal(config.logging.level, 'info');
  });

  it('gives durations in milliseconds, whatever their unit in the file', () => {
    assert.equal(parse({}).video.dynacast_pause_delay, 5000);
    assert.equal(
      parse({ video: { dynacast_pause_delay: '1m0.5s' } }).video.dynacast_pause_delay,
      60_500,
    );
    assert.deepEqual(parse({}).node_stats.stats_rate_measurement_intervals, [10_000]);
  });

  it('refuses a duration without a unit', () => {
    assert.deepEqual(problemsOf({ api: { execution_timeout: 2 } }), ['api.execution_timeout']);
    assert.deepEqual(problemsOf({ api: { execution_timeout: '2 s' } }), ['api.execution_timeout']);
  });

  it('reads durations as Go does', () => {
    const read: Record<string, number | undefined> = {
      '0': 0,
      '1h2m3s': 3_723_000,
      '.5s': 500,
      '1.s': 1000,
      '250us': 0.25,
      '250µs': 0.25,
      '1000000ns': 1,
      '': undefined,
      '5': undefined,
      s: undefined,
      '-5s': undefined,
      '1d': undefined,
      '5s!': undefined,
    };
    for (const [text, milliseconds] of Object.entries(read)) {
      assert.equal(parseDuration(text), milliseconds, text);
    }
  });

  it('reads one UDP port, or a range of them', () => {
    assert.deepEqual(parse({ rtc: { udp_port: 7882 } }).rtc.udp_port, { start: 7882, end: 7882 });
    const range = parse({ rtc: { udp_port: '7882-7892' } }).rtc;
    assert.deepEqual(range.udp_port, { start: 7882, end: 7892 });
    assert.deepEqual([range.port_range_start, range.port_range_end], [0, 0]);
    for (const wrong of ['7892-7882', '0', '1-70000', 'x', '1-2-3', -1, 1.5]) {
      assert.deepEqual(problemsOf({ rtc: { udp_port: wrong } }), ['rtc.udp_port'], String(wrong));
    }
  });

  it('reads the address of the node, in one or both families', () => {
    assert.deepEqual(parse({ rtc: { node_ip: '203.0.113.5' } }).rtc.node_ip, { v4: '203.0.113.5' });
    assert.deepEqual(parse({ rtc: { node_ip: '203.0.113.5, 2001:db8::1' } }).rtc.node_ip, {
      v4: '203.0.113.5',
      v6: '2001:db8::1',
    });
    for (const wrong of ['', 'host', '1.2.3.4,5.6.7.8', '1.2.3.4,::1,::2']) {
      assert.deepEqual(problemsOf({ rtc: { node_ip: wrong } }), ['rtc.node_ip'], wrong);
    }
  });

  it('moves deprecated keys to where they belong', () => {
    const config = parse({
      prometheus_port: 6789,
      log_level: 'warn',
      redis: { use_tls: true },
      room: { max_metadata_size: 7, max_room_name_length: 8 },
    });
    assert.equal(config.prometheus.port, 6789);
    assert.equal(config.logging.level, 'warn');
    assert.equal(config.redis.tls.enabled, true);
    assert.equal(config.limit.max_metadata_size, 7);
    assert.equal(config.limit.max_room_name_length, 8);
    assert.equal('max_metadata_size' in config.room, false);
  });

  it('logs more in development, unless told how much', () => {
    assert.equal(parse({ development: true }).logging.level, 'debug');
    assert.equal(parse({ development: true, logging: { level: 'warn' } }).logging.level, 'warn');
  });

  it('keeps the life of TURN credentials within bounds', () => {
    const ttl = (ttl_seconds: number) => parse({ turn: { ttl_seconds } }).turn.ttl_seconds;
    assert.deepEqual([ttl(-1), ttl(0), ttl(60), ttl(1e9)], [300, 300, 60, 86_400]);
    const servers = parse({ rtc: { turn_servers: [{ host: 'a' }, { host: 'b', ttl: -1 }] } });
    assert.deepEqual(
      servers.rtc.turn_servers.map((server) => server.ttl),
      [14_400, 300],
    );
  });

  it('looks at how keys go together', () => {
    assert.deepEqual(problemsOf({ turn: { enabled: true } }), ['turn.enabled']);
    assert.deepEqual(problemsOf({ rtc: { port_range_start: 9, port_range_end: 8 } }), [
      'rtc.port_range_end',
    ]);
    assert.deepEqual(problemsOf({ node_selector: { kind: 'regionaware' } }), [
      'node_selector.kind',
    ]);
    assert.deepEqual(problemsOf({ prometheus: { port: 7880 } }), ['prometheus.port']);
    assert.deepEqual(problemsOf({ prometheus: { username: 'a' } }), ['prometheus.password']);
  });

  it('looks at how the keys of a cluster go together', () => {
    const cases: [SluiceConfigInput, string][] = [
      [{ sluice: { scaling: { min_nodes: 5 } } }, 'sluice.scaling.max_nodes'],
      [{ sluice: { scaling: { group: 'local' } } }, 'sluice.scaling.group'],
      [{ sluice: { drain: { patience: '2h' } } }, 'sluice.drain.patience'],
      [{ redis: { sentinel_addresses: ['a:1'] } }, 'redis.sentinel_master_name'],
      [{ redis: { cluster_addresses: ['a:1'], db: 1 } }, 'redis.db'],
    ];
    for (const [input, path] of cases) {
      assert.deepEqual(problemsOf(input), [path]);
    }
    parse({ sluice: { scaling: { min_nodes: 3, max_nodes: 3 } } });
    parse({ sluice: { drain: { patience: '5m', deadline: '5m' } } });
  });

  it('places Rooms by CPU load, unless told otherwise', () => {
    const { kind, sort_by } = parse({}).node_selector;
    assert.deepEqual([kind, sort_by], ['cpuload', 'cpuload']);
  });

  it('refuses keys it does not know, in lists too', () => {
    assert.equal(configSchema.safeParse({ portt: 1 }).success, false);
    assert.equal(
      configSchema.safeParse({ rtc: { turn_servers: [{ host: 'a', prot: 1 }] } }).success,
      false,
    );
  });

  it('wants the group named that an Auto Scaling Group of AWS is', () => {
    const aws = { scaling: { group: 'aws' as const } };
    assert.deepEqual(problemsOf({ sluice: aws }), ['sluice.scaling.group', 'sluice.scaling.group']);
    const cloud = { kind: 'aws' as const, media_group: 'media' };
    assert.deepEqual(problemsOf({ sluice: { ...aws, cloud } }), []);
    assert.equal(parse({}).sluice.cloud.terminating_hook, 'sluice-terminating');
  });

  it('wants the scale set named that a group of Azure is', () => {
    const azure = { scaling: { group: 'azure' as const } };
    const path = 'sluice.scaling.group';
    assert.deepEqual(problemsOf({ sluice: azure }), [path, path, path, path]);
    const cloud = {
      kind: 'azure' as const,
      media_group: 'media',
      resource_group: 'meet',
      subscription: '00000000-0000-0000-0000-000000000000',
    };
    assert.deepEqual(problemsOf({ sluice: { ...azure, cloud } }), []);
    const { resource_manager_url, identity } = parse({}).sluice.cloud;
    assert.deepEqual([resource_manager_url, identity], ['https://management.azure.com', '']);
  });

  it('takes only http and https for the URLs of the cloud', () => {
    const problems = (cloud: object): string[] => problemsOf({ sluice: { cloud } });
    assert.deepEqual(problems({ notices_queue: 'my-queue' }), ['sluice.cloud.notices_queue']);
    assert.deepEqual(problems({ metadata_url: '' }), ['sluice.cloud.metadata_url']);
    assert.deepEqual(problems({ notices_queue: 'https://sqs.eu-west-1.amazonaws.com/1/q' }), []);
  });
});
