import type { CacheLogger } from '../core/cache-logger.js';
import type { CacheTimer, Clock } from '../core/clock.js';

/** Time for `enableShutdownHooks()` to be called after the start, ms. */
const GRACE_MS = 1000;

/** The signals that process managers and terminals stop an application with. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** What is in the listener that `enableShutdownHooks()` adds, in NestJS 11 and 12, and in no other's. */
const OF_NEST = /ERROR_DURING_SHUTDOWN|callBeforeShutdownHook/;

/** Says once, after the start, that a signal would end the process without the stop of the application. */
export class ShutdownHooksCheck {
  #timer: CacheTimer | undefined;

  constructor(
    private readonly logger: CacheLogger,
    private readonly clock: Clock,
  ) {}

  begin(): void {
    this.#timer = this.clock.setTimer(GRACE_MS, () => this.#warn(), false);
  }

  end(): void {
    this.#timer?.cancel();
  }

  #warn(): void {
    const listeners = STOP_SIGNALS.flatMap((signal) => process.listeners(signal));
    // Nest keeps no public record of it: that Nest listens is told by what the listener is made of.
    if (listeners.some((listener) => OF_NEST.test(String(listener)))) return;
    this.logger.warn(
      'Shutdown hooks are not enabled: a signal ends the process before ON_SHUTDOWN namespaces are written' +
        `${listeners.length === 0 ? '' : ', unless one of the listeners for SIGTERM and SIGINT calls app.close()'}. ` +
        'Call app.enableShutdownHooks() after creating the application.',
    );
  }
}
