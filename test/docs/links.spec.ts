import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages } from './support/examples.js';

const PAGES = [...pages(), 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'test/README.md'];

/** A page without its blocks of code. */
function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replaceAll(/^( *)```.*?^\1```$/gms, '');
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#+ (.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let number = 1; anchors.has(anchor); number += 1) anchor = `${slug}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The links of a page that lead nowhere. */
function brokenIn(page: string, text = proseOf(page)): string[] {
  const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(target)) return true;
      return anchor !== undefined && (statSync(target).isDirectory() || !anchorsOf(target).has(anchor));
    });
}

describe('the links of the docs', () => {
  it.each(PAGES)('lead somewhere: %s', (page) => {
    expect(brokenIn(page)).toEqual([]);
  });

  it('would be found out if they did not', () => {
    const text =
      '[a](durability.md#the-stop) [b](durability.md#the-start) [c](no-such-page.md) [d](https://x.y)';
    expect(brokenIn('docs/x.md', text)).toEqual(['durability.md#the-start', 'no-such-page.md']);
  });
});
