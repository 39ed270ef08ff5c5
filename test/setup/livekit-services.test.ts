import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SERVICES } from '../../scripts/lib/livekit-services.mjs';

test("pins LiveKit's libraries of what stands in for its services, with all that they need", () => {
  const goMod = readFileSync(path.join(SERVICES, 'go.mod'), 'utf8');
  const sums = readFileSync(path.join(SERVICES, 'go.sum'), 'utf8');
  const required = [...goMod.matchAll(/^\t(\S+) (v\S+)/gm)];
  const names = required.map(([, name]) => name);
  for (const name of ['github.com/livekit/protocol', 'github.com/livekit/psrpc']) {
    assert.ok(names.includes(name), name);
  }
  for (const [, name, version] of required) {
    assert.ok(sums.includes(`${name} ${version}/go.mod h1:`), `${name} ${version}`);
  }
});
