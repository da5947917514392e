// Writes or loads many rows in one way, and prints how long it took, what the event loop felt of it, and what memory.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { CacheStorage, defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { sortedRows } from '../raw/rows.mjs';
import { openCaches } from './app.mjs';
import { ALL } from './databases.mjs';
import { delayDuring } from './event-loop.mjs';
import { scatteredKey, valueOf } from './keys.mjs';

const { way, task, name, storage, size, bytes } = JSON.parse(process.argv[2]);
const { raw } = ALL.find((one) => one.name === name);
const value = (i) => (bytes === 200 ? valueOf(i) : { ...valueOf(i), more: 'y'.repeat(bytes - 200) });

/** What a load by other ways holds, as ours does: or the collector has less to do. */
let held;

const ways = {
  ours: {
    async flush() {
      const { caches, close } = await openOurs([bench()]);
      let report;
      const measured = await delayDuring(
        async () => {
          report = await caches[0].flush();
        },
        // No turn of the event loop in between: all of it is dirty when the flush begins.
        () => {
          for (let i = 0; i < size; i += 1) void caches[0].set(scatteredKey(i), value(i));
        },
      );
      if (report.written !== size) throw new Error(`The flush wrote ${report.written} of ${size} rows.`);
      await close();
      return measured;
    },
    /** From one start to another: the time of a start with the rows, less that of one without them. */
    async load() {
      let opened;
      const start = async (namespaces) => {
        opened = await openOurs(namespaces);
      };
      const empty = await withMemory(() => start([]));
      await opened.close();
      const measured = await withMemory(() => start([bench()]));
      if (opened.caches[0].size !== size) throw new Error('Not all of it was loaded.');
      await opened.close();
      return { ...measured, ms: measured.ms - empty.ms, cpuMs: measured.cpuMs - empty.cpuMs };
    },
    /** All of them, nearly none in memory. */
    async scan() {
      const { caches, close } = await openOurs([bench(1000)]);
      let count = 0;
      const measured = await withMemory(async () => {
        for await (const [key, one] of caches[0]) if (one !== undefined && key >= 0) count += 1;
      });
      if (count !== size) throw new Error('Not all of it was listed.');
      await close();
      return measured;
    },
  },
  raw: {
    async flush() {
      const byHand = await raw(storage);
      const rows = sortedRows('raw', size, value);
      const measured = await delayDuring(() => byHand.write(rows));
      await byHand.close();
      return measured;
    },
    async load() {
      const byHand = await raw(storage);
      const measured = await withMemory(async () => {
        held = new Map();
        for (const row of await byHand.load('raw')) held.set(Number(row.key), JSON.parse(String(row.value)));
      });
      await byHand.close();
      return measured;
    },
  },
  typeorm: {
    /** `repository.upsert` in parts of 400: it reads them back, and SQLite takes no more. */
    async flush() {
      const repository = await openTypeOrm();
      const entities = sortedRows('typeorm', size, value).map(({ namespace, key, value: text }) => ({
        namespace,
        key,
        value: text,
      }));
      const measured = await delayDuring(async () => {
        for (let start = 0; start < size; start += 400)
          await repository.upsert(entities.slice(start, start + 400), ['namespace', 'key']);
      });
      await repository.manager.connection.destroy();
      return measured;
    },
    async load() {
      const repository = await openTypeOrm();
      const measured = await withMemory(async () => {
        held = new Map();
        for (const entity of await repository.find({ where: { namespace: 'typeorm' } }))
          held.set(Number(entity.key), JSON.parse(entity.value));
      });
      await repository.manager.connection.destroy();
      return measured;
    },
  },
};

const measured = await ways[way][task]();
if (held !== undefined && held.size !== size) throw new Error('Not all of it was loaded.');
process.stdout.write(JSON.stringify(measured));

function bench(maxEntries = size) {
  return defineNamespace({
    name: 'bench',
    key: numberKey(),
    value: json(),
    persistence: 'on_shutdown',
    maxEntries,
  });
}

function openOurs(namespaces) {
  const everything = { maxDirty: size + 1, maxDirtyBytes: Number.MAX_SAFE_INTEGER };
  return openCaches(namespaces, { storage, ...everything, shutdownTimeoutMs: 600_000 });
}

async function openTypeOrm() {
  const dataSource = await new DataSource({ ...storage, entities: [CacheStorage] }).initialize();
  return dataSource.getRepository(CacheStorage);
}

/** The delays of `work`, its CPU time, and by how much the memory of the process grew at most, MB. */
async function withMemory(work) {
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const cpu = process.cpuUsage();
  const delays = await delayDuring(work);
  const { user, system } = process.cpuUsage(cpu);
  return {
    ...delays,
    cpuMs: (user + system) / 1000,
    memoryMb: Math.round((process.resourceUsage().maxRSS * 1024 - before) / 1e6),
  };
}
