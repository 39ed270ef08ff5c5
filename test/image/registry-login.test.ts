/** Logins at registries: where a machine has them from, and who is shown them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TokenCredential } from '@azure/identity';
import {
  LOGIN_FILES,
  type RegistryLoginOptions,
  registryLogin,
} from '../../node-image/lifecycle/registry-login/registry-login';
import { sluice } from '../cli/run-sluice';
import { BootMachine } from './support/boot-machine';
import { FakeAws } from './support/fake-aws';

const IMAGE = 'registry.example.com/media/egress:1.2';
const ECR = '123456789012.dkr.ecr.eu-north-1.amazonaws.com';
const ACR = 'ours.azurecr.io';
const basic = (login: string): string => Buffer.from(login).toString('base64');
const fileOf = (registry: string, login = 'robot:hush'): string =>
  JSON.stringify({ auths: { [registry]: { auth: basic(login) } } });

const credential: TokenCredential = {
  getToken: async (scopes) => {
    assert.equal(scopes, 'https://containerregistry.azure.net/.default');
    return { token: 'token-of-azure', expiresOnTimestamp: Date.now() + 60_000 };
  },
};

function loginFor(image: string, files: Readonly<Record<string, string>>, more = {}) {
  const options: RegistryLoginOptions = {
    image,
    files: Object.keys(files),
    read: async (file) => files[file],
    azureCredential: async () => credential,
    fetcher: async () => assert.fail('nobody is to be asked'),
    ...more,
  };
  return registryLogin(options);
}

describe('a login for the registry of an image', () => {
  test('is that of the first file that has one, whole, for Podman to choose from', async () => {
    const files = {
      a: fileOf('other.example.com'),
      b: JSON.stringify({
        auths: { 'registry.example.com/media': { auth: basic('robot:hush') } },
        credHelpers: { 'third.example.com': 'pass' },
      }),
      c: fileOf('registry.example.com', 'late:late'),
    };
    assert.deepEqual(await loginFor(IMAGE, files), JSON.parse(files.b));
    const docker = fileOf('https://index.docker.io/v1/');
    assert.deepEqual(await loginFor('docker.io/livekit/egress:1', { docker }), {
      ...JSON.parse(docker),
      credHelpers: {},
    });
  });

  test('may be one name and password; of no file there is none', async () => {
    const secret = { registry: 'registry.example.com', username: 'robot', password: 'hu:sh' };
    const { auths } = await loginFor(IMAGE, { a: JSON.stringify(secret) });
    assert.deepEqual(auths, { 'registry.example.com': { auth: basic('robot:hu:sh') } });
    assert.deepEqual(await loginFor(IMAGE, {}), { auths: {}, credHelpers: {} });
  });

  test('is asked of ECR by the role of the machine, in the region of the registry', async (t) => {
    const aws = await FakeAws.start(t);
    const { auths } = await loginFor(`${ECR}/media/egress:1`, {});
    assert.deepEqual(auths, { [ECR]: { auth: basic('AWS:token-of-ecr') } });
    assert.deepEqual(aws.calls, ['GetAuthorizationToken']);
    aws.failures.push('AccessDeniedException');
    await assert.rejects(
      loginFor(`${ECR}/media/egress:1`, {}),
      /no login for 1234.*ecr:GetAuthorizationToken/,
    );
  });

  test('is asked of Azure Container Registry by the identity of the machine', async () => {
    const asked: string[] = [];
    const answering = (status: number, body: object) => ({
      fetcher: async (url: string, { body: form }: { body: URLSearchParams }) => {
        asked.push(url, String(form));
        return Response.json(body, { status });
      },
    });
    const image = `${ACR}/media/egress:1`;
    const { auths } = await loginFor(image, {}, answering(200, { refresh_token: 'ey' }));
    assert.deepEqual(auths, {
      [ACR]: { auth: basic('00000000-0000-0000-0000-000000000000:ey') },
    });
    assert.deepEqual(asked, [
      `https://${ACR}/oauth2/exchange`,
      `grant_type=access_token&service=${ACR}&access_token=token-of-azure`,
    ]);
    await assert.rejects(loginFor(image, {}, answering(401, {})), (error: Error) => {
      assert.match(error.message, /answered 401 .* role AcrPull/);
      assert.doesNotMatch(error.message, /token-of-azure/);
      return true;
    });
  });

  test('goes to no registry that is only called like one of a cloud', async () => {
    for (const host of [
      `${ACR}.example.com`,
      `${ECR}.example.com`,
      'a.b.azurecr.io',
      'azurecr.io',
    ]) {
      assert.deepEqual(await loginFor(`${host}/media/egress:1`, {}), {
        auths: {},
        credHelpers: {},
      });
    }
  });

  test('is refused where a file is none, or the image says no registry, and shows nothing', async () => {
    for (const text of [
      'hush',
      '{}',
      '"hush"',
      '{"auths":{"a.b":"hush"}}',
      '{"password":"hush"}',
    ]) {
      await assert.rejects(loginFor(IMAGE, { '/etc/x.json': text }), (error: Error) => {
        assert.match(error.message, /^\/etc\/x\.json has no logins that can be read/);
        assert.doesNotMatch(error.message, /hush/);
        return true;
      });
    }
    await assert.rejects(loginFor('egress:1', {}), /"egress:1" does not say which registry/);
  });
});

test('sluice registry-login prints it, of the file in the environment first', async () => {
  const files = {
    '/etc/own.json': fileOf('registry.example.com', 'own:own'),
    [LOGIN_FILES[0]]: fileOf('registry.example.com'),
  };
  const logins = async (env: Record<string, string>) => {
    const { code, output } = await sluice(['registry-login', IMAGE], { files, env });
    assert.equal(code, 0);
    return JSON.parse(output).auths['registry.example.com'].auth;
  };
  assert.equal(await logins({}), basic('robot:hush'));
  assert.equal(await logins({ REGISTRY_AUTH_FILE: '/etc/own.json' }), basic('own:own'));
  const broken = { [LOGIN_FILES[1]]: 'hush' };
  const { code, errors } = await sluice(['registry-login', IMAGE], { files: broken });
  assert.equal(code, 1);
  assert.match(errors, /secrets\/registry has no logins/);
});

test('boot leaves the login of a secret to root alone', async (t) => {
  const aws = await FakeAws.start(t);
  const machine = new BootMachine(t);
  aws.parameters.set(
    '/meet/config',
    `key_file: /run/sluice/secrets/api_key\nsluice: { role: single }\n`,
  );
  aws.secrets.set('key', JSON.stringify({ key: 'APIabc', secret: 's'.repeat(40) }));
  const secret = { registry: 'registry.example.com', username: 'robot', password: 'hush' };
  aws.secrets.set('login', JSON.stringify(secret));
  machine.plan({
    cloud: 'aws',
    role: 'single',
    config: { ssm: '/meet/config' },
    secrets: { api_key: 'key', registry: 'login' },
  });
  await machine.boot({ metadataUrl: aws.url });
  const file = '/run/sluice/secrets/registry';
  assert.equal(
    JSON.parse(machine.read(file)).auths['registry.example.com'].auth,
    basic('robot:hush'),
  );
  assert.equal(machine.mode(file), 0o400);
  assert.doesNotMatch(machine.said.join('\n') + machine.ran.join('\n'), /hush/);
  aws.secrets.set('login', 'hush');
  await assert.rejects(machine.boot({ metadataUrl: aws.url }), (error: Error) => {
    assert.match(
      error.message,
      /secret for registry has a value that cannot be used \(not shown\)/,
    );
    assert.doesNotMatch(error.message, /hush/);
    return true;
  });
});
