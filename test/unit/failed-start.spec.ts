import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { Backplane } from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { ChaosStorage } from '../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();

it('a start that fails at its journal leaves the other instances, and asks and hears nothing any more', async () => {
  const path = join(folder, 'one', 'rescue.ndjson');
  mkdirSync(dirname(path));
  writeFileSync(path, 'of another program\n');
  const clock = new FakeClock();
  const rows = new InMemoryStorage();
  const storage = new ChaosStorage(rows);
  const logger = new RecordingLogger();
  const backplane: Backplane = new InMemoryBackplane(clock).end();
  const closed = vi.spyOn(backplane, 'close');
  const engine = new CacheEngine(
    () => storage,
    resolveEngineOptions({ instances: 'many', backplane }),
    {},
    { clock, logger, random: () => 0.5 },
    () => new RescueFile(path),
  );
  await expect(engine.register(namespaceOf(ON_CHANGE))).rejects.toThrow(errorWith('JOURNAL_NOT_UNDERSTOOD'));
  expect((await rows.heads()).map(({ beat }) => beat)).toEqual([-1]);
  expect(closed).toHaveBeenCalledOnce();
  const asked = vi.spyOn(rows, 'heads');
  await clock.advance(120_000);
  expect(asked).not.toHaveBeenCalled();
  expect(logger.with('warn: ')).toEqual([]);
});

it('a start that its storage can not be shared for closes it', async () => {
  const storage = new InMemoryStorage();
  const engine = new CacheEngine(
    () => Object.assign(storage, { canBeShared: false }),
    resolveEngineOptions({ instances: 'many' }),
    {},
    { clock: new FakeClock(), logger: new RecordingLogger(), random: () => 0.5 },
  );
  const closed = vi.spyOn(storage, 'close');
  await expect(engine.register(namespaceOf(ON_CHANGE))).rejects.toThrow(errorWith('INVALID_OPTION'));
  expect(closed).toHaveBeenCalledOnce();
});
