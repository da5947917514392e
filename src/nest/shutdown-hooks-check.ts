import type { CacheLogger } from '../core/cache-logger.js';
import type { CacheTimer, Clock } from '../core/clock.js';

/** Time for `enableShutdownHooks()` to be called after the start, ms; and at most, between two looks. */
const GRACE_MS = 1000;
const MAX_WAIT_MS = 60_000;

/** The signals that process managers and terminals stop an application with. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Text that only the listener of `enableShutdownHooks()` contains, in NestJS 11 and 12. */
const OF_NEST = /ERROR_DURING_SHUTDOWN|callBeforeShutdownHook/;

/**
 * Says once that a signal would end the process without the stop of the application: a second after the start, or after
 * there is something to lose.
 */
export class ShutdownHooksCheck {
  #timer: CacheTimer | undefined;

  constructor(
    private readonly logger: CacheLogger,
    private readonly clock: Clock,
    /** Whether such an end would lose something. */
    private readonly isAtStake: () => boolean,
  ) {}

  begin(): void {
    this.#lookAfter(GRACE_MS);
  }

  end(): void {
    this.#timer?.cancel();
  }

  #lookAfter(ms: number): void {
    this.#timer = this.clock.setTimer(
      ms,
      () => {
        if (this.isAtStake()) this.#warn();
        else this.#lookAfter(Math.min(2 * ms, MAX_WAIT_MS));
      },
      false,
    );
  }

  #warn(): void {
    const listeners = STOP_SIGNALS.flatMap((signal) => process.listeners(signal));
    // Nest keeps no public record of its listeners: the source text of the listener shows whose it is.
    if (listeners.some((listener) => OF_NEST.test(String(listener)))) return;
    this.logger.warn(
      'Shutdown hooks are not enabled: a signal ends the process before ON_SHUTDOWN namespaces are written' +
        `${listeners.length === 0 ? '' : ', unless one of the listeners for SIGTERM and SIGINT calls app.close()'}. ` +
        'Call app.enableShutdownHooks() after creating the application.',
    );
  }
}
