import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ConfigKey, configTree, UNUSED_KEYS } from '../../node-image/contract';
import { load, problemsOf } from './config-support';

/** Every key of a section of the schema, with the section it stands in. */
function namedKeys(section: ConfigKey, path: readonly string[] = []): [string[], ConfigKey][] {
  return [...section.keys].flatMap(([name, key]): [string[], ConfigKey][] => [
    [[...path, name], section],
    ...(key.kind === 'section' ? namedKeys(key, [...path, name]) : []),
  ]);
}

/** YAML with one key, however deep. */
const yamlOf = (path: readonly string[]): string =>
  path.map((name, depth) => `${'  '.repeat(depth)}${JSON.stringify(name)}:`).join('\n');

describe('mistakes in the configuration', () => {
  it('are all reported at once, in the order of their lines', () => {
    const yaml = [
      'port: abc',
      'rtc:',
      '  tcp_prot: 1',
      '  udp_port: 99999',
      '  turn_servers:',
      '    - host: a',
      '      port: x',
      '    - protocol: tls',
      'logging: {level: loud}',
      'api: {execution_timeout: 2}',
      'bind_addresses: [localhost]',
      'room: [1]',
      'prometheus: {username: a}',
    ].join('\n');
    const where = problemsOf({ yaml }).map((problem) =>
      /^sluice\.yaml:(\d+:\d+): (\S+)/.exec(problem),
    );
    assert.deepEqual(
      where.map((found) => found?.slice(1)),
      [
        ['1:7', 'port'],
        ['3:3', 'rtc.tcp_prot'],
        ['4:13', 'rtc.udp_port'],
        ['7:13', 'rtc.turn_servers[0].port'],
        ['8:7', 'rtc.turn_servers[1].host'],
        ['9:18', 'logging.level'],
        ['10:26', 'api.execution_timeout'],
        ['11:18', 'bind_addresses[0]'],
        ['12:7', 'room'],
        ['13:13', 'prometheus.password:'],
      ],
    );
  });

  it('are reported with what was given and what is allowed', () => {
    const [problem] = problemsOf({ yaml: 'node_selector:\n  sort_by: speed\n' });
    assert.equal(
      problem,
      'sluice.yaml:2:12: node_selector.sort_by is given as "speed"; allowed is one of random, sysload, cpuload, rooms, clients, tracks, bytespersec',
    );
  });

  it('never show a secret', () => {
    const yaml = [
      'keys: "api: hunter2"',
      'redis: {password: [hunter2]}',
      'prometheus: {password: {hunter2: 1}}',
      'rtc: {turn_servers: [{host: a, secret: [hunter2]}]}',
    ].join('\n');
    const problems = problemsOf({ yaml });
    assert.equal(problems.length, 5);
    assert.doesNotMatch(
      problems.join('\n').replace(/prometheus\.password\.hunter2/g, ''),
      /hunter2/,
    );
  });

  it('in the section suggest the section where a key of that name stands', () => {
    const [problem] = problemsOf({ yaml: 'tcp_port: 7881' });
    assert.match(
      problem ?? '',
      /^sluice\.yaml:1:1: tcp_port is not a known key; did you mean rtc\.tcp_port\?/,
    );
  });

  it('are only warned of with --disable-strict-config, if keys are unknown', () => {
    const { config, warnings } = load({ yaml: 'prot: 1', argv: ['--disable-strict-config'] });
    assert.equal(config.port, 7880);
    assert.match(
      warnings[0] ?? '',
      /^sluice\.yaml:1:1: prot is not a known key; did you mean port\?/,
    );
    assert.equal(problemsOf({ yaml: 'port: x', argv: ['--disable-strict-config'] }).length, 1);
  });

  it('are not what LiveKit has and Sluice has no use for: one line says so', () => {
    for (const { path, reason } of UNUSED_KEYS) {
      const { warnings } = load({ yaml: `${yamlOf(path.split('.'))} {any: thing}` });
      assert.equal(warnings.length, 1, path);
      assert.match(warnings[0] ?? '', /^sluice\.yaml:\d+:\d+: /);
      assert.ok(warnings[0]?.endsWith(`${path} has no effect here, because ${reason}`), path);
    }
  });

  it('of one letter are answered with the key that was meant', () => {
    const keys = namedKeys(configTree());
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz_');
    const misspelt = fc
      .record({
        key: fc.constantFrom(...keys),
        how: fc.constantFrom('change', 'add', 'leave out'),
        at: fc.nat(),
        letter,
      })
      .map(({ key: [path, section], how, at, letter }) => {
        const name = path.at(-1) ?? '';
        const place = at % name.length;
        const rest = name.slice(how === 'add' ? place : place + 1);
        const wrong = name.slice(0, place) + (how === 'leave out' ? '' : letter) + rest;
        return { path, section, name, wrong };
      })
      .filter(({ section, path, wrong }) => {
        const unused = UNUSED_KEYS.some(
          (key) => key.path === [...path.slice(0, -1), wrong].join('.'),
        );
        return wrong !== '' && !section.keys.has(wrong) && !unused;
      });
    fc.assert(
      fc.property(misspelt, ({ path, name, wrong }) => {
        const [problem = ''] = problemsOf({ yaml: yamlOf([...path.slice(0, -1), wrong]) });
        const meant = /did you mean ([^?]*)\?/.exec(problem)?.[1]?.split(' or ') ?? [];
        assert.ok(meant.includes(name), problem);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('hostile YAML', () => {
  it('with aliases that multiply ends at once', () => {
    const levels = Array.from({ length: 30 }, (_, level) => {
      const inner = level === 0 ? '"x"' : `*a${level - 1}`;
      return `  k${level}: &a${level} {a: ${inner}, b: ${inner}, c: ${inner}}`;
    });
    const yaml = `room:\n  room_configurations:\n${levels.map((line) => `  ${line}`).join('\n')}`;
    const start = performance.now();
    assert.match(problemsOf({ yaml }).join('\n'), /aliases make it longer than 50000 values/);
    assert.ok(performance.now() - start < 5000);
  });

  it('with an alias to what holds it, or nested without end, ends at once', () => {
    const cases = [
      'room:\n  room_configurations: &a\n    b: *a\n',
      'room:\n  room_configurations: &a\n    b: {<<: *a}\n',
      'room:\n  room_configurations: &a\n    <<: *a\n',
      `webhook: {urls: &a [*a]}`,
      `port: ${'['.repeat(100_000)}`,
      `${'{a: '.repeat(50_000)}`,
      `room: {room_configurations: ${'{a: '.repeat(200)}1${'}'.repeat(200)}}`,
    ];
    for (const yaml of cases) {
      const problems = problemsOf({ yaml }).join('\n');
      assert.match(problems, /nested|alias|given as a list|not YAML/i, yaml.slice(0, 50));
    }
  });

  it('that is not YAML is reported with its place', () => {
    const cases: Record<string, RegExp> = {
      'rtc:\n\ttcp_port: 1': /^sluice\.yaml:2:1: this is not YAML: Tabs/,
      'port: 1\nport: 2': /^sluice\.yaml:2:1: this is not YAML: Map keys must be unique/,
      'rtc: {tcp_port: 1': /^sluice\.yaml:\d+:\d+: this is not YAML/,
      'port: 1\n---\nport: 2': /^sluice\.yaml:\d+:\d+: this is not YAML/,
      'rtc: *nothing': /^sluice\.yaml:1:6: this is not YAML: nothing above is named &nothing/,
      '%YAML 9': /^sluice\.yaml:\d+:\d+: this is not YAML/,
    };
    for (const [yaml, expected] of Object.entries(cases)) {
      assert.match(problemsOf({ yaml }).join('\n'), expected, yaml);
    }
  });

  it('that is no section is reported', () => {
    for (const yaml of ['hello', '- 1', '7', '"port: 1"', '!!set {a}']) {
      assert.notEqual(problemsOf({ yaml }).length, 0, yaml);
    }
  });

  it('with names such as __proto__ changes nothing but gets reported', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.match(problemsOf({ yaml: `${name}: {port: 1}` })[0] ?? '', /is not a known key/);
      assert.match(problemsOf({ yaml: `rtc:\n  ${name}: {a: 1}` })[0] ?? '', /is not a known key/);
    }
    assert.equal(({} as Record<string, unknown>)['port'], undefined);
  });

  it('with keys that are no text, or are long, is reported', () => {
    assert.match(problemsOf({ yaml: '? [a, b]\n: 1' })[0] ?? '', /allowed is a name/);
    const long = problemsOf({ yaml: `port: "${'x'.repeat(10_000)}"` })[0] ?? '';
    assert.ok(long.length < 300);
    assert.match(problemsOf({ yaml: 'a'.repeat(1_000_001) })[0] ?? '', /at most 1000000/);
  });

  it('of any kind is loaded or refused with a ConfigError', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(
          'yes',
          '~',
          '1_000',
          '0x1f',
          '1e3',
          '5s',
          '-1',
          '',
          '&a b',
          '!!binary aa',
          '<<',
        ),
        fc.string({ maxLength: 8 }),
        fc.array(tie('any'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        fc
          .array(fc.tuple(fc.string({ maxLength: 5 }), tie('any')), { maxLength: 3 })
          .map((pairs) => `{${pairs.map(([key, inner]) => `${key}: ${inner}`).join(', ')}}`),
      ),
    })).any;
    const key = fc.constantFrom(...namedKeys(configTree()).map(([path]) => path));
    fc.assert(
      fc.property(key, value, (path, text) => {
        const given = { yaml: `${yamlOf(path)} ${text}` };
        try {
          load(given);
        } catch {
          assert.notEqual(problemsOf(given).length, 0);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('YAML as LiveKit reads it', () => {
  it('knows yes and no, numbers with underscores, and texts of digits', () => {
    const { config } = load({
      yaml: 'development: yes\nroom: {auto_create: off}\nlimit: {bytes_per_sec: 1_000_000_000}\nredis: {password: 0123, username: true}\n',
    });
    assert.deepEqual([config.development, config.room.auto_create], [true, false]);
    assert.equal(config.limit.bytes_per_sec, 1e9);
    assert.deepEqual([config.redis.password, config.redis.username], ['0123', 'true']);
  });

  it('knows anchors and merged sections, where what is written wins', () => {
    const { config } = load({
      yaml: 'audio: &a {active_level: 20, smooth_intervals: 3}\nlimit: {num_tracks: 1}\nroom:\n  <<: &p {max_participants: 5, empty_timeout: 9}\n',
    });
    assert.equal(config.audio.active_level, 20);
    const merged = load({
      yaml: 'keys:\n  <<: &k {one: "1", two: "2"}\n  two: "3"\n',
      env: { LIVEKIT_KEYS: '' },
    });
    assert.deepEqual({ ...merged.config.keys }, { one: '1', two: '3' });
  });
});
