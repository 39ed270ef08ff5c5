import { join } from 'node:path';
import { test } from 'node:test';
import { passInNamespace } from '../support/in-namespace';

/** See silence-in-namespace.ts. Needs root, or user namespaces. */
test('Media Nodes whose packets vanish are given up, and come back', {
  timeout: 300_000,
}, async (t) => {
  const output = await passInNamespace(join(__dirname, 'silence-in-namespace.ts'), 4);
  for (const line of output.split('\n').filter((one) => /^ℹ .*(?: after |\|)/.test(one)))
    t.diagnostic(line.replace(/^ℹ /, ''));
});
