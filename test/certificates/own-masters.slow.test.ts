import { join } from 'node:path';
import { test } from 'node:test';
import { passInNamespace } from '../cluster/support/in-namespace';

/** See own-masters-in-namespace.ts. Needs root. */
test('three own Master Nodes share a certificate of a real authority, also when one is lost that orders it', {
  timeout: 300_000,
}, async () => {
  await passInNamespace(join(__dirname, 'own-masters-in-namespace.ts'), 1);
});
