import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A piece of TypeScript on a page of the docs. */
export interface Example {
  readonly page: string;
  /** The line of the page that it begins on, from 1. */
  readonly line: number;
  readonly code: string;
}

const BLOCK = /^( *)```(?:ts|typescript)(?: (continued|fragment))?\n(.*?)^\1```$/gms;

/** Its examples are the files of one application, which the tests run. */
const RUN_BY_TESTS = 'docs/testing.md';

/** README and every page of `docs`. */
export function pages(): string[] {
  const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));
  return ['README.md', ...docs.toSorted()];
}

/** The examples of a page: one marked `continued` comes with the one before it, one marked `fragment` is left out. */
export function examplesOf(page: string, text = readFileSync(page, 'utf8')): Example[] {
  const examples: Example[] = [];
  if (page === RUN_BY_TESTS) return examples;
  for (const { index, 1: indent = '', 2: mark, 3: body = '' } of text.matchAll(BLOCK)) {
    if (mark === 'fragment') continue;
    const line = text.slice(0, index).split('\n').length + 1;
    const code = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const before = examples.at(-1);
    if (mark === 'continued' && before !== undefined) {
      // Blank lines for what stands between the two: lines of errors are those of the page.
      const gap = line - before.line - before.code.split('\n').length + 1;
      examples[examples.length - 1] = { ...before, code: before.code + '\n'.repeat(gap) + code };
    } else {
      examples.push({ page, line, code });
    }
  }
  return examples;
}
