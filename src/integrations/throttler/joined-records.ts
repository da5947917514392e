import type { HitRecord } from './hit-record.js';

/**
 * The record of an entry with the window that a refused hit has begun: refused hits write nothing. `seen` is what the last one of them found; the
 * entry may have expired since, or somebody may have reset it: its hits are not brought back, nor is its block.
 */
export function withSeenWindow(
  record: HitRecord | undefined,
  seen: HitRecord | undefined,
  at: number,
): HitRecord | undefined {
  if (seen === undefined || seen.expiresAt <= at) return record;
  if (record === undefined) return isBlocking(seen, at) ? undefined : { ...seen, hits: {} };
  return seen.expiresAt > record.expiresAt ? { ...record, expiresAt: seen.expiresAt } : record;
}

/** One record of what two instances have counted, or one instance with and without the database. What both have counts once. */
export function joined(
  one: HitRecord | undefined,
  other: HitRecord | undefined,
  at: number,
): HitRecord | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other;
  // While a block lasts nothing is counted, and the hits before it count no more after it.
  if (isBlocking(one, at) || isBlocking(other, at)) return blockEnd(one) >= blockEnd(other) ? one : other;
  if (other.isBlocked) return one;
  if (one.isBlocked) return other;
  const names = new Set([...Object.keys(one.hits), ...Object.keys(other.hits)]);
  const hits = Array.from(names, (name) => [name, union(hitsOf(one, name), hitsOf(other, name))] as const);
  return {
    hits: Object.fromEntries(hits),
    expiresAt: Math.max(one.expiresAt, other.expiresAt),
    blockExpiresAt: Math.max(one.blockExpiresAt, other.blockExpiresAt),
    isBlocked: false,
  };
}

function isBlocking({ isBlocked, blockExpiresAt }: HitRecord, at: number): boolean {
  return isBlocked && blockExpiresAt > at;
}

function blockEnd({ isBlocked, blockExpiresAt }: HitRecord): number {
  return isBlocked ? blockExpiresAt : 0;
}

/** Several hits may end in the same millisecond: each of one is one of the other's, as far as there are. */
function union(ones: readonly number[], others: readonly number[]): number[] {
  const unmatched = [...ones];
  const added = others.filter((end) => {
    const index = unmatched.indexOf(end);
    if (index !== -1) unmatched.splice(index, 1);
    return index === -1;
  });
  return [...ones, ...added];
}

function hitsOf({ hits }: HitRecord, name: string): readonly number[] {
  return Object.hasOwn(hits, name) ? (hits[name] ?? []) : [];
}
