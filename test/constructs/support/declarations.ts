/** The .d.ts files of the public API, as the package carries them. */
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const REPOSITORY = join(__dirname, '../../..');
const FOLDER = join(REPOSITORY, 'constructs');

/** @returns text by path relative to constructs/, of what index.ts exports */
export function publicDeclarations(): Map<string, string> {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(FOLDER, 'tsconfig.json'),
    {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      incremental: false,
      tsBuildInfoFile: undefined,
      outDir: '/declarations',
      rootDir: REPOSITORY,
    },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  );
  if (!config) throw new Error(`${FOLDER}/tsconfig.json cannot be read`);
  const program = ts.createProgram([join(FOLDER, 'index.ts')], config.options);
  const declarations = new Map<string, string>();
  for (const file of exportedFiles(program)) {
    program.emit(
      program.getSourceFile(join(FOLDER, file)),
      (_name, text) => declarations.set(file, text),
      undefined,
      true,
    );
  }
  return declarations;
}

/** The files that index.ts re-exports from. */
function exportedFiles(program: ts.Program): string[] {
  const index = program.getSourceFile(join(FOLDER, 'index.ts'));
  const files: string[] = [];
  for (const statement of index?.statements ?? []) {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) continue;
    const specifier = (statement.moduleSpecifier as ts.StringLiteral).text;
    files.push(relative(FOLDER, join(dirname(join(FOLDER, 'index.ts')), `${specifier}.ts`)));
  }
  return files;
}
