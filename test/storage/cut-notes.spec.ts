import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Atom, Commit, LogPosition, Stamp } from '../../src/core/storage-adapter.js';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import type { Exchange, ExchangeCut } from '../support/exchange.js';
import { MARIADB, POSTGRES, storageOf } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer() },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer() },
];

/** Exchanges that are cut at once, each on a storage of its own. */
const LANES = 4;
/** An exchange is cut after each of its bytes where it is the shortest, and else at about this many places and at the ends of packets. */
const PLACES = 12;
/** The stamp of the rows that are there before. */
const BEFORE: Stamp = 7;

interface Lane {
  readonly proxy: CuttingProxy;
  readonly storage: TypeOrmStorage;
  readonly writer: number;
  n: number;
}

/** A commit that changes the rows of `namespace`, each of which tells by itself whether it has. */
interface Call {
  readonly name: string;
  readonly isThorough?: boolean;
  /** Rows that are to be there before. */
  readonly before?: readonly string[];
  readonly call: (storage: TypeOrmStorage, namespace: string, commit: Commit) => Promise<unknown>;
  /** Whether the rows that are left say that it was committed: all of it. */
  readonly isDone: (stamps: ReadonlyMap<string, Stamp>, stamp: Stamp) => boolean;
}

const KEYS = ['a', 'b', 'c'];
const put = (namespace: string, key: string, expects?: Stamp | null): Atom => [
  { namespace, key, value: '1', expiresAt: null, expects },
];
const remove = (namespace: string, key: string, expects?: Stamp): Atom => [
  { namespace, key, value: undefined, expiresAt: null, expects },
];
const has = (stamps: ReadonlyMap<string, Stamp>, stamp: Stamp, ...keys: readonly string[]): boolean =>
  keys.every((key) => stamps.get(key) === stamp);

const CALLS: readonly Call[] = [
  {
    name: 'a row',
    isThorough: true,
    call: (storage, namespace, commit) => storage.write([put(namespace, 'a')], commit),
    isDone: (stamps, stamp) => has(stamps, stamp, 'a'),
  },
  {
    name: 'a row that is expected',
    before: ['a'],
    call: (storage, namespace, commit) => storage.write([put(namespace, 'a', BEFORE)], commit),
    isDone: (stamps, stamp) => has(stamps, stamp, 'a'),
  },
  {
    name: 'rows',
    call: (storage, namespace, commit) =>
      storage.write(
        KEYS.map((key) => put(namespace, key)),
        commit,
      ),
    isDone: (stamps, stamp) => has(stamps, stamp, ...KEYS),
  },
  {
    name: 'rows and a removal, some of which are expected',
    before: ['a', 'b'],
    call: (storage, namespace, commit) =>
      storage.write(
        [put(namespace, 'a', BEFORE), remove(namespace, 'b', BEFORE), put(namespace, 'c', null)],
        commit,
      ),
    isDone: (stamps, stamp) => has(stamps, stamp, 'a', 'c') && !stamps.has('b'),
  },
  {
    name: 'an atom over two rows',
    before: ['a'],
    call: (storage, namespace, commit) =>
      storage.write([[...remove(namespace, 'a', BEFORE), ...put(namespace, 'b', null)]], commit),
    isDone: (stamps, stamp) => has(stamps, stamp, 'b') && !stamps.has('a'),
  },
  {
    name: 'what was decided on rows',
    before: ['a'],
    call: (storage, namespace, commit) =>
      storage.modify(namespace, ['a', 'b'], () => [put(namespace, 'a', BEFORE), put(namespace, 'b')], commit),
    isDone: (stamps, stamp) => has(stamps, stamp, 'a', 'b'),
  },
  {
    name: 'a removal of all',
    before: KEYS,
    call: (storage, namespace, commit) => storage.clear(namespace, commit),
    isDone: (stamps) => stamps.size === 0,
  },
  {
    name: 'a removal of some',
    before: KEYS,
    call: (storage, namespace, commit) =>
      storage.clearRange(namespace, { prefix: 'a', isWhole: false }, commit),
    isDone: (stamps) => !stamps.has('a'),
  },
];

let namespaces = 0;
const newNamespace = (): string => `n${(namespaces += 1)}`;

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined)(`a commit on ${name} that is cut anywhere`, () => {
    const lanes: Lane[] = [];
    const ends: (() => Promise<void>)[] = [];
    let reader: TypeOrmStorage;

    beforeAll(async () => {
      if (server === undefined) return;
      const url = await server.newDatabase();
      reader = storageOf(kind, url, { poolSize: 2 });
      await reader.open();
      ends.push(() => reader.close());
      for (let writer = 1; writer <= LANES; writer += 1) {
        const proxy = await CuttingProxy.before(url);
        ends.unshift(() => proxy.close());
        const storage = storageOf(kind, proxy.through(url), { poolSize: 2 });
        await storage.open();
        ends.unshift(() => storage.close());
        await storage.join({ writer, mode: 'many', about: `lane ${writer}` });
        lanes.push({ proxy, storage, writer, n: 0 });
      }
    });

    afterAll(async () => {
      for (const end of ends) await end();
    });

    const stampOf = ({ writer, n }: LogPosition): Stamp => writer * 1_000_000 + n;

    /** Makes the call; gives whether it was answered. */
    async function make(lane: Lane, { before = [], call }: Call, namespace: string, at?: ExchangeCut) {
      const { storage, proxy, writer } = lane;
      if (before.length > 0)
        await storage.write(
          before.map((key) => put(namespace, key)),
          { stamp: BEFORE, now: 1 },
        );
      const logged = { writer, n: (lane.n += 1) };
      const exchange: Exchange = proxy.follow(at);
      const isAnswered = await call(storage, namespace, { stamp: stampOf(logged), now: 1, logged }).then(
        () => true,
        () => false,
      );
      return { exchange, logged, isAnswered };
    }

    async function isNoted({ writer, n }: LogPosition): Promise<boolean> {
      const notes = await reader.notesSince([{ writer, n: n - 1 }], 1);
      return notes.some((note) => note.n === n);
    }

    /** Asks until there is an answer: a connection that was cut behind an answer breaks at the next question. */
    async function answers(storage: TypeOrmStorage): Promise<void> {
      for (let left = 3; ; left -= 1) {
        try {
          await storage.heads();
          return;
        } catch (error) {
          if (left === 0) throw error;
        }
      }
    }

    async function cut(lane: Lane, call: Call, at: ExchangeCut): Promise<void> {
      // So that the session has its statements prepared.
      expect((await make(lane, call, newNamespace())).isAnswered).toBe(true);
      const namespace = newNamespace();
      const { logged, isAnswered } = await make(lane, call, namespace, at);
      lane.proxy.follow();
      // What has been said to the old session is over, one way or the other, when the storage answers again.
      await answers(lane.storage);
      lane.proxy.endAbandoned();
      const rows = await reader.read(namespace, KEYS);
      const stamps = new Map(rows.map(({ key, stamp }) => [key, stamp]));
      const isDone = call.isDone(stamps, stampOf(logged));
      const where = `cut after ${at.after}, heard: ${at.isHeard}, answered: ${isAnswered}, rows: ${[...stamps].join(' ')}`;
      expect(await isNoted(logged), where).toBe(isDone);
      if (isAnswered) expect(isDone, where).toBe(true);
      if (!isDone)
        expect(
          [...stamps.values()].filter((stamp) => stamp !== BEFORE),
          where,
        ).toEqual([]);
      // Nothing of it comes later.
      if (!isDone) expect((await make(lane, call, newNamespace())).isAnswered).toBe(true);
    }

    it.each(CALLS.map((call) => [call.name, call] as const))(
      'has its note if and only if it has its rows: %s',
      async (_name, call) => {
        const [first] = lanes as [Lane];
        await make(first, call, newNamespace());
        const { exchange } = await make(first, call, newNamespace());
        const step = call.isThorough === true ? 1 : Math.ceil(exchange.bytes / PLACES);
        const places = Array.from({ length: exchange.bytes + 1 }, (_, i) => i).filter(
          (place) => place % step === 0 || exchange.pieces.some((end) => Math.abs(end - place) <= 1),
        );
        const run = async (lane: Lane): Promise<void> => {
          for (let after = places.shift(); after !== undefined; after = places.shift())
            await cut(lane, call, { after, isHeard: places.length % 2 === 0 });
        };
        const ended = await Promise.allSettled(lanes.map(run));
        for (const end of ended) if (end.status === 'rejected') throw end.reason;
      },
      120_000,
    );
  });
