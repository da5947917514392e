import { describe, expect, it } from 'vitest';
import { compile } from './support/compiler.js';
import { examplesOf, pages } from './support/examples.js';

/** A compiler that reads the types of Nest and TypeORM, on a busy machine. */
const TIMEOUT_MS = 300_000;

describe('the examples of the docs', () => {
  it('compile as they are printed', { timeout: TIMEOUT_MS }, () => {
    const examples = pages().flatMap((page) => examplesOf(page));
    expect(new Set(examples.map(({ page }) => page))).toContain('README.md');
    expect(compile(examples)).toEqual([]);
  });

  it('would be found out if they did not', { timeout: TIMEOUT_MS }, () => {
    const text = [
      '# A page',
      '```ts',
      "const session: Session | undefined = await sessions.get('a');",
      '```',
      'More of it:',
      '```ts continued',
      'session.visits = await counters.get(1);',
      '```',
      '```ts fragment',
      'what: is no program',
      '```',
    ].join('\n');
    const wrong = compile(examplesOf('page.md', text));
    expect(wrong).toContainEqual(expect.stringContaining("page.md:7 'session' is possibly 'undefined'"));
    expect(wrong).toContainEqual(expect.stringMatching(/^page\.md:7 Argument of type 'number'/));
    expect(wrong.filter((line) => !line.startsWith('page.md:7'))).toEqual([]);
  });
});
