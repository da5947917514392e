import type { CacheTimer, Clock } from '../../clock.js';

/** How long what the database refused waits before it is tried again, ms. */
const RETRY_MS = 30_000;

/** When what the database refused is tried again. */
export class RefusedRetry {
  #timer: CacheTimer | undefined;
  #isDue = false;

  constructor(
    private readonly clock: Clock,
    /** Called when it is time. */
    private readonly due: () => void,
  ) {}

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Something was refused. What waits already is tried with it. */
  later(): void {
    this.#timer ??= this.clock.setTimer(RETRY_MS, () => this.#end(), false);
  }

  /** All of it is tried now. */
  begin(): void {
    this.cancel();
    this.#isDue = false;
  }

  /** It was not tried after all. */
  missed(): void {
    this.#isDue = true;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #end(): void {
    this.#timer = undefined;
    this.#isDue = true;
    this.due();
  }
}
