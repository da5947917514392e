import type { EngineContext } from '../context.js';
import { report } from '../diagnostics.js';
import { codeOf } from '../driver-code.js';

/** A time in which the others' logs can't be read: it is said once at its beginning, and once at its end. */
export class TouchEpisode {
  /** On the monotonic clock: the wall clock is set at times. */
  #since: number | undefined;

  constructor(
    private readonly staleWhileDownMs: number,
    private readonly context: EngineContext,
  ) {}

  /** Since when, wall-clock ms; `undefined` where they can be read. */
  get since(): number | undefined {
    if (this.#since === undefined) return undefined;
    const { clock } = this.context;
    return clock.now() - (clock.monotonic() - this.#since);
  }

  /** They can't be read, and could not for `forMs` before it was known. */
  begin(error: unknown, forMs = 0): void {
    if (this.#since !== undefined) return;
    const { clock, logger } = this.context;
    this.#since = clock.monotonic() - forMs;
    const code = codeOf(error);
    report({ type: 'others-unseen', code, error }, this.context);
    const meanwhile =
      this.staleWhileDownMs === 0
        ? 'reads reject until it can'
        : `memory answers for ${this.staleWhileDownMs} ms (staleWhileDownMs), and reads reject after that`;
    logger.warn(
      `The database can't be asked what other instances have changed${code === undefined ? '' : ` (${code})`}: ${meanwhile}.`,
    );
  }

  end(): void {
    if (this.#since === undefined) return;
    const { clock, logger } = this.context;
    const ms = clock.monotonic() - this.#since;
    this.#since = undefined;
    report({ type: 'others-seen', afterMs: ms }, this.context);
    logger.log(`The database can be asked again what other instances have changed, after ${ms} ms.`);
  }
}
