import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages } from './support/examples.js';

const FOLDERS = ['src', 'test', 'migrations'];
const files = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.includes('node_modules'))
    .map((path) => join(folder, path).replaceAll(sep, '/')),
);

/** The files and folders of the sources that a page names in code. A page may leave out how their paths begin. */
function pathsOn(page: string): string[] {
  const text = readFileSync(page, 'utf8').replaceAll(/^ *```.*?^ *```$/gms, '');
  const codes = Array.from(text.matchAll(/`([^`\s]+)`/g), ([, code = '']) => code);
  return codes.filter(
    (code) => /^[\w.*/-]+\.(?:ts|mjs)$/.test(code) || /^(?:src|test|migrations)\/[\w*/.-]+$/.test(code),
  );
}

function isThere(path: string): boolean {
  const pattern = path
    .replace(/\/$/, '')
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '[^/]*');
  const whole = new RegExp(`(?:^|/)${pattern}$`);
  return files.some((file) => whole.test(file));
}

/** Pages about the project itself: others may name files of an application. */
const ABOUT_SOURCES = [
  ...pages().filter((page) => /architecture|glossary|decisions|durability|operations|bot\.md/.test(page)),
  'CONTRIBUTING.md',
  'SECURITY.md',
  'test/README.md',
];

describe('the sources that a page names', () => {
  it.each(ABOUT_SOURCES)('are there: %s', (page) => {
    expect(pathsOn(page).filter((path) => !isThere(path))).toEqual([]);
  });

  it('are looked for', () => {
    expect(pathsOn('docs/architecture.md')).toContain('rescue/rescue-replay.ts');
    expect(isThere('rescue/no-such-file.ts')).toBe(false);
  });
});
