import assert from 'node:assert/strict';
import test from 'node:test';
import { asSources } from '../../scripts/lib/debian-source.mjs';

test('the sources of packages are looked for where the packages come from', () => {
  const list = [
    '# deb http://old.example main',
    'deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://one.example/debian bookworm main',
    'deb [arch=amd64] http://two.example/debian bookworm main',
    'deb-src http://three.example/debian bookworm main',
    '',
  ].join('\n');
  assert.equal(
    asSources('sources.list', list),
    [
      'deb-src [signed-by=/usr/share/keyrings/a.gpg] http://one.example/debian bookworm main',
      'deb-src http://two.example/debian bookworm main',
      '',
    ].join('\n'),
  );
});

test('the newer form of the list keeps all but its types', () => {
  const list = 'Types: deb\nURIs: http://one.example/debian\nSuites: bookworm\nComponents: main\n';
  assert.equal(asSources('debian.sources', list), list.replace('deb\n', 'deb-src\n'));
});
