import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { Conflict, ConflictRule, NamespaceCache, NamespaceDefinition } from '../../src/index.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { MARIADB, POSTGRES, storageOf } from '../support/server-kind.js';
import { mariadbServer, postgresServer } from '../support/services.js';

const SERVERS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await postgresServer() },
  { kind: MARIADB, name: 'MariaDB', server: await mariadbServer() },
];
/** Parts of what is sent with the commit of a removal, and of the row `a`: the latter is in its note. */
const REMOVAL = 'DELETE';
const ROW = '{"n":["a"]}';

const add = ({ base = 0, mine = 0, theirs = 0 }: Conflict<number>): number => theirs + mine - base;

for (const { kind, name, server } of SERVERS)
  describe.skipIf(server === undefined)(`a commit on ${name} of which the answer gets lost`, () => {
    const ends: (() => Promise<unknown>)[] = [];

    afterEach(async () => {
      for (const end of ends.splice(0)) await end();
    });

    /** Two instances, the first of which the test cuts off. */
    async function two(definition: NamespaceDefinition<string, number>): Promise<{
      proxy: CuttingProxy;
      one: NamespaceCache<string, number>;
      other: NamespaceCache<string, number>;
    }> {
      const url = (await server?.newDatabase()) as string;
      const proxy = await CuttingProxy.before(url);
      const start = async (address: string): Promise<NamespaceCache<string, number>> => {
        const engine = new CacheEngine(
          () => storageOf(kind, address),
          resolveEngineOptions({ instances: 'many', checkpointIntervalMs: false }),
          {},
          { clock: systemClock, logger: new RecordingLogger(), random: Math.random },
        );
        ends.push(() => engine.stop());
        return engine.register(definition);
      };
      const caches = { proxy, one: await start(proxy.through(url)), other: await start(url) };
      ends.push(() => proxy.close());
      return caches;
    }

    it('is not made once more where it was a clear: what others have written since stays', async () => {
      const { proxy, one, other } = await two(namespaceOf<number>(ON_CHANGE, { name: 'n' }));
      await one.set('a', 1);
      const lost = proxy.loseAnswerTo(REMOVAL);
      const cleared = one.clear();
      await lost;
      await expect.poll(() => other.get('a', { fresh: true })).toBeUndefined();
      await other.set('b', 2);
      await cleared;
      expect(await one.get('b', { fresh: true })).toBe(2);
    });

    it.each<[string, ConflictRule<number>]>([
      ["'mine'", 'mine'],
      ['a merge', add],
    ])('is no conflict with what others have built on it (onConflict: %s)', async (_name, onConflict) => {
      const { proxy, one, other } = await two({
        ...namespaceOf<number>(ON_SHUTDOWN, { name: 'n' }),
        onConflict,
      });
      await one.set('a', 0);
      await one.flush();
      await one.increment('a', 5);
      const lost = proxy.loseAnswerTo(ROW);
      const flushed = one.flush();
      await lost;
      await expect.poll(() => other.refresh('a')).toBe(5);
      await other.increment('a', 1);
      await other.flush();
      await flushed;
      await one.flush();
      expect(await one.refresh('a')).toBe(6);
      expect(await other.refresh('a')).toBe(6);
      expect(one.stats().conflicts).toBe(0);
    });
  });
