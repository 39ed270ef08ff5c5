/** What HAProxy on a machine listens on for clients: `entry` of boot.json. */
export interface MachineEntry {
  /** Whether TLS ends here; false where a load balancer did that. */
  readonly tls: boolean;
  readonly port: number;
  /** Send whoever comes to port 80 to HTTPS. */
  readonly redirect: boolean;
  /** Whether who connects says first for whom, as the load balancer does (PROXY protocol). */
  readonly proxy_protocol?: boolean;
  /** Where the load balancer asks whether the node is well. */
  readonly health_port?: number;
  /** Where the certificate is to be from Let's Encrypt. */
  readonly lets_encrypt?: {
    readonly domain: string;
    readonly email?: string | undefined;
    /** @default - of Let's Encrypt */
    readonly directory_url?: string | undefined;
    readonly terms_agreed: true;
    /** Whether the deployment fails where there is no certificate. */
    readonly awaited: boolean;
  };
}
