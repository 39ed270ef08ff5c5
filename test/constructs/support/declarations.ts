/** The .d.ts files of the public API, as the package carries them. */
import { join, relative } from 'node:path';
import ts from 'typescript';

const REPOSITORY = join(__dirname, '../../..');
const FOLDER = join(REPOSITORY, 'constructs');

/** What a file gives to the public API. */
export interface PublicFile {
  readonly text: string;
  /** Undefined: all that it exports. */
  readonly names: readonly string[] | undefined;
}

/** @returns by path relative to constructs/, what index.ts exports from */
export function publicDeclarations(): Map<string, PublicFile> {
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
  const declarations = new Map<string, PublicFile>();
  for (const [file, names] of exportedFiles(program)) {
    program.emit(
      program.getSourceFile(join(FOLDER, file)),
      (_name, text) => declarations.set(file, { text, names }),
      undefined,
      true,
    );
  }
  return declarations;
}

/** The files that index.ts re-exports from, and which names of theirs. */
function exportedFiles(program: ts.Program): [string, readonly string[] | undefined][] {
  const index = program.getSourceFile(join(FOLDER, 'index.ts'));
  return (index?.statements ?? []).flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) return [];
    const { text } = statement.moduleSpecifier as ts.StringLiteral;
    const file = relative(FOLDER, join(FOLDER, `${text}.ts`));
    const clause = statement.exportClause;
    const isNamed = clause !== undefined && ts.isNamedExports(clause);
    return [[file, isNamed ? clause.elements.map(({ name }) => name.text) : undefined]];
  });
}
