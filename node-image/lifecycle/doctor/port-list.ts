import { networkInterfaces } from 'node:os';
import type { SluiceConfig } from '../../contract';
import { type Interfaces, listenAddresses, withoutMissingLoopback } from '../listen-addresses';
import { coturnConfig } from '../start-turn';

/** A port that a node listens on. */
export interface NodePort {
  /** For people, such as "ICE/UDP". */
  readonly what: string;
  /** Of the configuration, that sets it. */
  readonly key: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Of this machine. @default all */
  readonly address: string | undefined;
  /** Key of the configuration that names the address. */
  readonly addressKey: string;
}

/** All ports that a node of this configuration listens on, by its role. */
export function portsOf(
  config: SluiceConfig,
  interfaces: Interfaces = networkInterfaces(),
): readonly NodePort[] {
  const { port, prometheus, sluice } = config;
  const { role, node_link } = sluice;
  const servers = config.bind_addresses.length === 0 ? [undefined] : config.bind_addresses;
  const bound = withoutMissingLoopback(
    servers.map((each) => each ?? ''),
    interfaces,
  );
  const served = (what: string, key: string, number: number): NodePort[] =>
    number === 0
      ? []
      : bound.map((address) => ({
          what,
          key,
          protocol: 'tcp' as const,
          port: number,
          address: address === '' ? undefined : address,
          addressKey: 'bind_addresses',
        }));
  const link: NodePort = {
    what: 'node link',
    key: 'sluice.node_link.port',
    protocol: 'tcp',
    port: node_link.port,
    address: node_link.address,
    addressKey: 'sluice.node_link.address',
  };
  const rtmp: NodePort[] =
    role === 'media' || config.ingress.rtmp_port === 0 ? [] : rtmpPorts(config, interfaces);
  return [
    ...rtmp,
    ...served(role === 'media' ? 'health' : 'HTTP service', 'port', port),
    ...(role === 'media' ? [link] : []),
    ...(role === 'master' ? [] : mediaPorts(config, interfaces)),
    ...served('Prometheus', 'prometheus.port', prometheus.port),
  ];
}

function rtmpPorts(config: SluiceConfig, interfaces: Interfaces): NodePort[] {
  const { rtmp_port: port, bind_addresses: own } = config.ingress;
  const addressKey = own.length > 0 ? 'ingress.bind_addresses' : 'bind_addresses';
  const asked = own.length > 0 ? own : config.bind_addresses;
  const bound = withoutMissingLoopback(asked.length > 0 ? asked : [''], interfaces);
  return bound.map((address) => ({
    what: 'RTMP',
    key: 'ingress.rtmp_port',
    protocol: 'tcp',
    port,
    // All of a family is as good as all.
    address: ['', '0.0.0.0', '::'].includes(address) ? undefined : address,
    addressKey,
  }));
}

function mediaPorts(config: SluiceConfig, interfaces: Interfaces): NodePort[] {
  const { rtc, sluice, turn } = config;
  const local = listenAddresses(rtc, interfaces);
  const workers = Array.from({ length: sluice.workers }, (_, i) => i);
  const range = rtc.udp_port?.start ?? rtc.port_range_start;
  const rangeKey = rtc.udp_port === undefined ? 'rtc.port_range_start' : 'rtc.udp_port';
  const ice = local.flatMap(({ ip }) =>
    workers.flatMap((i): NodePort[] => {
      const common = { address: ip, addressKey: 'rtc.ips' };
      return [
        { ...common, what: 'ICE/UDP', key: rangeKey, protocol: 'udp', port: range + i },
        ...(rtc.tcp_port === 0
          ? []
          : [
              {
                ...common,
                what: 'ICE/TCP',
                key: 'rtc.tcp_port',
                protocol: 'tcp' as const,
                port: rtc.tcp_port + i,
              },
            ]),
      ];
    }),
  );
  if (!turn.enabled) return ice;
  const { listenAddresses: listen, port, extraPorts = [], tls } = coturnConfig(config, local, '');
  const turnPorts = [port, ...extraPorts, ...(tls === undefined ? [] : [tls.port])];
  return [
    ...ice,
    ...listen.flatMap((address) =>
      turnPorts.flatMap((number) =>
        (['udp', 'tcp'] as const).map((protocol) => ({
          what: 'TURN',
          key: number === turn.udp_port ? 'turn.udp_port' : 'turn.tls_port',
          protocol,
          port: number,
          address: address === '0.0.0.0' || address === '::' ? undefined : address,
          addressKey: 'turn.bind_addresses',
        })),
      ),
    ),
  ];
}
