import { isIPv4 } from 'node:net';
import { MAX_WORKERS, type SluiceConfig, UNUSED_KEYS_OF_ROLE } from '../../contract';
import { checkAgents } from './check-agents';
import { at, type ConfigDraft } from './draft';

/** What LiveKit's SDKs and test suites use in development. */
const DEVELOPMENT_KEYS = { devkey: 'secret' };
const LOOPBACK = ['127.0.0.1', '::1'];
/** Whether this can be a name in a certificate. */
export const isHostName = (name: string): boolean => DOMAIN.test(name);

const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}$/i;

/** Whether this is a node for development that anybody may use: its secret is no secret. */
export function hasPlaceholderKey({ development, keys }: SluiceConfig): boolean {
  return (
    development && Object.keys(keys).length === 1 && keys['devkey'] === DEVELOPMENT_KEYS.devkey
  );
}

/**
 * In development, a node without keys gets the key everybody knows, and so listens on loopback
 * only, unless told otherwise; then media goes where it listens. Source: livekit-server, --dev.
 */
export function withPlaceholderKeys(config: SluiceConfig): SluiceConfig {
  if (!config.development || Object.keys(config.keys).length > 0) {
    return config;
  }
  if (config.bind_addresses.length === 0) {
    return { ...config, keys: DEVELOPMENT_KEYS, bind_addresses: LOOPBACK };
  }
  const networks = config.bind_addresses
    .filter((address) => isIPv4(address) && !/^127\.|^0\.0\.0\.0$/.test(address))
    .map((address) => `${address}/24`);
  const ips = { ...config.rtc.ips, includes: [...config.rtc.ips.includes, ...networks] };
  return { ...config, keys: DEVELOPMENT_KEYS, rtc: { ...config.rtc, ips } };
}

/**
 * In development, an Ingress has URLs that an encoder on this machine can use, without a word in the
 * configuration.
 */
export function withIngressUrls(config: SluiceConfig): SluiceConfig {
  const { development, ingress, port } = config;
  if (!development) return config;
  const at = (addresses: readonly string[]): string => {
    const [first = '127.0.0.1'] = addresses;
    if (first === '0.0.0.0' || first === '::') return '127.0.0.1';
    return first.includes(':') ? `[${first}]` : first;
  };
  const forRtmp = ingress.bind_addresses.length > 0 ? ingress : config;
  const rtmp = `rtmp://${at(forRtmp.bind_addresses)}:${ingress.rtmp_port}/live`;
  const whip = `http://${at(config.bind_addresses)}:${port}/whip`;
  return {
    ...config,
    ingress: {
      ...ingress,
      rtmp_base_url: ingress.rtmp_base_url || (ingress.rtmp_port === 0 ? '' : rtmp),
      whip_base_url: ingress.whip_base_url || whip,
    },
  };
}

/** Decides how many workers there are: as many as cores, and as ports for them. */
export function withMachine(config: SluiceConfig, cores: number, warnings: string[]): SluiceConfig {
  const { rtc, sluice } = config;
  const range = rtc.udp_port ?? { start: rtc.port_range_start, end: rtc.port_range_end };
  const ports = range.end - range.start + 1;
  const wanted = sluice.workers === 0 ? Math.min(cores, MAX_WORKERS) : sluice.workers;
  const workers = Math.max(1, Math.min(wanted, ports));
  if (workers < wanted) {
    warnings.push(
      `${workers} instead of ${wanted} workers run, because media has the UDP ports ${range.start} to ${range.end}, and each worker needs one`,
    );
  }
  return { ...config, sluice: { ...sluice, workers } };
}

/** How keys go together that only make sense once secrets and workers are known. */
export function checkTogether(config: SluiceConfig, draft: ConfigDraft, needsKeys: boolean): void {
  const { keys, turn, webhook } = config;
  if (needsKeys && Object.keys(keys).length === 0) {
    draft.problems.push(
      'no API key is given; allowed is keys or key_file in the file, --keys, --key-file or LIVEKIT_KEYS, or --dev for a placeholder (generate-keys makes a key)',
    );
    return;
  }
  checkTcpPorts(config, draft);
  checkOfficial(config, draft);
  checkAgents(config, draft);
  if (needsKeys && webhook.urls.length > 0 && !Object.hasOwn(keys, webhook.api_key)) {
    draft.problems.push(
      `${origin(draft, 'webhook', 'api_key')}webhook.api_key is given as ${JSON.stringify(webhook.api_key)}; allowed is one of the API keys, which signs the events`,
    );
  }
  if (turn.enabled && turn.tls_port !== 0) {
    warnOfTurnTls(turn, draft);
  }
}

/** Says what a node of this role makes nothing of, though it was written down. */
export function warnOfUnused(draft: ConfigDraft, { egress, ingress, sluice }: SluiceConfig): void {
  const usesRedis = egress.service === 'livekit' || ingress.service === 'livekit';
  for (const { path, reason } of UNUSED_KEYS_OF_ROLE[sluice.role]) {
    const keys = path.split('.');
    if (usesRedis && keys[0] === 'redis') continue;
    const value = draft.valueAt(keys);
    if (value !== undefined && value !== null) {
      draft.warnings.push(`${origin(draft, ...keys)}${path} has no effect here, because ${reason}`);
    }
  }
}

/** LiveKit's services are spoken to over Redis, by a Single Node too. */
function checkOfficial(config: SluiceConfig, draft: ConfigDraft): void {
  const { egress, ingress, redis, sluice } = config;
  const hasRedis =
    redis.address !== '' ||
    redis.sentinel_addresses.length > 0 ||
    redis.cluster_addresses.length > 0;
  for (const [section, { service, image }] of Object.entries({ egress, ingress })) {
    if (service === 'builtin' && image !== '') {
      draft.warnings.push(
        `${origin(draft, section, 'image')}${section}.image has no effect here, because ${section}.service is builtin`,
      );
    }
    if (service === 'livekit' && image !== '' && sluice.role !== 'master' && egress.ws_url === '') {
      draft.problems.push(
        `${origin(draft, section, 'image')}${section}.image is given, and no egress.ws_url, where livekit/${section} finds this cluster; give one, such as wss://meet.example.com`,
      );
    }
    if (service === 'builtin' || hasRedis) continue;
    draft.problems.push(
      `${origin(draft, section, 'service')}${section}.service is given as livekit, and there is no redis.address, over which such services are spoken to; give one, or builtin`,
    );
  }
}

/** That no two things of this node listen on one TCP port. */
function checkTcpPorts({ port, prometheus, rtc, sluice }: SluiceConfig, draft: ConfigDraft): void {
  const hasMedia = sluice.role !== 'master';
  const hasLink = sluice.role === 'media';
  const lastTcp = rtc.tcp_port + sluice.workers - 1;
  const hasIceTcp = hasMedia && rtc.tcp_port !== 0;
  if (hasIceTcp && lastTcp > 65535) {
    draft.problems.push(
      `${origin(draft, 'rtc', 'tcp_port')}rtc.tcp_port is given as ${rtc.tcp_port}, and ${sluice.workers} workers need ports up to ${lastTcp}; allowed is ${65536 - sluice.workers} or less`,
    );
  }
  const link = sluice.node_link.port;
  const others: Readonly<Record<string, number>> = {
    ...(hasLink && { 'sluice.node_link.port': link }),
    port,
    'prometheus.port': prometheus.port,
  };
  for (const [name, other] of Object.entries(others)) {
    if (hasIceTcp && other >= rtc.tcp_port && other <= lastTcp) {
      draft.problems.push(
        `${origin(draft, ...name.split('.'))}${name} is given as ${other}, which ICE over TCP uses (rtc.tcp_port ${rtc.tcp_port} to ${lastTcp}, one for each worker); choose another`,
      );
    }
  }
  for (const [name, other] of Object.entries({ port, 'prometheus.port': prometheus.port })) {
    if (hasLink && link !== 0 && link === other) {
      draft.problems.push(
        `${origin(draft, 'sluice', 'node_link', 'port')}sluice.node_link.port is given as ${link}, which is ${name} too; choose another`,
      );
    }
  }
}

function warnOfTurnTls(turn: SluiceConfig['turn'], draft: ConfigDraft): void {
  if (!isHostName(turn.domain)) {
    draft.warnings.push(
      `${origin(draft, 'turn', 'domain')}turn.domain is given as ${JSON.stringify(turn.domain)}; TURN/TLS needs the name in its certificate, so clients are not told of it`,
    );
  }
  if (!turn.external_tls && (turn.cert_file === '' || turn.key_file === '')) {
    draft.warnings.push(
      `${origin(draft, 'turn', 'tls_port')}turn.tls_port is given without turn.cert_file and turn.key_file, so it is served without TLS, for a load balancer that ends TLS in front of it; set turn.external_tls to say so`,
    );
  }
}

const origin = (draft: ConfigDraft, ...path: string[]): string => at(draft.originOf(path));
