import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { NamespaceCache } from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { ChaosStorage } from '../support/chaos-storage.js';
import { namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let folders = 0;
const definition = namespaceOf(ON_SHUTDOWN, { name: 'n' });

/** A start that is held up where it is about to write what the journal holds. */
interface HeldStart {
  /** Whether it serves. */
  readonly serves: boolean;
  letThrough(): void;
}

describe('starts that find one journal at the same time', () => {
  let clock: FakeClock;
  let rows: InMemoryStorage;
  let path: string;

  async function start(storage = new ChaosStorage(rows)): Promise<NamespaceCache<string, unknown>> {
    const engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ checkpointIntervalMs: false, instances: 'many' }),
      {},
      { clock, logger: new RecordingLogger(), random: () => 0.5 },
      () => new RescueFile(path),
    );
    return engine.register(definition);
  }

  async function startHeld(): Promise<HeldStart> {
    const storage = new ChaosStorage(rows);
    const modify = storage.modify.bind(storage);
    const held = { serves: false, letThrough: () => undefined as void };
    const isLetThrough = new Promise<void>((resolve) => {
      held.letThrough = resolve;
    });
    let reached: () => void = () => undefined;
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    storage.modify = async (...of) => {
      reached();
      await isLetThrough;
      return modify(...of);
    };
    void start(storage).then(() => {
      held.serves = true;
    });
    await isReached;
    return held;
  }

  const row = async (): Promise<unknown> => {
    const [found] = await rows.read('n', ['k']);
    return found === undefined ? undefined : JSON.parse(found.value);
  };
  const files = (): string[] => readdirSync(dirname(path));

  beforeEach(() => {
    clock = new FakeClock();
    rows = new InMemoryStorage();
    path = join(folder, `${(folders += 1)}`, 'rescue.ndjson');
    mkdirSync(dirname(path));
    new RescueFile(path).appendSync(
      [{ op: 'put', namespace: 'n', key: 'k', value: '"journalled"', expiresAt: null }],
      { identity: undefined, prefixes: [7] },
    );
  });

  it('a late one does not write again what was deleted since another one has replayed it', async () => {
    const late = await startHeld();
    const quick = await start();
    expect(await quick.get('k')).toBe('journalled');
    await quick.delete('k');
    await quick.flush();
    late.letThrough();
    await expect.poll(() => late.serves).toBe(true);
    expect(await row()).toBeUndefined();
    expect(files()).toEqual([]);
  });

  it('one does not serve before another one that has claimed its journal is done with it', async () => {
    const first = await startHeld();
    const second = await startHeld();
    first.letThrough();
    await settle();
    await clock.advance(1000);
    expect(first.serves).toBe(false);
    expect(await row()).toBeUndefined();
    second.letThrough();
    await expect.poll(() => second.serves).toBe(true);
    await clock.advance(1000);
    expect(first.serves).toBe(true);
    expect(await row()).toBe('journalled');
    expect(files()).toEqual([]);
  });

  it('one takes a journal over from another one that does not get on with it', async () => {
    const first = await startHeld();
    await startHeld();
    first.letThrough();
    await settle();
    await clock.advance(10_000);
    expect(first.serves).toBe(true);
    expect(await row()).toBe('journalled');
    expect(files()).toEqual([]);
  });
});
