import { join } from 'node:path';
import { test } from 'node:test';
import { passInNamespace } from '../cluster/support/in-namespace';

/** See turn-tls-in-namespace.ts. Needs root, or user namespaces. */
test('TURN/TLS goes through the 443 of a cluster', { timeout: 240_000 }, async () => {
  await passInNamespace(join(__dirname, 'support', 'turn-tls-in-namespace.ts'), 3);
});
