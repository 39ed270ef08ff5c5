/** What stands in the way of a translation of the public API by jsii, found in emitted .d.ts. */
import ts from 'typescript';

/** Generic types that jsii knows. */
const KNOWN_GENERICS = new Set(['Array', 'Promise']);

/** Types that stand for nothing in other languages. */
const FOREIGN_KEYWORDS = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.AnyKeyword, 'any'],
  [ts.SyntaxKind.UnknownKeyword, 'unknown'],
  [ts.SyntaxKind.NeverKeyword, 'never'],
  [ts.SyntaxKind.SymbolKeyword, 'symbol'],
  [ts.SyntaxKind.BigIntKeyword, 'bigint'],
]);

const FOREIGN_TYPES = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.IntersectionType, 'an intersection'],
  [ts.SyntaxKind.FunctionType, 'a function type'],
  [ts.SyntaxKind.ConstructorType, 'a constructor type'],
  [ts.SyntaxKind.TupleType, 'a tuple'],
  [ts.SyntaxKind.MappedType, 'a mapped type'],
  [ts.SyntaxKind.ConditionalType, 'a conditional type'],
  [ts.SyntaxKind.IndexedAccessType, 'an indexed access'],
  [ts.SyntaxKind.TypeQuery, 'a typeof'],
  [ts.SyntaxKind.LiteralType, 'a literal type'],
  [ts.SyntaxKind.TemplateLiteralType, 'a template literal type'],
  [ts.SyntaxKind.TypeOperator, 'a type operator (readonly arrays are one)'],
]);

/**
 * Pure.
 *
 * @param text of a .d.ts file whose exports are public; what is internal was left out by the
 *   compiler
 * @param names those that are public; all without
 * @returns a sentence each: where, and what is wrong
 */
export function notJsiiClean(file: string, text: string, names?: readonly string[]): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) continue;
    if (ts.isExportDeclaration(statement) || !isExported(statement)) continue;
    if (names && !names.some((name) => declares(statement, name))) continue;
    const tell = (where: string, what: string) => found.push(`${file}: ${where}: ${what}`);
    if (ts.isInterfaceDeclaration(statement)) inInterface(statement, tell);
    else if (ts.isClassDeclaration(statement)) inClass(statement, tell);
    else if (ts.isEnumDeclaration(statement)) documented(statement, statement.name.text, tell);
    else tell(statement.getText().split('\n')[0] ?? '', 'only classes, interfaces and enums');
  }
  return found;
}

type Tell = (where: string, what: string) => void;

function inInterface(node: ts.InterfaceDeclaration, tell: Tell): void {
  const name = node.name.text;
  const isBehaviour = /^I[A-Z]/.test(name);
  documented(node, name, tell);
  if (node.typeParameters) tell(name, 'has type parameters');
  for (const member of node.members) {
    const where = `${name}.${member.name?.getText() ?? ''}`;
    if (ts.isMethodSignature(member)) {
      if (!isBehaviour) tell(where, 'a struct has properties only; behaviour is named I…');
      callable(member, where, tell);
    } else if (ts.isPropertySignature(member)) {
      property(member, where, tell);
      if (!isReadonly(member) && !isBehaviour) tell(where, 'a struct is readonly');
      if (member.questionToken && !isBehaviour && !hasTag(member, 'default')) {
        tell(where, 'optional without @default');
      }
    } else if (ts.isGetAccessorDeclaration(member)) {
      property(member, where, tell);
    } else tell(where, 'neither property nor method');
  }
  noOverloads(node.members, name, tell);
}

function inClass(node: ts.ClassDeclaration, tell: Tell): void {
  const name = node.name?.text ?? '';
  documented(node, name, tell);
  if (node.typeParameters) tell(name, 'has type parameters');
  const members = node.members.filter(isPublic);
  for (const member of members) {
    const own = member.name?.getText() ?? 'constructor';
    const where = `${name}.${own}`;
    if (own.toLowerCase() === name.toLowerCase()) tell(where, 'is called like its class');
    if (ts.isMethodDeclaration(member)) callable(member, where, tell);
    else if (ts.isConstructorDeclaration(member)) parameters(member, where, tell);
    else if (ts.isPropertyDeclaration(member) || ts.isGetAccessorDeclaration(member)) {
      property(member, where, tell);
      const isConstant = ts.isPropertyDeclaration(member) && !isReadonly(member);
      if (isConstant) tell(where, 'can be written: everything public is readonly');
    }
  }
  noOverloads(members, name, tell);
}

function callable(
  node: ts.MethodSignature | ts.MethodDeclaration,
  where: string,
  tell: Tell,
): void {
  if (node.typeParameters) tell(where, 'has type parameters');
  if (!/^[a-z][a-zA-Z0-9]*$/.test(node.name.getText())) tell(where, 'is not camelCase');
  documented(node, where, tell);
  parameters(node, where, tell);
  if (node.type) inType(node.type, where, tell);
}

function parameters(node: ts.SignatureDeclaration, where: string, tell: Tell): void {
  for (const { type } of node.parameters) if (type) inType(type, where, tell);
}

function property(
  node: ts.PropertySignature | ts.PropertyDeclaration | ts.GetAccessorDeclaration,
  where: string,
  tell: Tell,
): void {
  const name = node.name.getText();
  if (!/^([a-z][a-zA-Z0-9]*|[A-Z][A-Z0-9_]*)$/.test(name)) tell(where, 'is not camelCase');
  documented(node, where, tell);
  if (node.type) inType(node.type, where, tell);
}

function inType(type: ts.TypeNode, where: string, tell: Tell): void {
  const visit = (node: ts.Node): void => {
    const what = FOREIGN_TYPES.get(node.kind) ?? FOREIGN_KEYWORDS.get(node.kind);
    if (what) tell(where, `uses ${what}`);
    else if (ts.isUnionTypeNode(node)) {
      const rest = node.types.filter((part) => part.kind !== ts.SyntaxKind.UndefinedKeyword);
      if (rest.length > 1) tell(where, 'uses a union');
      rest.forEach(visit);
      return;
    } else if (ts.isTypeLiteralNode(node) && !node.members.every(ts.isIndexSignatureDeclaration)) {
      tell(where, 'uses a nameless type');
    } else if (
      ts.isTypeReferenceNode(node) &&
      node.typeArguments &&
      !KNOWN_GENERICS.has(node.typeName.getText())
    ) {
      tell(where, `uses the generic ${node.typeName.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(type);
}

function noOverloads(members: readonly ts.Node[], name: string, tell: Tell): void {
  const seen = new Set<string>();
  for (const member of members) {
    if (!ts.isMethodSignature(member) && !ts.isMethodDeclaration(member)) continue;
    const own = member.name.getText();
    if (seen.has(own)) tell(`${name}.${own}`, 'is overloaded');
    seen.add(own);
  }
}

function documented(node: ts.Node, where: string, tell: Tell): void {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  // What an interface says of a member holds for the class, and compilers copy no docs.
  const isStated = docs.some(({ comment, tags }) => comment !== undefined || tags !== undefined);
  if (!isStated) tell(where, 'has no docstring');
}

const hasTag = (node: ts.Node, name: string) =>
  ts.getJSDocTags(node).some((tag) => {
    const text = ts.getTextOfJSDocComment(tag.comment) ?? '';
    return tag.tagName.text === name && text.trim() !== '';
  });

const hasModifier = (node: ts.Node, ...kinds: ts.SyntaxKind[]) =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some((modifier) => kinds.includes(modifier.kind));

const declares = (statement: ts.Statement, name: string) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.some((one) => one.name.getText() === name)
    : (statement as ts.DeclarationStatement).name?.getText() === name;

const isExported = (node: ts.Node) => hasModifier(node, ts.SyntaxKind.ExportKeyword);

const isReadonly = (node: ts.Node) => hasModifier(node, ts.SyntaxKind.ReadonlyKeyword);

/** `#private` and `private` are nobody's; names with an underscore are internal to jsii. */
const isPublic = (node: ts.ClassElement) =>
  !hasModifier(node, ts.SyntaxKind.PrivateKeyword) &&
  !(node.name && (ts.isPrivateIdentifier(node.name) || node.name.getText().startsWith('_')));
