import { PORTS, PORTS_ON_REQUEST } from '../../node-image/contract';
import type { DomainConfig, LetsEncryptOrder } from './domain-config';

/** Plain HTTP: leads to HTTPS, and is where Let's Encrypt asks for its proof. */
export const PLAIN_HTTP = 80;

/** What HAProxy on a machine listens on for clients: `entry` of boot.json. */
export interface MachineEntry {
  readonly tls: boolean;
  readonly port: number;
  /** Send whoever comes to port 80 to HTTPS. */
  readonly redirect: boolean;
  /** Where the load balancer asks whether the node is well. */
  readonly health_port?: number;
  readonly lets_encrypt?: LetsEncryptOrder;
}

/** TLS ends on the machine in any case: Azure's load balancer passes TCP on. */
export function machineEntry(domain: DomainConfig, balanced: boolean): MachineEntry {
  const { tls, letsEncrypt } = domain;
  return {
    tls,
    port: tls ? PORTS.entry : PLAIN_HTTP,
    redirect: tls,
    ...(balanced && { health_port: PORTS.entryHealth }),
    ...(letsEncrypt && { lets_encrypt: letsEncrypt }),
  };
}

/**
 * The ports that clients come in by.
 *
 * @param takesRtmp - encoders, too
 */
export function entryPorts({ tls }: DomainConfig, takesRtmp: boolean): readonly number[] {
  const web = tls ? [PORTS.entry, PLAIN_HTTP] : [PLAIN_HTTP];
  if (!takesRtmp) return web;
  return [...web, PORTS_ON_REQUEST.rtmp, ...(tls ? [PORTS_ON_REQUEST.rtmps] : [])];
}

/** `https://meet.example.com`. @param host - where the domain has no name */
export function schemeOf({ tls }: DomainConfig): string {
  return tls ? 'https' : 'http';
}
