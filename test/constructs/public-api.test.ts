/** The public API can be translated by jsii, and every optional property says its default. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { publicDeclarations } from './support/declarations';
import { notJsiiClean } from './support/public-api';

describe('the public API', () => {
  const declarations = publicDeclarations();

  test('is what index.ts exports, file by file, and nothing private', () => {
    assert.ok(declarations.size > 0);
    for (const file of declarations.keys()) {
      assert.ok(existsSync(join(__dirname, '../../constructs', file)), file);
      assert.ok(!file.startsWith('private/') && !file.startsWith('..'), file);
    }
  });

  test('has nothing that jsii cannot translate', () => {
    const found = [...declarations].flatMap(([file, { text, names }]) =>
      notJsiiClean(file, text, names),
    );
    assert.deepEqual(found, []);
  });

  test('names no type of what is private, or of the software of the node', () => {
    for (const [file, { text }] of declarations) {
      const outside = [...text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)]
        .map(([, from = '']) => from)
        .filter((from) => !/^(aws-cdk-lib(\/aws-[\w-]+)?|constructs|\.\/[\w-]+)$/.test(from));
      assert.deepEqual(outside, [], file);
    }
  });
});

describe('what jsii cannot translate is found', () => {
  const CASES: readonly [string, string, RegExp][] = [
    ['a union', '/** A. */ export interface A { /** B. */ readonly b: string | number; }', /union/],
    [
      'a union in an array',
      '/** A. */ export interface A { /** B. */ readonly b: (string | number)[]; }',
      /union/,
    ],
    ['a generic', '/** A. */ export declare class A<T> {}', /type parameters/],
    [
      'a generic type',
      '/** A. */ export interface A { /** B. */ readonly b: Record<string, string>; }',
      /generic Record/,
    ],
    [
      'a function type',
      '/** A. */ export interface A { /** B. */ readonly b: () => void; }',
      /function type/,
    ],
    ['any', '/** A. */ export declare class A { /** B. */ b(c: any): void; }', /any/],
    [
      'a readonly array',
      '/** A. */ export interface A { /** B. */ readonly b: readonly string[]; }',
      /readonly arrays/,
    ],
    ['an exported function', '/** A. */ export declare function a(): void;', /only classes/],
    ['an exported constant', '/** A. */ export declare const a = 1;', /only classes/],
    ['an alias', '/** A. */ export type A = string;', /only classes/],
    [
      'a struct that is written',
      '/** A. */ export interface A { /** B. */ b: string; }',
      /readonly/,
    ],
    [
      'a struct with a method',
      '/** A. */ export interface A { /** B. */ b(): void; }',
      /properties only/,
    ],
    [
      'a missing default',
      '/** A. */ export interface A { /** B. */ readonly b?: string; }',
      /without @default/,
    ],
    [
      'an empty default',
      '/** A. */ export interface A { /** B.\n * @default\n */ readonly b?: string; }',
      /without @default/,
    ],
    ['a missing docstring', '/** A. */ export interface A { readonly b: string; }', /docstring/],
    [
      'a member called like its class',
      '/** A. */ export declare class Apple { /** B. */ readonly apple: string; }',
      /like its class/,
    ],
    [
      'an overload',
      '/** A. */ export declare class A { /** B. */ b(): void; /** B. */ b(c: string): void; }',
      /overloaded/,
    ],
    [
      'a nameless type',
      '/** A. */ export interface A { /** B. */ readonly b: { c: string }; }',
      /nameless/,
    ],
  ];
  for (const [what, text, expected] of CASES) {
    test(what, () => {
      const found = notJsiiClean('a.d.ts', inLines(text));
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', expected);
    });
  }

  test('and what it can translate is not', () => {
    const text = `
      import type { IConstruct } from 'constructs';
      /** A. */ export interface IA extends IConstruct { /** B. */ readonly b?: string; /** C. */ c(d: string[]): string | undefined; }
      /** B. */ export interface BProps { /** C. @default - none */ readonly c?: { [key: string]: string }; }
      /** C. */ export declare abstract class C { private readonly d; private e; /** ONE. */ static readonly ONE: C; /** F. */ static f(): C; }
      /** D. */ export declare enum D { /** ONE. */ ONE = 0 }
    `;
    assert.deepEqual(notJsiiClean('a.d.ts', inLines(text)), []);
  });
});

/** A comment belongs to what follows only where it begins a line. */
const inLines = (text: string) => text.replaceAll('/**', '\n/**');
