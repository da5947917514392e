import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** A page's blocks of TypeScript that begin with the name of their file. */
const NAMED_BLOCK = /^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms;

/** The files that a page of the documentation prints, by path. */
export function examplesOf(page: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(REPOSITORY, page), 'utf8');
  return new Map([...text.matchAll(NAMED_BLOCK)].map(([, path = '', source = '']) => [path, source]));
}

/** Writes them as they are printed. */
export function writeExamples(page: string, folder: string): void {
  for (const [path, source] of examplesOf(page)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }
}
