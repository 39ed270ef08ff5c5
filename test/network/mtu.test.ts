import { test } from 'node:test';
import { passInNamespace } from '../cluster/support/in-namespace';

/** In a network of its own: this machine's interfaces are nobody's to change. */
test('pictures pass where packets are cut', { timeout: 90_000 }, async () => {
  await passInNamespace(require.resolve('./support/mtu-in-namespace.ts'), 1);
});
