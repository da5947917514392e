import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A text of the sources, with `…` for each part that is computed. */
type Pattern = string;

/** A call that logs a line. */
export interface LogCall {
  readonly level: string;
  /** What it logs; where that is computed elsewhere, no more than `…`. */
  readonly line: Pattern;
  /** The file and what it gives to the logger. */
  readonly where: string;
}

export interface Texts {
  readonly calls: readonly LogCall[];
  /** Every text of the sources, whatever becomes of it. */
  readonly all: readonly Pattern[];
}

const FOLDERS = ['core', 'storage', 'nest', 'backplane', 'integrations'].map((name) => join('src', name));
const LEVELS = new Set(['log', 'warn', 'error', 'fatal']);
const ANYTHING = '…';

/** The texts of the package's sources. */
export function textsOfSources(): Texts {
  const found = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => textsIn(join(folder, path))),
  );
  return { calls: found.flatMap(({ calls }) => calls), all: found.flatMap(({ all }) => all) };
}

/** The texts of one file. */
export function textsIn(path: string, source = readFileSync(path, 'utf8')): Texts {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const calls: LogCall[] = [];
  const all: Pattern[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      const [logged] = node.arguments;
      if (logged !== undefined && LEVELS.has(name.text) && /logger/i.test(expression.getText()))
        calls.push({
          level: name.text,
          line: patternOf(logged),
          where: `${path}: ${logged.getText().replaceAll(/\s+/g, ' ')}`,
        });
    }
    if (isText(node) && !isText(node.parent)) all.push(patternOf(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { calls, all };
}

/** Whether a line that a page quotes, with `…` for what differs, is one of that pattern. */
export function isOf(quoted: string, pattern: Pattern): boolean {
  if (pattern === ANYTHING) return false;
  if (asRegExp(quoted, '.*').test(pattern) || asRegExp(pattern, '.+').test(quoted)) return true;
  // Both leave something open, and not the beginning, which would go with anything.
  return ![quoted, pattern].some((text) => text.startsWith(ANYTHING)) && meet(quoted, pattern);
}

/** Whether some text is of both patterns. */
function meet(one: Pattern, other: Pattern): boolean {
  const seen = new Set<number>();
  const from = (i: number, j: number): boolean => {
    const place = i * (other.length + 1) + j;
    if (seen.has(place)) return false;
    seen.add(place);
    if (i === one.length && j === other.length) return true;
    if (one[i] === ANYTHING && (from(i + 1, j) || (j < other.length && from(i, j + 1)))) return true;
    if (other[j] === ANYTHING && (from(i, j + 1) || (i < one.length && from(i + 1, j)))) return true;
    return i < one.length && one[i] === other[j] && from(i + 1, j + 1);
  };
  return from(0, 0);
}

function isText(node: ts.Node): node is ts.Expression {
  return (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateExpression(node) ||
    (ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.PlusToken &&
      (isText(node.left) || isText(node.right)))
  );
}

function patternOf(node: ts.Expression): Pattern {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => ANYTHING + literal.text).join('');
  if (ts.isBinaryExpression(node) && isText(node)) return patternOf(node.left) + patternOf(node.right);
  return ANYTHING;
}

function asRegExp(pattern: Pattern, anything: string): RegExp {
  const parts = pattern
    .split(ANYTHING)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(anything)}$`, 's');
}
