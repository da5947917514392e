import { createHash } from 'node:crypto';
import type { Append, LifeHistory, Span, View } from './history.js';

/** What is in the database when all have ended. */
export interface FinalRows {
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly counters: ReadonlyMap<string, number>;
}

export interface Verdict {
  /** Acknowledged writes that are not in the final rows. */
  readonly lost: number;
  /** Reads that lacked what was acknowledged longer ago than they may. */
  readonly stale: number;
  /** What else should not have been, and the lost ones, in words. */
  readonly faults: readonly string[];
  /** For each acknowledged id and each other life: how long after it a read there still lacked it, ms; ascending. */
  readonly staleness: readonly number[];
}

/** Clocks are read a moment before and after what they date, ms. */
const SLACK_MS = 100;

/** A list whose final row gives the order of all that was appended. */
interface Order {
  readonly ids: readonly string[];
  readonly place: ReadonlyMap<string, number>;
  /** The digest of the first n ids. */
  readonly digests: readonly string[];
  /** When the first of the ids from the nth on was acknowledged. */
  readonly acknowledgedFrom: readonly number[];
}

/**
 * Judges what several processes noted, in time linear in their notes: each list is one row, whose last value gives the order in which
 * everything was appended. (The idea of list-append histories: K. Kingsbury, P. Alvaro, "Elle", VLDB 2020.)
 */
export function check(lives: readonly LifeHistory[], final: FinalRows, maxStaleMs: number): Verdict {
  const faults: string[] = [];
  const acknowledged = new Map<string, Append>();
  for (const { appends } of lives) for (const append of appends) acknowledged.set(append.id, append);
  const orders = new Map<string, Order>();
  for (const [key, ids] of final.lists) orders.set(key, orderOf(ids, acknowledged));

  let lost = checkAppends(lives, orders, acknowledged, faults);
  lost += checkCounters(lives, final.counters, faults);
  let stale = 0;
  for (const life of lives) stale += checkViews(life, orders, maxStaleMs, faults);
  return { lost, stale, faults, staleness: stalenessOf(lives, orders, acknowledged) };
}

function orderOf(ids: readonly string[], acknowledged: ReadonlyMap<string, Append>): Order {
  const hash = createHash('md5');
  const digests = [hash.copy().digest('base64')];
  for (const [i, id] of ids.entries()) {
    hash.update(i === 0 ? id : ` ${id}`);
    digests.push(hash.copy().digest('base64'));
  }
  const acknowledgedFrom = Array.from({ length: ids.length + 1 }, () => Infinity);
  for (let i = ids.length - 1; i >= 0; i -= 1) {
    const own = acknowledged.get(ids[i] ?? '')?.to ?? Infinity;
    acknowledgedFrom[i] = Math.min(own, acknowledgedFrom[i + 1] ?? Infinity);
  }
  return { ids, place: new Map(ids.map((id, i) => [id, i])), digests, acknowledgedFrom };
}

/** Each acknowledged id once, each other at most once, and none that was begun after a later one was acknowledged. */
function checkAppends(
  lives: readonly LifeHistory[],
  orders: ReadonlyMap<string, Order>,
  acknowledged: ReadonlyMap<string, Append>,
  faults: string[],
): number {
  let lost = 0;
  const begunAt = new Map<string, { readonly key: string; readonly from: number }>();
  for (const { begun } of lives) for (const write of begun) begunAt.set(write.id, write);
  for (const { id, key } of acknowledged.values()) {
    if (orders.get(key)?.place.has(id) === true) continue;
    lost += 1;
    faults.push(`${id} was acknowledged, and list ${key} lacks it`);
  }
  for (const [key, { ids, place, acknowledgedFrom }] of orders) {
    if (place.size !== ids.length) faults.push(`list ${key} has ${ids.length - place.size} ids twice`);
    for (const [i, id] of ids.entries()) {
      const begun = begunAt.get(id);
      if (begun?.key !== key) faults.push(`list ${key} has ${id}, which nobody appended to it`);
      else if ((acknowledgedFrom[i + 1] ?? Infinity) < begun.from)
        faults.push(`list ${key} has ${id} before one that was acknowledged before it began`);
    }
  }
  return lost;
}

function checkCounters(
  lives: readonly LifeHistory[],
  counters: ReadonlyMap<string, number>,
  faults: string[],
): number {
  let lost = 0;
  const given = new Map<string, Set<number>>();
  const begun = new Map<string, number>();
  for (const life of lives) {
    for (const { key } of life.begun) begun.set(key, (begun.get(key) ?? 0) + 1);
    for (const { key, value } of life.counts) {
      const values = given.get(key) ?? new Set();
      if (values.has(value)) faults.push(`${key} gave ${value} to two callers`);
      given.set(key, values.add(value));
    }
  }
  for (const [key, { size }] of given) {
    const value = counters.get(key) ?? 0;
    lost += Math.max(0, size - value);
    if (value < size) faults.push(`${key} is ${value} after ${size} acknowledged increments`);
    if (value > (begun.get(key) ?? 0)) faults.push(`${key} is ${value} after ${begun.get(key)} increments`);
  }
  return lost;
}

/** Each view of a list is a beginning of it, none shorter than one that had ended before, and none too old. Gives how many are that. */
function checkViews(
  { name, views, stops }: LifeHistory,
  orders: ReadonlyMap<string, Order>,
  maxStaleMs: number,
  faults: string[],
): number {
  let stale = 0;
  for (const [key, some] of byList(views)) {
    const order = orders.get(key);
    const seen = endedBefore(some);
    for (const view of some.toSorted((a, b) => a.from - b.from)) {
      const { how, length, digest, from } = view;
      const what = `${name}: ${how} of list ${key} at ${from.toFixed(1)} ms gave ${length} ids`;
      if (order?.digests[length] !== digest && !(order === undefined && length === 0)) {
        faults.push(`${what}, which are no beginning of it`);
        continue;
      }
      if (length < seen(from)) faults.push(`${what}, fewer than were seen before`);
      const behindMs = from - (order?.acknowledgedFrom[length] ?? Infinity);
      const allowedMs = how === 'fresh' || how === 'update' ? 0 : maxStaleMs + SLACK_MS;
      if (behindMs <= allowedMs || overlapsAny(view, stops)) continue;
      stale += 1;
      faults.push(`${what}, without one acknowledged ${behindMs.toFixed(1)} ms before`);
    }
  }
  return stale;
}

/** Gives the greatest length of the views that had ended before a moment. Moments ascend. */
function endedBefore(views: readonly View[]): (moment: number) => number {
  const byEnd = views.toSorted((a, b) => a.to - b.to);
  let next = 0;
  let longest = 0;
  return (moment) => {
    for (let view = byEnd[next]; view !== undefined && view.to < moment; view = byEnd[(next += 1)])
      longest = Math.max(longest, view.length);
    return longest;
  };
}

function byList(views: readonly View[]): Map<string, View[]> {
  const lists = new Map<string, View[]>();
  for (const view of views) {
    const some = lists.get(view.key);
    if (some === undefined) lists.set(view.key, [view]);
    else some.push(view);
  }
  return lists;
}

function overlapsAny({ from, to }: Span, others: readonly Span[]): boolean {
  return others.some((other) => from <= other.to && to >= other.from);
}

function stalenessOf(
  lives: readonly LifeHistory[],
  orders: ReadonlyMap<string, Order>,
  acknowledged: ReadonlyMap<string, Append>,
): number[] {
  const all: number[] = [];
  for (const life of lives) {
    const reads = life.views.filter(
      (view) => ['get', 'memory'].includes(view.how) && !overlapsAny(view, life.stops),
    );
    for (const [key, some] of byList(reads)) {
      const ids = orders.get(key)?.ids ?? [];
      const last = some.reduce((longest, { length }) => Math.max(longest, length), 0);
      // When each id was last found lacking: by the last of all reads that were no longer than its place.
      const lackedAt = Array.from({ length: last }, () => -Infinity);
      for (const { length, from } of some)
        if (length < last) lackedAt[length] = Math.max(lackedAt[length] ?? -Infinity, from);
      let lacked = -Infinity;
      for (const [i, at] of lackedAt.entries()) {
        lacked = Math.max(lacked, at);
        const append = acknowledged.get(ids[i] ?? '');
        if (append !== undefined && !append.id.startsWith(`${life.name}.`))
          all.push(Math.max(0, lacked - append.to));
      }
    }
  }
  return all.sort((a, b) => a - b);
}
