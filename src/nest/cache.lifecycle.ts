import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { systemClock, type CacheTimer } from '../core/clock.js';
import { CacheEngine } from '../core/engine/cache-engine.js';
import type { LoadReport } from '../core/reports.js';
import { CACHE_ENGINE } from './cache.tokens.js';
import { failProcess, noRescueAtExit, rescueAtExit } from './exit-rescue.js';

/** Time for `enableShutdownHooks()` to be called after the start, ms. */
const HOOKS_GRACE_MS = 1000;

/** The engine's place in the life of the application. */
@Injectable()
export class CacheLifecycle
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  #hooksCheck: CacheTimer | undefined;
  #isServing = false;

  constructor(@Inject(CACHE_ENGINE) private readonly engine: CacheEngine) {
    rescueAtExit(engine);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { rows, skipped, durationMs } = await this.#started();
    this.engine.logger.log(`Cache started: ${rows} rows loaded, ${skipped} skipped, in ${durationMs} ms.`);
    this.#hooksCheck = systemClock.setTimer(HOOKS_GRACE_MS, () => this.#warnWithoutHooks(), false);
  }

  /** The bulk, while the rest of the application still runs. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#hooksCheck?.cancel();
    await this.engine.drain();
  }

  /** The rest. Nest logs what a shutdown hook throws and goes on, so what is left behind is told here. */
  async onApplicationShutdown(): Promise<void> {
    this.#hooksCheck?.cancel();
    await this.#end();
  }

  async #started(): Promise<LoadReport> {
    try {
      this.engine.assertOverridesUsed();
      const report = await this.engine.loadReport();
      this.#isServing = true;
      return report;
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /**
   * Ends what has begun of a start that the cache itself makes fail: Nest calls no hook then. An application that serves
   * already, and loads one module more, goes on.
   */
  startFailed(): void {
    if (!this.#isServing) void this.#end();
  }

  async #end(): Promise<void> {
    const { leftBehind } = await this.engine.stop();
    noRescueAtExit(this.engine);
    // enableShutdownHooks({ useProcessExit: true }) ends with process.exit(0), which would hide it.
    if (leftBehind.length > 0) failProcess();
  }

  #warnWithoutHooks(): void {
    if (!this.engine.acknowledgesEarly) return;
    if (process.listenerCount('SIGTERM') > 0 || process.listenerCount('SIGINT') > 0) return;
    this.engine.logger.warn(
      'Nothing listens for SIGTERM or SIGINT: a signal would end the process before ON_SHUTDOWN namespaces are written. ' +
        'Call app.enableShutdownHooks() after creating the application.',
    );
  }
}
