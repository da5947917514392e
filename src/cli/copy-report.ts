import type { RefusedRows } from '../storage/listed-storage.js';
import { cutTo } from './printable.js';
import type { NamespaceCopy } from './storage-copy.js';

/** Of a key, in columns. */
const MOST_OF_A_KEY = 60;

/** What became of each namespace, line by line; `done` is what was done with its rows. */
export function reportOf(copies: readonly NamespaceCopy[], done: string): string[] {
  return copies.flatMap((copy) => [
    `${copy.namespace}: ${amounts(copy, done)}`,
    ...[...copy.refused, ...copy.untimed].map(inWords),
  ]);
}

export function inWords({ reason, count, keys }: RefusedRows): string {
  const shown = keys.map((key) => cutTo(key, MOST_OF_A_KEY)).join(', ');
  return `  ${rows(count)}: ${reason} (${count > keys.length ? `${shown}, …` : shown})`;
}

/** `undefined` where everything was copied. */
export function leftOut(copies: readonly NamespaceCopy[], stray: readonly RefusedRows[]): string | undefined {
  const count = sum([...copies.flatMap(({ refused }) => refused), ...stray]);
  const untimed = sum(copies.flatMap((copy) => copy.untimed));
  const parts = [
    ...(count > 0 ? [`${rows(count)} can't be copied`] : []),
    ...(untimed > 0 ? [`${rows(untimed)} lost the time of writing`] : []),
  ];
  return parts.length === 0
    ? undefined
    : `The copy is incomplete: ${parts.join(', ')}. They are named above.`;
}

function amounts({ rows: all, copied, unchanged, refused }: NamespaceCopy, done: string): string {
  const there = unchanged === 0 ? '' : `, ${unchanged} there already`;
  const count = sum(refused);
  return `${copied} of ${all} rows ${done}${there}${count === 0 ? '' : `, ${count} refused`}`;
}

function sum(refused: readonly RefusedRows[]): number {
  return refused.reduce((total, { count }) => total + count, 0);
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}
