import { defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';

const MAX_PENDING = 10_000;
const WRITES = 200_000;
const CALLERS = [1, 16, 256, 4096, 50_000];
const LEVELS = ['memory', 'on_shutdown', 'on_change'];

/** Callers that each write again as soon as their last write is acknowledged: what it costs that they outrun the database. */
export const overload = {
  name: 'overload',
  title: `Writers faster than the database: ${WRITES} sets of distinct keys, maxDirty ${MAX_PENDING}, SQLite`,
  note: 'speed: acknowledged writes, compared with the same callers on MEMORY_ONLY. Unwritten and heap: the maximum.',
  chart: {
    axis: 'writes/s',
    isLogarithmic: true,
    bar: (row) => ({ name: `${row.callers} callers, ${row.level}`, value: row['writes/s'] }),
  },
  async run() {
    const rows = [];
    for (const callers of CALLERS) {
      let free;
      for (const persistence of LEVELS) {
        const measured = await measure(persistence, callers);
        free ??= measured.perSecond;
        rows.push({
          callers,
          level: persistence,
          'writes/s': Math.round(measured.perSecond),
          speed: Number((measured.perSecond / free).toFixed(3)),
          'p50 ms': measured.p50,
          'p99 ms': measured.p99,
          unwritten: measured.unwritten,
          'heap MB': measured.heapMb,
        });
      }
    }
    return rows;
  },
};

async function measure(persistence, callers) {
  const many = defineNamespace({ name: 'many', key: numberKey(), value: json(), persistence });
  const { caches, close } = await openCaches([many], {
    maxDirty: MAX_PENDING,
    checkpointIntervalMs: 30_000,
  });
  const [cache] = caches;
  // On-change callers one by one wait for a commit each: fewer writes say the same.
  const writes = persistence === 'on_change' ? Math.min(WRITES, callers * 3000) : WRITES;
  const latencies = new Float64Array(writes);
  const heapBefore = process.memoryUsage().heapUsed;
  let heap = 0;
  let unwritten = 0;
  let next = 0;
  const startedAt = performance.now();
  async function call() {
    for (let n = next++; n < writes; n = next++) {
      const calledAt = performance.now();
      await cache.set(n, { n, text: 'x'.repeat(180) });
      latencies[n] = performance.now() - calledAt;
      if (n % 1000 === 0) {
        unwritten = Math.max(unwritten, cache.stats().dirty);
        heap = Math.max(heap, process.memoryUsage().heapUsed);
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - startedAt) / 1000;
  await close();
  latencies.sort();
  return {
    perSecond: writes / seconds,
    p50: Number(latencies[Math.floor(writes * 0.5)].toFixed(3)),
    p99: Number(latencies[Math.floor(writes * 0.99)].toFixed(3)),
    unwritten,
    heapMb: Math.round(Math.max(0, heap - heapBefore) / 1e6),
  };
}
