import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of product code; `worker.ts` stands beside them. */
const FOLDERS = ['workflows', 'activities', 'api', 'db', 'metrics', 'ui', 'simulator', 'scripts', 'bench', 'lab'];

export interface Import {
  /** A file of ours, relative to the root, or the name of a package or of a part of Node. */
  to: string;
  ours: boolean;
  /** Gone once compiled: `import type` and `export type`. */
  typeOnly: boolean;
}

export interface Source {
  file: string;
  imports: Import[];
  /** The code without its comments. */
  code: string;
}

function filesBelow(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  const entries = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => path.posix.join(folder, name));
}

/** `@scope/name` or `name` of what stands in an import: `@scope/name/part` is part of the same package. */
const packageOf = (text: string): string =>
  text.startsWith('node:')
    ? text
    : text
        .split('/')
        .slice(0, text.startsWith('@') ? 2 : 1)
        .join('/');

/** What a text imports: by statement, by re-export and by call. */
export function readSource(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (at: ts.Expression | undefined, typeOnly: boolean) => {
    if (!at || !ts.isStringLiteralLike(at)) return;
    const ours = at.text.startsWith('.');
    const to = ours ? path.posix.join(path.posix.dirname(file), at.text).replace(/\.js$/, '.ts') : packageOf(at.text);
    imports.push({ to, ours, typeOnly });
  };
  const walk = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, walk);
  };
  walk(tree);
  return { file, imports, code: withoutComments(tree) };
}

/** Text between the tokens is where comments are. */
function withoutComments(tree: ts.SourceFile): string {
  const parts: string[] = [];
  const walk = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.JSDoc) return;
    const children = node.getChildren(tree);
    if (children.length === 0) parts.push(node.getText(tree));
    else children.forEach(walk);
  };
  walk(tree);
  return parts.join(' ');
}

export const sources: readonly Source[] = [...FOLDERS.flatMap(filesBelow), 'worker.ts']
  .sort()
  .map((file) => readSource(file, readFileSync(path.join(root, file), 'utf8')));
