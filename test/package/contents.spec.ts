import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
}

/** What npm would publish of what is built, by path. */
function shipped(): ReadonlySet<string> {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' });
  const [{ files }] = JSON.parse(json) as [{ files: { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

const files = shipped();
const scripts = [...files].filter((path) => path.endsWith('.js'));

/** The package's own modules that a script loads, or that its types name: a module may hold nothing but types. */
function importsOf(path: string): string[] {
  return [path, path.replace(/\.js$/, '.d.ts')]
    .filter((file) => existsSync(file))
    .flatMap((file) => ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles)
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(path), fileName))
    .filter((name) => name !== FROM_UPLOT);
}

/** The inspector serves it to its page from the package of that name. */
const FROM_UPLOT = 'dist/src/inspector/page/uplot.js';

/** What the page of the inspector has a browser load. */
function scriptsOfPage(): string[] {
  const html = readFileSync('dist/src/inspector/page/page.html', 'utf8');
  return Array.from(html.matchAll(/assets\/([\w-]+\.js)"/g), ([, name]) => `dist/src/inspector/page/${name}`);
}

function reachable(entries: readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...importsOf(path));
  }
  return found;
}

/** What a page links to: paths, with the part of the page behind a `#`. Links of other hosts are left out. */
function linksOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replaceAll(/^ *```.*?^ *```$|`[^`\n]*`/gms, '');
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link).filter(
    (link) => !/^[a-z]+:/.test(link),
  );
}

/** The names that GitHub and npm give to the headings of a page. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm);
  return Array.from(headings, ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the pages of the package', () => {
  const pages = [...files].filter((path) => path.endsWith('.md'));

  it('are README, CHANGELOG and those of docs', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/durability.md']));
  });

  it.each(pages)('link to what is in the package, too: %s', (page) => {
    for (const link of linksOf(page)) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(posix.dirname(page), path);
      expect(files, link).toContain(target);
      if (anchor !== undefined) expect(anchorsOf(target), link).toContain(anchor);
    }
  });
});

describe('the package', () => {
  const { exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const entries = [
    ...Object.values(exports).map((entry) => (typeof entry === 'string' ? entry : entry.default)),
    ...Object.values(bin),
    ...scriptsOfPage(),
  ]
    .map((path) => posix.normalize(path))
    .filter((path) => path.endsWith('.js'));

  it('ships every script that its exports, its command and its page reach, and no other', () => {
    expect(entries.length).toBeGreaterThan(1);
    expect(scripts.toSorted()).toEqual([...reachable(entries)].toSorted());
  });

  it('ships the types of its exports, with all that they name', () => {
    for (const entry of Object.values(exports)) {
      if (typeof entry === 'string') continue;
      const types = posix.normalize(entry.types);
      const named = ts.preProcessFile(readFileSync(types, 'utf8'), true, true).importedFiles;
      expect(files).toContain(types);
      for (const { fileName } of named.filter((one) => one.fileName.startsWith('.')))
        expect(files).toContain(posix.join(posix.dirname(types), fileName.replace(/\.js$/, '.d.ts')));
    }
  });

  it('names no source map that it does not ship, and no source that a map lacks', () => {
    for (const path of [...files].filter((one) => /\.(?:js|d\.ts)$/.test(one))) {
      const [, map] = /^\/\/# sourceMappingURL=(.+)$/m.exec(readFileSync(path, 'utf8')) ?? [];
      if (map !== undefined) expect(files, path).toContain(posix.join(posix.dirname(path), map));
    }
    for (const path of [...files].filter((one) => one.endsWith('.map'))) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(path, 'utf8')) as {
        sources: string[];
        sourcesContent?: (string | null)[];
      };
      for (const [i, source] of sources.entries())
        if (typeof sourcesContent?.[i] !== 'string')
          expect(files, path).toContain(posix.join(posix.dirname(path), source));
    }
  });
});
