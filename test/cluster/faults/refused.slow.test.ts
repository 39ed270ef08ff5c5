import { join } from 'node:path';
import { test } from 'node:test';
import { passInNamespace } from '../support/in-namespace';

/** See refused-in-namespace.ts. Needs root, or user namespaces. */
test('a Media Node that lives and refuses connections from a Master Node is kept', {
  timeout: 150_000,
}, async () => {
  await passInNamespace(join(__dirname, 'refused-in-namespace.ts'), 1);
});
