import type { SluiceConfig } from '../../contract';

/** The ports a configuration uses, for people who set up a firewall. */
export function portLines(config: SluiceConfig): string {
  const { port, prometheus, sluice } = config;
  const isMedia = sluice.role === 'media';
  const media = sluice.role === 'master' ? { tcp: [], udp: [] } : mediaLines(config);
  const tcp = [
    ...(isMedia
      ? [`${sluice.node_link.port} - node link (from the nodes of the cluster only)`]
      : []),
    ...(port === 0 ? [] : [`${port} - ${isMedia ? 'health (keep it private)' : 'HTTP service'}`]),
    ...media.tcp,
    ...(prometheus.port === 0 ? [] : [`${prometheus.port} - Prometheus (keep it private)`]),
  ];
  const lines = [
    'TCP Ports',
    ...tcp,
    ...(media.udp.length === 0 ? [] : ['UDP Ports', ...media.udp]),
  ];
  return `${lines.join('\n')}\n`;
}

function mediaLines({ rtc, sluice, turn }: SluiceConfig): { tcp: string[]; udp: string[] } {
  const span = (start: number): string =>
    sluice.workers === 1 ? `${start}` : `${start}-${start + sluice.workers - 1}`;
  const tcp: string[] = [];
  const udp = [
    `${span(rtc.udp_port?.start ?? rtc.port_range_start)} - ICE/UDP, one for each worker`,
  ];
  if (rtc.tcp_port !== 0) {
    tcp.push(`${span(rtc.tcp_port)} - ICE/TCP, one for each worker`);
  }
  if (turn.enabled && turn.tls_port !== 0) {
    tcp.push(`${turn.tls_port} - TURN/TLS`);
  }
  if (turn.enabled && turn.udp_port !== 0) {
    udp.push(`${turn.udp_port} - TURN/UDP`);
  }
  if (turn.enabled) {
    udp.push(
      `${turn.relay_range_start}-${turn.relay_range_end} - TURN relay (towards the cluster's own nodes)`,
    );
  }
  return { tcp, udp };
}
