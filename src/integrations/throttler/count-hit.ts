import type { ThrottlerStorage } from '@nestjs/throttler';
import { endAfter, endOf, secondsTo, type HitRecord } from './hit-record.js';

/** What the guard is told of a hit; times in whole seconds. */
export type HitOutcome = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** A request that is counted; times in milliseconds, `Infinity` for what never ends. */
export interface Hit {
  readonly ttl: number;
  readonly limit: number;
  readonly blockDuration: number;
  readonly throttlerName: string;
  /** Since the Unix epoch. */
  readonly at: number;
}

/** What became of a hit, and of the record of its key. */
export interface CountedHit {
  readonly record: HitRecord;
  /** Whether the hit is in the record now. One that is refused changes the window alone. */
  readonly isCounted: boolean;
  readonly outcome: HitOutcome;
}

/** Counts a hit as the storage of `@nestjs/throttler` does: each stops to count after its own `ttl`. Changes nothing that it is given. */
export function countHit(given: HitRecord | undefined, hit: Hit): CountedHit {
  const current = given === undefined || endOf(given) <= hit.at ? newRecord(hit) : renewed(given, hit);
  return hit.blockDuration > 0 ? countBlocking(current, hit) : countWindow(current, hit);
}

/** Past the limit the key is blocked for `blockDuration`, in which nothing is counted; then it starts anew. */
function countBlocking(current: HitRecord, hit: Hit): CountedHit {
  const { at, limit, ttl, blockDuration } = hit;
  const earlier = hitsOf(current, hit);
  if (current.isBlocked && current.blockExpiresAt > at)
    return refused(current, hit, earlier.length, current.blockExpiresAt);
  const hits = [...(current.isBlocked ? [] : earlier), endAfter(at, ttl)];
  const blocks = !current.isBlocked && hits.length > limit;
  const blockExpiresAt = blocks ? endAfter(at, blockDuration) : current.blockExpiresAt;
  const record = withHits({ ...current, isBlocked: blocks, blockExpiresAt }, hit, hits);
  return {
    record,
    isCounted: true,
    outcome: outcomeOf(record, hit, hits.length, blocks ? blockExpiresAt : undefined),
  };
}

/** Past the limit a hit is refused, and not counted, until the earliest one stops to count. */
function countWindow(current: HitRecord, hit: Hit): CountedHit {
  const earlier = hitsOf(current, hit);
  if (earlier.length < hit.limit) {
    const hits = [...earlier, endAfter(hit.at, hit.ttl)];
    const record = withHits(current, hit, hits);
    return { record, isCounted: true, outcome: outcomeOf(record, hit, hits.length) };
  }
  const end = earlier.length === 0 ? current.expiresAt : Math.min(...earlier);
  return refused(current, hit, earlier.length + 1, end);
}

function refused(record: HitRecord, hit: Hit, totalHits: number, blockedUntil: number): CountedHit {
  return { record, isCounted: false, outcome: outcomeOf(record, hit, totalHits, blockedUntil) };
}

function outcomeOf(
  record: HitRecord,
  { at }: Hit,
  totalHits: number,
  /** Where it is blocked. */
  blockedUntil?: number,
): HitOutcome {
  return {
    totalHits,
    timeToExpire: secondsTo(record.expiresAt, at),
    isBlocked: blockedUntil !== undefined,
    timeToBlockExpire: blockedUntil === undefined ? 0 : secondsTo(blockedUntil, at),
  };
}

function newRecord({ at, ttl }: Hit): HitRecord {
  return { hits: {}, expiresAt: endAfter(at, ttl), blockExpiresAt: 0, isBlocked: false };
}

/** With a new window where the last one has ended. */
function renewed(record: HitRecord, { at, ttl }: Hit): HitRecord {
  return record.expiresAt > at ? record : { ...record, expiresAt: endAfter(at, ttl) };
}

/** The hits that count. */
function hitsOf({ hits }: HitRecord, { throttlerName, at }: Hit): readonly number[] {
  // A name may be that of a property of every object.
  return Object.hasOwn(hits, throttlerName) ? (hits[throttlerName] ?? []).filter((end) => end > at) : [];
}

function withHits(record: HitRecord, { throttlerName }: Hit, hits: readonly number[]): HitRecord {
  return { ...record, hits: { ...record.hits, [throttlerName]: hits } };
}
