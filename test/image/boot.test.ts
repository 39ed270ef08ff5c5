import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../node-image/lifecycle/config';
import { BootMachine } from './support/boot-machine';
import { FakeAws } from './support/fake-aws';

const CLUSTER_SECRET = 'c'.repeat(40);
const MEDIA_YAML = `# Kept as it is.
key_file: /run/sluice/secrets/api_key
redis: { address: "redis.example:6379" }
sluice:
  role: media
  cluster: { secret_file: /run/sluice/secrets/cluster }
  drain: { deadline: 30m }
`;
const PLAN = {
  cloud: 'aws',
  role: 'media',
  config: { ssm: '/sluice/demo/config-media', revision: '7' },
  secrets: { api_key: 'arn:api', cluster: 'arn:cluster', redis: 'arn:redis' },
  signal: { stack: 'demo', resource: 'MediaNodes' },
} as const;

async function mediaNode(t: TestContext): Promise<{ aws: FakeAws; machine: BootMachine }> {
  const aws = await FakeAws.start(t);
  aws.parameters.set('/sluice/demo/config-media', MEDIA_YAML);
  aws.secrets.set('arn:api', JSON.stringify({ key: 'APIabc', secret: 's'.repeat(40) }));
  aws.secrets.set('arn:cluster', CLUSTER_SECRET);
  aws.secrets.set('arn:redis', 'hunter2hunter2hunter2');
  const machine = new BootMachine(t);
  machine.plan(PLAN);
  return { aws, machine };
}

test('a Media Node on AWS gets its configuration and secrets, each for its reader alone', async (t) => {
  const { aws, machine } = await mediaNode(t);
  await machine.boot({ metadataUrl: aws.url });

  assert.equal(machine.read('/run/sluice/secrets/cluster'), `${CLUSTER_SECRET}\n`);
  assert.equal(machine.read('/run/sluice/secrets/api_key'), `"APIabc": "${'s'.repeat(40)}"\n`);
  for (const purpose of ['cluster', 'api_key', 'redis', 'node.env']) {
    assert.equal(machine.mode(`/run/sluice/secrets/${purpose}`), 0o400, purpose);
  }
  assert.equal(machine.mode('/etc/sluice/sluice.yaml'), 0o640);
  assert.match(
    machine.read('/run/sluice/secrets/node.env'),
    /^REDIS_PASSWORD='hunter2hunter2hunter2'$/m,
  );
  assert.deepEqual(JSON.parse(machine.read('/run/sluice/boot-status.json')), { state: 'done' });
  assert.equal(machine.read('/run/sluice/cloud'), 'aws\n', 'so the agent runs');
  assert.doesNotMatch(machine.said.join('\n') + machine.ran.join('\n'), /hunter2|cccc|ssss/);
});

test('the configuration that boot writes is one that the node loads, with what only the machine knows', async (t) => {
  const { aws, machine } = await mediaNode(t);
  aws.metadata.set('ipv6', '2001:db8::5');
  await machine.boot({ metadataUrl: aws.url });

  const yaml = machine.read('/etc/sluice/sluice.yaml');
  assert.match(yaml, /^# Kept as it is\.$/m);
  const { config } = loadConfig({
    argv: ['--config', '/etc/sluice/sluice.yaml'],
    env: { REDIS_PASSWORD: 'x' },
    files: { read: (path) => machine.read(path), mode: (path) => machine.mode(path) },
  });
  assert.equal(config.sluice.machine_id, 'i-0123456789abcdef0');
  assert.equal(config.region, 'eu-north-1');
  assert.deepEqual(config.rtc.node_ip, { v4: '203.0.113.5', v6: '2001:db8::5' });
  assert.deepEqual(Object.keys(config.keys), ['APIabc']);
  assert.equal(config.sluice.cluster.secret, CLUSTER_SECRET);
});

test('what the configuration says of machine, region and address is left as it is', async (t) => {
  const { aws, machine } = await mediaNode(t);
  const own = 'region: north\nrtc: { node_ip: 198.51.100.1 }\n';
  aws.parameters.set(
    '/sluice/demo/config-media',
    `${own}${MEDIA_YAML.replace('role: media', 'role: media\n  machine_id: mine')}`,
  );
  await machine.boot({ metadataUrl: aws.url });
  const yaml = machine.read('/etc/sluice/sluice.yaml');
  assert.match(yaml, /machine_id: mine/);
  assert.match(yaml, /region: north/);
  assert.match(yaml, /198\.51\.100\.1/);
  assert.doesNotMatch(yaml, /203\.0\.113\.5/);
});

test('systemd gives a stop as long as a drain may take', async (t) => {
  const { aws, machine } = await mediaNode(t);
  await machine.boot({ metadataUrl: aws.url });
  const file = '/run/systemd/system/sluice-node.service.d/stop.conf';
  assert.equal(machine.read(file), '[Service]\nTimeoutStopSec=1860\n');
  assert.deepEqual(machine.ran, ['systemctl daemon-reload']);
});

test('boot can be run again, and then takes over what has changed', async (t) => {
  const { aws, machine } = await mediaNode(t);
  await machine.boot({ metadataUrl: aws.url });
  aws.secrets.set('arn:cluster', 'd'.repeat(40));
  await machine.boot({ metadataUrl: aws.url });
  assert.equal(machine.read('/run/sluice/secrets/cluster'), `${'d'.repeat(40)}\n`);
  assert.deepEqual(machine.ran, ['systemctl daemon-reload'], 'systemd is told only of changes');
});

test('a call that AWS refuses for a moment is made again', async (t) => {
  const { aws, machine } = await mediaNode(t);
  aws.failures.push('ThrottlingException', 'AccessDeniedException');
  await machine.boot({ metadataUrl: aws.url });
  assert.ok(aws.calls.length > 4, aws.calls.join(' '));
});

test('the password of Redis can be made from the cluster secret, the same on all nodes', async (t) => {
  const { aws, machine } = await mediaNode(t);
  machine.plan({
    ...PLAN,
    secrets: { api_key: 'arn:api', cluster: 'arn:cluster' },
    redis: { password: 'derived' },
  });
  await machine.boot({ metadataUrl: aws.url });
  const first = machine.read('/run/sluice/secrets/node.env');
  assert.match(first, /^REDIS_PASSWORD='[0-9a-f]{64}'$/m);
  const other = new BootMachine(t);
  other.plan({
    ...PLAN,
    secrets: { api_key: 'arn:api', cluster: 'arn:cluster' },
    redis: { password: 'derived' },
  });
  await other.boot({ metadataUrl: aws.url });
  assert.equal(other.read('/run/sluice/secrets/node.env'), first);
});

test('Redis on a Master Node takes the password before as well, which the node itself does not use', async (t) => {
  const { aws, machine } = await mediaNode(t);
  const yaml = MEDIA_YAML.replace('role: media', 'role: master');
  aws.parameters.set('/sluice/demo/config-media', yaml);
  machine.plan({ ...PLAN, role: 'master', redis: { server: true } });
  const [fresh, before] = ['f'.repeat(20), 'b'.repeat(20)];
  aws.secrets.set('arn:redis', `${fresh}\n${before}\n`);
  await machine.boot({ metadataUrl: aws.url });
  assert.match(
    machine.read('/run/sluice/redis/redis.conf'),
    new RegExp(`^user default .* ">${fresh}" ">${before}"$`, 'm'),
  );
  for (const name of ['node.env', 'redis']) {
    const text = machine.read(`/run/sluice/secrets/${name}`);
    assert.ok(text.includes(fresh) && !text.includes(before), name);
  }
});

test('a login of Redis has its name too', async (t) => {
  const { aws, machine } = await mediaNode(t);
  aws.secrets.set('arn:redis', JSON.stringify({ username: 'sluice', password: 'p'.repeat(20) }));
  await machine.boot({ metadataUrl: aws.url });
  const variables = machine.read('/run/sluice/secrets/node.env');
  assert.match(variables, /^LIVEKIT_REDIS_USERNAME='sluice'$/m);
});

const FAILURES: readonly {
  readonly what: string;
  readonly change: (aws: FakeAws, machine: BootMachine) => void;
  readonly says: RegExp;
}[] = [
  {
    what: 'boot.json is empty',
    change: (_aws, machine) => machine.write('/etc/sluice/boot.json', ''),
    says: /boot\.json cannot be used: it is no JSON; correct it there/,
  },
  {
    what: 'boot.json has a key that nobody knows',
    change: (_aws, machine) => machine.plan({ ...PLAN, colour: 'red' } as never),
    says: /boot\.json cannot be used: .*colour/,
  },
  {
    what: 'boot.json names no configuration',
    change: (_aws, machine) => machine.plan({ cloud: 'aws', role: 'media' }),
    says: /config: with a cloud it has to say where sluice\.yaml is/,
  },
  {
    what: 'the parameter is not there',
    change: (aws) => aws.parameters.clear(),
    says: /There is no configuration \(SSM parameter \/sluice\/demo\/config-media\) in eu-north-1: deploy the stack again/,
  },
  {
    what: 'a secret is not there',
    change: (aws) => aws.secrets.delete('arn:cluster'),
    says: /There is no secret for cluster \(arn:cluster\) in eu-north-1: make it with a value/,
  },
  {
    what: 'the role may not read',
    change: (aws) => aws.failures.push(...Array<string>(30).fill('AccessDeniedException')),
    says: /This machine may not read or use .*: give the role of its instance profile (?:ssm:GetParameter|secretsmanager:GetSecretValue)/,
  },
  {
    what: 'the API key is no pair',
    change: (aws) => aws.secrets.set('arn:api', 'verysecretvalue'),
    says: /The secret for api_key has a value that cannot be used \(not shown\); allowed is \{"key"/,
  },
  {
    what: 'the cluster secret is short',
    change: (aws) => aws.secrets.set('arn:cluster', 'verysecretvalue'),
    says: /The secret for cluster .* 32 characters or more/,
  },
  {
    what: 'the cluster secret before is short',
    change: (aws) => aws.secrets.set('arn:cluster', `${'c'.repeat(32)}\nverysecretvalue`),
    says: /The secret for cluster .* 32 characters or more, and on a second line the secret before/,
  },
  {
    what: 'there are three cluster secrets',
    change: (aws) => aws.secrets.set('arn:cluster', Array(3).fill('c'.repeat(32)).join('\n')),
    says: /The secret for cluster .* and on a second line the secret before/,
  },
  {
    what: 'the password of Redis would end its line',
    change: (aws) => aws.secrets.set('arn:redis', "verysecretvalue' \nX='y"),
    says: /The secret for redis has a value that cannot be used/,
  },
  {
    what: 'there are three passwords of Redis',
    change: (aws) => aws.secrets.set('arn:redis', 'verysecretvalue\nb\nc'),
    says: /The secret for redis has a value that cannot be used.* the one before on a second line/,
  },
  {
    what: 'the configuration has a mistake',
    change: (aws) => aws.parameters.set('/sluice/demo/config-media', `${MEDIA_YAML}prot: 80\n`),
    says: /The configuration from the SSM parameter .* cannot be used, and nothing of it was taken over; correct it there:\n.*prot/,
  },
  {
    what: 'the configuration is for another role',
    change: (_aws, machine) => machine.plan({ ...PLAN, role: 'single' }),
    says: /boot\.json says that this machine is a single, and .* that it is a media/,
  },
  {
    what: 'the metadata service does not answer',
    change: (aws) => aws.metadata.delete('instance-id'),
    says: /The metadata service .* does not say which machine this is \(it has no instance-id\)/,
  },
];

for (const { what, change, says } of FAILURES) {
  test(`where ${what}, boot says so and changes no configuration`, async (t) => {
    const { aws, machine } = await mediaNode(t);
    machine.write('/etc/sluice/sluice.yaml', 'as: before\n');
    change(aws, machine);
    await assert.rejects(machine.boot({ metadataUrl: aws.url }), (error: Error) => {
      assert.match(error.message, says);
      assert.doesNotMatch(error.message, /verysecretvalue/);
      return true;
    });
    assert.equal(machine.read('/etc/sluice/sluice.yaml'), 'as: before\n');
    const status = JSON.parse(machine.read('/run/sluice/boot-status.json'));
    assert.equal(status.state, 'failed');
    if (machine.read('/etc/sluice/boot.json').includes('"cloud"')) {
      assert.equal(machine.read('/run/sluice/cloud'), 'aws\n', 'the agent runs, and tells so');
    }
    assert.doesNotMatch(status.reason, /verysecretvalue/);
  });
}

test('an own machine has its configuration already, and boot checks it', async (t) => {
  const machine = new BootMachine(t);
  machine.plan({ cloud: 'none', role: 'single' });
  await assert.rejects(machine.boot(), /There is no \/etc\/sluice\/sluice\.yaml: write it/);
  machine.write('/etc/sluice/sluice.yaml', `keys: { own: ${'k'.repeat(40)} }\n`);
  await machine.boot();
  assert.deepEqual(JSON.parse(machine.read('/run/sluice/boot-status.json')), { state: 'done' });
});
