import type { CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { placeOf } from './place-of.js';

/** How often a start that waits for its storage says so, ms. */
const LINE_EVERY_MS = 10_000;

/** Opens a storage, and says now and then that it waits, and for what: who started the application sees nothing else. */
export async function openPatiently(
  storage: CacheStorageAdapter,
  { clock, logger }: Pick<EngineContext, 'clock' | 'logger'>,
): Promise<void> {
  const startedAt = clock.monotonic();
  let timer: CacheTimer;
  const wait = (): void => {
    timer = clock.setTimer(LINE_EVERY_MS, say, false);
  };
  const say = (): void => {
    const seconds = Math.round((clock.monotonic() - startedAt) / 1000);
    logger.warn(
      `The cache has been waiting for ${seconds} s to open its storage (${placeOf(storage)}): another session may ` +
        'hold a lock, a migration may take its time, or the server does not answer.',
    );
    wait();
  };
  wait();
  try {
    await storage.open();
  } finally {
    timer!.cancel();
  }
}
