import type { SluiceConfig } from '../../contract';

/** The ports a configuration uses, for people who set up a firewall. */
export function portLines(config: SluiceConfig): string {
  const { port, prometheus, rtc, sluice, turn } = config;
  const span = (start: number): string =>
    sluice.workers === 1 ? `${start}` : `${start}-${start + sluice.workers - 1}`;
  const tcp = [`${port} - HTTP service`];
  const udp = [
    `${span(rtc.udp_port?.start ?? rtc.port_range_start)} - ICE/UDP, one for each worker`,
  ];
  if (rtc.tcp_port !== 0) {
    tcp.push(`${span(rtc.tcp_port)} - ICE/TCP, one for each worker`);
  }
  if (prometheus.port !== 0) {
    tcp.push(`${prometheus.port} - Prometheus (keep it private)`);
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
  return `TCP Ports\n${tcp.join('\n')}\nUDP Ports\n${udp.join('\n')}\n`;
}
