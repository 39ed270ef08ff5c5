import { test } from 'node:test';
import { passInNamespace } from '../cluster/support/in-namespace';

/**
 * The tests of ipv6-in-namespace.ts, in a network of their own: this machine may have no IPv6, and
 * its interfaces are nobody's to change. Root makes it, or anybody where user namespaces are allowed.
 */
test('clients connect by IPv6 in a network of two families', { timeout: 120_000 }, async () => {
  await passInNamespace(require.resolve('./support/ipv6-in-namespace.ts'), 3);
});
