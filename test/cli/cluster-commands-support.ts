import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { FakeAdmin } from './fake-admin';
import { type Ran, type RunOptions, sluice } from './run-sluice';

export const KEY = { LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'a-secret-that-is-in-no-output' };

/** A cluster that answers as told, and `sluice` that asks it. */
export function useAdmin(): {
  readonly admin: FakeAdmin;
  readonly run: (argv: string, options?: RunOptions) => Promise<Ran>;
} {
  const admin = new FakeAdmin();
  before(() => admin.listen());
  after(() => admin.close());
  beforeEach(() => {
    admin.answers.clear();
    admin.asked.length = 0;
  });
  return {
    admin,
    run: (argv, options = {}) =>
      sluice([...argv.split(' '), '--url', admin.url], { env: KEY, ...options }),
  };
}

/** No line is longer, and all lines of the table are as long. */
export function assertIsTable(output: string, columns = 100): void {
  const lines = output.split('\n').filter((line) => /^[|+]/.test(line));
  assert.ok(lines.length >= 4, output);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1, output);
  assert.ok((lines[0]?.length ?? 0) <= columns, `${lines[0]?.length} columns`);
}
