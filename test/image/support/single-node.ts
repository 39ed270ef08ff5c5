import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BootPlanInput } from '../../../node-image/lifecycle/boot/boot-plan';
import type { Signer } from '../../support/tokens';
import type { DebianRoot } from './debian-root';

/** Who signs the tokens of a Single Node. */
export const SIGNER: Signer = { apiKey: 'APIdemo', apiSecret: 's'.repeat(40) };
const CERTIFICATE =
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE';

export interface SingleNodeOptions {
  /** That clients are told. @default - loopback */
  readonly address?: string;
  /** The node then has a Redis of its own, with this password. @default - none */
  readonly redisPassword?: string;
}

/**
 * Writes what an administrator does for a Single Node with an entry, HTTPS and TURN/TLS for the name
 * localhost, onto which Sluice is installed.
 *
 * @returns the file of the certificate, for clients
 */
export function configureSingleNode(
  root: DebianRoot,
  { address = '127.0.0.1', redisPassword }: SingleNodeOptions = {},
): string {
  const path = (name: string): string => join(root.path, name);
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
  };
  const plan: BootPlanInput = {
    cloud: 'none',
    role: 'single',
    entry: {},
    ...(redisPassword === undefined ? {} : { redis: { server: true } }),
  };
  write('/etc/sluice/boot.json', JSON.stringify(plan));
  write(
    '/etc/sluice/sluice.yaml',
    `keys: { ${SIGNER.apiKey}: ${SIGNER.apiSecret} }
sluice: { trusted_proxies: [127.0.0.1/32], workers: 1 }
rtc: { node_ip: ${address} }
${redisPassword === undefined ? '' : `redis: { address: "${address}:6379", password: ${redisPassword} }`}
turn:
  enabled: true
  udp_port: 3478
  tls_port: 3478
  external_tls: true
  domain: localhost
  bind_addresses: [127.0.0.1]
`,
  );
  const [key, certificate] = [path('/root/key.pem'), path('/root/cert.pem')];
  execFileSync('openssl', [...CERTIFICATE.split(' '), '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  write('/etc/sluice/tls/entry.pem', readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  for (const command of ['chown root:sluice-haproxy', 'chmod 640']) {
    const { status, output } = root.run([...command.split(' '), '/etc/sluice/tls/entry.pem']);
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${output}`);
  }
  return certificate;
}
