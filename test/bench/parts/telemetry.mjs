import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base';
import { defineNamespace, InMemoryStorage, json, stringKey } from '../../../dist/src/index.js';
import { instrumentCache } from '../../../dist/src/integrations/opentelemetry/index.js';
import { openCaches } from '../support/app.mjs';
import { draws, valueOf } from '../support/keys.mjs';
import { compare, processorTime } from '../support/rounds.mjs';

const COUNT = 1000;
const DRAWS = 65_536;
/** Long turns: the telemetry begins and ends with each. */
const TURNS = { rounds: 15, sliceMs: 200, now: processorTime };

/** Keeps nothing of what it collects. */
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** Drops what it is given, as fast as an exporter can. */
class Dropped extends InMemorySpanExporter {
  export(_spans, done) {
    done({ code: 0 });
  }
}

/** What the integration costs calls that the database has no part in, and those that it has. */
export const telemetry = {
  name: 'telemetry',
  title: 'The same calls with OpenTelemetry and without',
  note:
    'With metrics and spans, all of them sampled, and an exporter that drops them, in time of the processor. Sets on ON_CHANGE are awaited ' +
    'one by one, so each is a commit, a span and a measurement; no disk hides what these cost.',
  async run() {
    const define = (name, persistence) =>
      defineNamespace({ name, key: stringKey(), value: json(), persistence, maxEntries: COUNT });
    const { service, caches, close } = await openCaches(
      [define('memory', 'memory'), define('back', 'on_shutdown'), define('through', 'on_change')],
      { storage: new InMemoryStorage() },
    );
    const [memory, back, through] = caches;
    const keys = Array.from(draws(COUNT, DRAWS, 'zipf'), (i) => `user:${i}`);
    const values = Array.from({ length: COUNT }, (_, i) => valueOf(i));
    for (let i = 0; i < COUNT; i += 1) await memory.set(`user:${i}`, values[i]);
    const providers = {
      meterProvider: new MeterProvider({ readers: [new Reader()] }),
      tracerProvider: new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new Dropped())] }),
    };
    const instrumented = (run) => async (times) => {
      const stop = instrumentCache(service, providers);
      await run(times);
      stop();
    };
    const hits = (times) => {
      for (let i = 0; i < times; i += 1) memory.getIfPresent(keys[i & (DRAWS - 1)]);
    };
    const setsOf = (cache) => async (times) => {
      for (let i = 0; i < times; i += 1) await cache.set(keys[i & (DRAWS - 1)], values[i % COUNT]);
    };
    const rows = [];
    for (const [what, run, mustReach] of [
      ['getIfPresent, a hit', hits, 0.95],
      ['MEMORY_ONLY set', setsOf(memory), 0.95],
      ['ON_SHUTDOWN set', setsOf(back), 0.95],
      ['ON_CHANGE set, no disk', setsOf(through), 0.25],
    ]) {
      const [without, withIt] = await compare(
        [
          { name: 'without', run },
          { name: 'with', run: instrumented(run) },
        ],
        TURNS,
      );
      rows.push({
        what,
        'without, k/s': Number((without.perSecond / 1000).toFixed(1)),
        'with, k/s': Number((withIt.perSecond / 1000).toFixed(1)),
        ratio: Number(withIt.ratio.toFixed(2)),
        spread: `±${withIt.spread.toFixed(2)}`,
        'must reach': mustReach,
      });
    }
    await providers.tracerProvider.shutdown();
    await close();
    return rows;
  },
};
