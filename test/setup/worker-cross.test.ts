import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  crossFile,
  crossPackages,
  foreignOf,
  isForeignProgram,
} from '../../scripts/lib/worker-cross.mjs';

const RECIPE = join(__dirname, '../../node-image/image/worker-build/recipe.json');
const arm64 = foreignOf('arm64');

test('for another architecture its libraries are fetched, and a compiler is installed', () => {
  const { debianPackages } = JSON.parse(readFileSync(RECIPE, 'utf8'));
  const { tools, libraries } = crossPackages(debianPackages, arm64);
  assert.ok(tools.includes('g++-aarch64-linux-gnu'));
  assert.ok(tools.includes('flatbuffers-compiler'), 'it runs here');
  assert.ok(libraries.includes('libssl-dev'));
  assert.ok(libraries.includes('libc6-dev'));
  assert.deepEqual(
    debianPackages.filter((name: string) => tools.includes(name) === libraries.includes(name)),
    [],
    'each package of the recipe is needed on one side',
  );
});

test('Meson is told where the libraries of the other architecture are', () => {
  const text = crossFile(arm64, '/work/sysroot');
  assert.match(text, /^cpp = 'aarch64-linux-gnu-g\+\+'$/m);
  assert.match(text, /^cpp_link_args = \['--sysroot=\/work\/sysroot'\]$/m);
  assert.match(
    text,
    /^pkg_config_libdir = \['\/work\/sysroot\/usr\/lib\/aarch64-linux-gnu\/pkgconfig'/m,
  );
  assert.match(text, /^cpu_family = 'aarch64'$/m);
});

test('what cannot be built for is refused with what can', () => {
  for (const arch of ['riscv64', 'toString', '']) {
    assert.throws(
      () => foreignOf(arch),
      new RegExp(`cannot be built here \\(${process.arch}\\) for "${arch}".*built for arm64\\.$`),
    );
  }
});

test('a program is known by the architecture in its head', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-elf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'program');
  const program = Buffer.alloc(64);
  program.write('\x7fELF', 'latin1');
  program.writeUInt16LE(183, 18);
  writeFileSync(file, program);
  assert.ok(isForeignProgram(file, arm64));
  program.writeUInt16LE(62, 18);
  writeFileSync(file, program);
  assert.ok(!isForeignProgram(file, arm64), 'x86');
  writeFileSync(file, '#!/bin/sh\n');
  assert.ok(!isForeignProgram(file, arm64), 'no program');
});
