import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { InstanceMode, NamespaceOf } from '../../src/index.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import type { Exchange, ExchangeCut } from '../support/exchange.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { MARIADB, POSTGRES, storageOf, unclaimedStorageOf, type ServerKind } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer() },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer() },
];

/** An exchange that is shorter is cut after each of its bytes, where all of them are to be tried. */
const SHORT = 600;
/** Others at about this many places, and around the ends of packets. */
const PLACES = 12;
/** Exchanges that are cut at once. Each takes two connections of the server at most, and one behind a cut. */
const LANES = 5;
/** Long enough that no write is given up on, and too short for a second attempt. */
const PATIENT_MS = 20_000;
const HASTY_MS = 1;

const numbers = namespaceOf<number>(ON_CHANGE, { name: 'numbers' });
type Numbers = NamespaceOf<typeof numbers>;

/** A way to the table: an engine, through a network that is cut. */
interface Lane {
  readonly proxy: CuttingProxy;
  readonly cache: Numbers;
}

/** What became of a call: what it has answered, or that it was rejected because nobody knows. */
type Answer = number | boolean | undefined | 'unknown';

/** What there is after a cut. */
interface Aftermath {
  readonly answers: readonly Answer[];
  /** What the other engine was answered meanwhile. */
  readonly other: Answer;
  /** The rows of the keys `key`, `key b` and `key c`. */
  readonly rows: readonly (number | undefined)[];
}

/** Calls in one tick, whose exchange is cut. */
interface Calls {
  readonly name: string;
  /** The value that there is before. */
  readonly before?: number;
  readonly call: (cache: Numbers, key: string) => readonly Promise<number | boolean | undefined | void>[];
  /** What another engine does to the same key as soon as the exchange is cut. */
  readonly other?: (cache: Numbers, key: string) => Promise<number | boolean | undefined>;
  readonly check: (aftermath: Aftermath) => void;
  /** Whether what it leaves is no row, and so no stamp. */
  readonly leavesNothing?: boolean;
  /** Whether it is increments, which the row counts. */
  readonly isCounted?: boolean;
}

/** How many of `answers` are not known to have happened, and yet may have. */
const unknownIn = (answers: readonly Answer[]): number =>
  answers.filter((answer) => answer === 'unknown').length;

/** Each increment that was answered has a number of its own, and the row counts them all; those in doubt at most once each. */
function counts(from: number, answers: readonly Answer[], row: number | undefined): void {
  const known = answers.filter((answer) => answer !== 'unknown');
  expect(new Set(known).size).toBe(known.length);
  const counted = (row ?? 0) - from;
  expect(counted).toBeGreaterThanOrEqual(known.length);
  expect(counted).toBeLessThanOrEqual(known.length + unknownIn(answers));
}

/** One of two has won; where one does not know, the other one may have lost all the same. */
function oneWins(answers: readonly Answer[], won: (answer: Answer) => boolean): void {
  const wins = answers.filter((answer) => answer !== 'unknown' && won(answer)).length;
  if (unknownIn(answers) === 0) expect(wins).toBe(1);
  else expect(wins).toBeLessThanOrEqual(1);
}

const CALLS: readonly Calls[] = [
  {
    name: 'an update',
    isCounted: true,
    before: 10,
    call: (cache, key) => [cache.increment(key)],
    other: (cache, key) => cache.increment(key),
    check: ({ answers, other, rows }) =>
      counts(10, other === undefined ? answers : [...answers, other], rows[0]),
  },
  {
    name: 'a first update',
    isCounted: true,
    call: (cache, key) => [cache.increment(key)],
    other: (cache, key) => cache.increment(key),
    check: ({ answers, other, rows }) =>
      counts(0, other === undefined ? answers : [...answers, other], rows[0]),
  },
  {
    name: 'several updates',
    isCounted: true,
    before: 10,
    call: (cache, key) => [
      cache.increment(key),
      cache.increment(`${key} b`),
      cache.increment(key),
      cache.set(`${key} c`, 7),
    ],
    other: (cache, key) => cache.increment(key),
    check: ({ answers: [one, two, three, four, ...later], other, rows }) => {
      counts(10, [one, three, ...later, ...(other === undefined ? [] : [other])], rows[0]);
      counts(0, [two], rows[1]);
      if (four !== 'unknown') expect(rows[2]).toBe(7);
    },
  },
  {
    name: 'a rename',
    before: 10,
    call: (cache, key) => [cache.rename(key, `${key} b`)],
    other: (cache, key) => cache.rename(`${key} b`, `${key} c`),
    check: ({ answers: [moved], other, rows }) => {
      expect(rows.filter((row) => row === 10)).toHaveLength(1);
      if (moved !== 'unknown') expect(moved).toBe(true);
      expect(rows[2]).toBe(other === true ? 10 : undefined);
      if (moved === true) expect(rows[0]).toBe(undefined);
    },
  },
  {
    name: 'a setIfAbsent',
    call: (cache, key) => [cache.setIfAbsent(key, 1)],
    other: (cache, key) => cache.setIfAbsent(key, 2),
    check: ({ answers, other, rows }) => {
      oneWins([...answers, other], (answer) => answer === true);
      expect(rows[0]).toBe(other === true ? 2 : 1);
    },
  },
  {
    name: 'a setIfAbsent whose value another one takes',
    call: (cache, key) => [cache.setIfAbsent(key, 1)],
    other: (cache, key) => cache.take(key),
    check: ({ answers: [set], other, rows }) => {
      expect(set).toBe(true);
      // What can't be known among many: whether a row that is absent, as it was before, was there in between. So a value that
      // was taken may be there again.
      if (other === undefined) expect(rows[0]).toBe(1);
    },
  },
  // What can't be known among many of a row that is gone: which of them has removed it. Then the call rejects.
  {
    name: 'a take',
    before: 10,
    call: (cache, key) => [cache.take(key)],
    other: (cache, key) => cache.take(key),
    leavesNothing: true,
    check: ({ answers, other, rows }) => {
      oneWins([...answers, other], (answer) => answer === 10);
      expect(rows[0]).toBe(undefined);
    },
  },
  {
    name: 'a delete',
    before: 10,
    call: (cache, key) => [cache.delete(key)],
    other: (cache, key) => cache.delete(key),
    leavesNothing: true,
    check: ({ answers, other, rows }) => {
      oneWins([...answers, other], (answer) => answer === true);
      expect(rows[0]).toBe(undefined);
    },
  },
];

async function answerOf(call: Promise<number | boolean | undefined | void>): Promise<Answer> {
  try {
    return (await call) as Answer;
  } catch (error) {
    expect(error).toMatchObject({ code: 'WRITE_FAILED' });
    return 'unknown';
  }
}

/** After how many bytes to cut: each, or around the ends of packets and here and there. */
function placesIn({ bytes, pieces }: Exchange, isThorough: boolean): number[] {
  const all = Array.from({ length: bytes + 1 }, (_, i) => i);
  if (isThorough && bytes < SHORT) return all;
  const step = Math.ceil(bytes / PLACES);
  return all.filter((n) => n % step === 0 || pieces.some((end) => Math.abs(end - n) <= 1));
}

/** Nothing is sent but what is called for: looks at the logs of others would be cut in its place. */
const QUIET = { pollMs: 600_000, maxStaleMs: 600_000 };

/** An engine on the table at `url`. */
async function startEngine(
  kind: ServerKind,
  url: string,
  instances: InstanceMode,
  writeTimeoutMs: number,
): Promise<{ readonly engine: CacheEngine; readonly cache: Numbers }> {
  const context = { clock: systemClock, logger: new RecordingLogger(), random: () => 0 };
  const options = resolveEngineOptions({ writeTimeoutMs, instances, ...QUIET });
  const engine = new CacheEngine(() => unclaimedStorageOf(kind, url, { poolSize: 2 }), options, {}, context);
  return { engine, cache: await engine.register(numbers) };
}

async function undisturbed(
  { before, call }: Calls,
  { proxy, cache }: Lane,
  table: string,
): Promise<Exchange> {
  let exchange: Exchange | undefined;
  // The second time the session has its statements prepared.
  for (const key of [`${table} warm up `, `${table} measured`]) {
    if (before !== undefined) await cache.set(key, before);
    exchange = proxy.follow();
    await Promise.all(call(cache, key));
  }
  return exchange as Exchange;
}

let tables = 0;

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined).each([
    ['where the process is alone', 'one', PATIENT_MS],
    ['where others may write, too', 'many', PATIENT_MS],
    ['where the process is alone, and gives up at once', 'one', HASTY_MS],
    ['where others may write, too, and the process gives up at once', 'many', HASTY_MS],
  ] as const)(`an exchange with ${name} that is cut anywhere, %s,`, (_where, instances, writeTimeoutMs) => {
    const lanes: Lane[] = [];
    const ends: (() => Promise<void>)[] = [];
    let other: Numbers;
    let reader: TypeOrmStorage;

    beforeAll(async () => {
      if (server === undefined) return;
      const url = await server.newDatabase();
      reader = storageOf(kind, url, { poolSize: 2 });
      await reader.open();
      ends.push(() => reader.close());
      const direct = await startEngine(kind, url, instances, PATIENT_MS);
      ends.push(async () => void (await direct.engine.stop()));
      other = direct.cache;
      for (let i = 0; i < LANES; i += 1) {
        const proxy = await CuttingProxy.before(url);
        ends.unshift(() => proxy.close());
        const { engine, cache } = await startEngine(kind, proxy.through(url), instances, writeTimeoutMs);
        ends.unshift(async () => void (await engine.stop()));
        lanes.push({ proxy, cache });
      }
    });

    afterAll(async () => {
      for (const end of ends.splice(0)) await end();
    });

    async function rowsOf(key: string): Promise<(number | undefined)[]> {
      const keys = [key, `${key} b`, `${key} c`];
      const rows = await reader.read('numbers', keys);
      return keys.map((one) => {
        const row = rows.find((found) => found.key === one);
        return row === undefined ? undefined : (JSON.parse(row.value) as number);
      });
    }

    async function cut(calls: Calls, lane: Lane, at: ExchangeCut, key: string, hasOther: boolean) {
      const { proxy, cache } = lane;
      if (calls.before !== undefined) await cache.set(key, calls.before);
      const exchange = proxy.follow(at);
      const called = Promise.all(calls.call(cache, key).map(answerOf));
      let others: Answer;
      if (hasOther) {
        await Promise.race([exchange.cut, called]);
        others = await calls.other?.(other, key);
      }
      const answers: Answer[] = await called;
      // What was given up on is settled by the next write.
      let isSettled = writeTimeoutMs !== HASTY_MS;
      while (!isSettled) {
        const next = await answerOf(cache.increment(key));
        answers.push(next);
        isSettled = next !== 'unknown';
      }
      proxy.endAbandoned();
      return { answers, other: others, rows: await rowsOf(key) };
    }

    /** Cuts the exchange of calls everywhere, and checks each time what there is then. */
    async function cutEverywhere(calls: Calls, hasOther: boolean): Promise<void> {
      const table = String((tables += 1)).padStart(3, '0');
      const measured = await undisturbed(calls, lanes[0] as Lane, table);
      const isThorough = calls.name === 'an update' && instances === 'one' && writeTimeoutMs === PATIENT_MS;
      const trials = placesIn(measured, isThorough);
      let hasFailed = false;
      const run = async (lane: Lane): Promise<void> => {
        for (let after = trials.shift(); after !== undefined && !hasFailed; after = trials.shift()) {
          const isHeard = trials.length % 2 === 0;
          const key = `${table} ${String(after).padStart(8, '0')}`;
          const aftermath = await cut(calls, lane, { after, isHeard }, key, hasOther);
          const where = `cut after ${after} of ${measured.pieces.join(', ')}: ${JSON.stringify(aftermath)}`;
          try {
            calls.check(aftermath);
            const isClear = writeTimeoutMs === PATIENT_MS && !hasOther;
            if (isClear && (instances === 'one' || calls.leavesNothing !== true))
              expect(unknownIn(aftermath.answers)).toBe(0);
          } catch (error) {
            hasFailed = true;
            throw new Error(where, { cause: error });
          }
        }
      };
      const ended = await Promise.allSettled(lanes.map(run));
      for (const end of ended) if (end.status === 'rejected') throw end.reason;
    }

    const tried = CALLS.filter(({ isCounted }) => writeTimeoutMs === PATIENT_MS || isCounted).map(
      (calls) => [calls.name, calls] as const,
    );

    it.each(tried)(
      'leaves of %s what was answered, once',
      (_name, calls) => cutEverywhere(calls, false),
      60_000,
    );

    it.runIf(instances === 'many' && writeTimeoutMs === PATIENT_MS).each(tried)(
      'leaves of %s what was answered, once, when another one writes meanwhile',
      (_name, calls) => cutEverywhere(calls, true),
      60_000,
    );
  });
