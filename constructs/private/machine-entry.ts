/** What HAProxy on a machine listens on for clients: `entry` of boot.json. */
export interface MachineEntry {
  /** Whether TLS ends here; false where a load balancer did that. */
  readonly tls: boolean;
  readonly port: number;
  /** Send whoever comes to port 80 to HTTPS. */
  readonly redirect: boolean;
  /** Where the certificate is to be from Let's Encrypt. */
  readonly lets_encrypt?: { readonly domain: string; readonly email?: string | undefined };
}
