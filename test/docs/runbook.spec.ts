import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isOf, textsIn, textsOfSources, type LogCall } from './support/log-calls.js';

const [FAULTS = '', LINES = ''] = readFileSync('docs/runbook.md', 'utf8').split('\n## Log lines\n');
const DURABILITY = readFileSync('docs/durability.md', 'utf8');
const { calls, all } = textsOfSources();

/** What a section says, in this order. */
const LEADS = ['You see', 'The cache', 'You', 'Over'];

/** Lines whose texts come from elsewhere: the page has those, too, and what options are warned of is on other pages. */
const COMPUTED = [
  'src/core/engine/open-storage.ts: warning',
  'src/core/rescue/assert-writable.ts: reason',
  'src/core/sharing/claim-wait.ts: waitingLine(place, rivals, this.#waitMs)',
  'src/core/sharing/claim.ts: this.#lost.message',
  'src/core/sharing/membership.ts: why',
  'src/nest/cache.lifecycle.ts: startLine(report)',
];

/** The cells of the tables of a page, without their heads. */
function rowsOf(page: string): string[][] {
  return Array.from(page.matchAll(/^\|(.*)\|$/gm), ([, row = '']) =>
    row.split('|').map((cell) => cell.trim()),
  )
    .filter(([first = '']) => !/^-+$/.test(first))
    .filter(([first]) => first !== 'fault' && first !== 'level');
}

/** The sections of the page, by title. */
function sections(): ReadonlyMap<string, string> {
  const found = FAULTS.matchAll(/^### ([^\n]+)\n(.*?)(?=^##|$(?![\s\S]))/gms);
  return new Map(Array.from(found, ([, title = '', text = '']) => [title, text]));
}

interface Documented {
  readonly level: string;
  readonly line: string;
}

const documented: Documented[] = rowsOf(LINES).map(([level = '', line = '']) => ({
  level,
  line: line.replaceAll('`', ''),
}));

/** Lines of the sources that no line of the page stands for. */
function unsaid(logged: readonly LogCall[]): string[] {
  return logged
    .filter(({ line }) => line !== '…')
    .filter((call) => !documented.some(({ level, line }) => level === call.level && isOf(line, call.line)))
    .map(({ level, line }) => `${level}: ${line}`);
}

describe('the runbook', () => {
  it('has a section for every fault of the page on durability, in its words', () => {
    const faults = rowsOf(DURABILITY.slice(0, DURABILITY.indexOf('\n## Servers')))
      .filter((cells) => cells.length === 4)
      .map(([fault]) => fault);
    const rows = rowsOf(FAULTS);
    expect(faults.length).toBeGreaterThan(20);
    expect(rows.map(([fault]) => fault)).toEqual(faults);
    const titles = rows.map(([, link = '']) => /^\[(.+)\]\(#/.exec(link)?.[1]);
    expect(titles.filter((title) => !sections().has(title ?? ''))).toEqual([]);
  });

  it.each([...sections()])('says what is seen, done and over: %s', (_title, text) => {
    const leads = Array.from(text.matchAll(/^- \*\*(.+?)\*\*/gm), ([, lead]) => lead);
    expect(leads).toEqual(LEADS);
  });

  it('quotes lines that the cache logs', () => {
    // Of more than three words: shorter ones are names and codes.
    const quoted = Array.from(
      FAULTS.matchAll(/^- \*\*(?:You see|Over)\*\*.*?(?=^-|^#|$(?![\s\S]))/gms),
      ([bullet]) => Array.from(bullet.matchAll(/`([^`]+)`/g), ([, code = '']) => code),
    ).flat();
    const lines = quoted.filter((code) => code.split(/\s+/).length > 3);
    expect(lines.length).toBeGreaterThan(25);
    const patterns = all.filter((pattern) => pattern.length > 20);
    // Codes and numbers are among what differs.
    const unknown = lines.filter((line) => {
      const inner = line.replaceAll(/\s+/g, ' ').replaceAll(/[A-Z][A-Z_]{4,}…?|\d+/g, '…');
      return !patterns.some((pattern) => isOf(`…${inner}…`, pattern));
    });
    expect(unknown).toEqual([]);
  });
});

describe('the table of log lines', () => {
  it('has every line that the cache logs, with its level', () => {
    expect(calls.length).toBeGreaterThan(35);
    expect(unsaid(calls)).toEqual([]);
  });

  it('has no other', () => {
    const patterns = all.filter((pattern) => pattern.length > 12);
    expect(documented.filter(({ line }) => !patterns.some((pattern) => isOf(line, pattern)))).toEqual([]);
  });

  it('knows where lines come from that are made elsewhere', () => {
    const computed = calls.filter(({ line }) => line === '…').map(({ where }) => where);
    expect([...new Set(computed)].sort()).toEqual(COMPUTED);
  });

  it('would be found out where a line is new', () => {
    const source = "class A { b() { this.logger.warn(`The disk ${name} ` + 'is on fire.'); } }";
    const {
      calls: [call],
    } = textsIn('a.ts', source);
    expect(call).toMatchObject({ level: 'warn', line: 'The disk … is on fire.' });
    expect(call && unsaid([call])).toEqual(['warn: The disk … is on fire.']);
    expect(call && isOf('The disk … is on …', call.line)).toBe(true);
    expect(call && isOf('The disk a is on ice.', call.line)).toBe(false);
  });
});
