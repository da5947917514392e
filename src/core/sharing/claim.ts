import type { CacheError } from '../cache-error.js';
import type { CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { Writer } from '../storage-adapter.js';
import { aboutThisProcess } from './about-process.js';
import { ClaimWait, type WaitTerms } from './claim-wait.js';
import { sayGoodbye } from './goodbye.js';
import { drawWriter } from './writer-number.js';
import { takenOverError } from './instance-running.js';
import { ownInstances } from './own-instances.js';
import type { ClaimingStorage, Instance } from './shared-storage.js';

/** How often an instance that is there alone shows that it lives: often enough for one that waits to see it several times. */
const BEAT_MS = 3000;
/** How soon it does so again while others can't see it. */
const BROKEN_BEAT_MS = 500;
/** Without a confirmation for so long it asks before it writes: others may have taken it for dead. Half of what they wait. */
const STALE_MS = 5000;

export interface ClaimOptions extends WaitTerms {
  readonly storage: ClaimingStorage;
  /** For log lines and messages. */
  readonly place: string;
  readonly context: EngineContext;
  /** Called once when others have taken the storage over; every write is refused with the error from then on. */
  readonly onLost: (error: CacheError) => void;
  /** Others may have changed any row. */
  readonly onOverwritten: () => void;
}

/** When the claim was known to be held, by both clocks: of a suspension one of them may not know. */
interface Confirmation {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * The claim of an instance to work on its storage alone. It is held from
 * {@link take} to {@link end}, or until the process is gone.
 *
 * One that is alone beats. It writes only while its last beat is young: one that was suspended, or cut off, finds out first
 * whether others have taken its place.
 */
export class Claim {
  readonly writer: Writer;
  #confirmed: Confirmation | undefined;
  #asking: Promise<void> | undefined;
  #breaks = 0;
  #timer: CacheTimer | undefined;
  #lost: CacheError | undefined;
  #isOver = false;

  private constructor(private readonly options: ClaimOptions) {
    this.writer = drawWriter();
  }

  /** Waits for those in the way. Rejects with `INSTANCE_RUNNING`, or with what the storage throws. */
  static async take(options: ClaimOptions): Promise<Claim> {
    const claim = new Claim(options);
    await claim.#take();
    return claim;
  }

  /** Why nothing may be written any more; `undefined` while the claim is held. */
  get lost(): CacheError | undefined {
    return this.#lost;
  }

  /**
   * To be asked before each commit: `undefined` where it may begin at once. Else it may when the promise resolves; it rejects with
   * `INSTANCE_RUNNING` where others have taken the storage over, or with what the storage throws.
   */
  admit(): Promise<void> | undefined {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return this.#isStale ? this.#admitted() : undefined;
  }

  /** The application is being stopped: another one of this process that starts is to wait for the end. */
  ending(): void {
    ownInstances().delete(this.writer);
  }

  /** Nothing is written any more. Never rejects. */
  async end(): Promise<void> {
    const { storage, context } = this.options;
    this.ending();
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#lost !== undefined) return;
    await sayGoodbye(storage, this.writer, context.clock);
  }

  async #take(): Promise<void> {
    const { storage, place, context, onOverwritten } = this.options;
    const instance: Instance = {
      writer: this.writer,
      mode: 'one',
      about: aboutThisProcess(context.clock.now()),
    };
    const before = this.#now();
    await new ClaimWait(storage, instance, place, context, this.options).join({
      disturbed: () => this.#disturbed(),
      overwritten: onOverwritten,
    });
    ownInstances().add(this.writer);
    if (this.#breaks === 0) this.#confirmed = before;
    this.#beatIn(BEAT_MS);
  }

  get #isStale(): boolean {
    if (this.#confirmed === undefined) return true;
    const { monotonic, wall } = this.#now();
    return Math.max(monotonic - this.#confirmed.monotonic, wall - this.#confirmed.wall) > STALE_MS;
  }

  /** The answer may be older than it seems: the process may have been suspended while it was on its way. */
  async #admitted(): Promise<void> {
    do await this.#confirm();
    while (this.#isStale);
  }

  #confirm(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const breaks = this.#breaks;
    const asked = this.#now();
    const isKnown = await this.options.storage.beat(this.writer);
    if (!isKnown && !this.#isOver) this.#lose();
    if (this.#lost !== undefined) throw this.#lost;
    if (breaks === this.#breaks) this.#confirmed = asked;
  }

  #lose(): void {
    if (this.#lost !== undefined) return;
    const { place, context, onLost } = this.options;
    this.#lost = takenOverError(place);
    this.#timer?.cancel();
    ownInstances().delete(this.writer);
    context.logger.fatal(this.#lost.message);
    onLost(this.#lost);
  }

  #disturbed(): void {
    this.#breaks += 1;
    this.#confirmed = undefined;
    if (this.#timer !== undefined) this.#beat();
  }

  #beatIn(ms: number): void {
    this.#timer?.cancel();
    // It does not keep the process alive: one that has nothing else to do is to end.
    this.#timer = this.options.context.clock.setTimer(ms, () => this.#beat(), false);
  }

  #beat(): void {
    if (this.#isOver || this.#lost !== undefined) return;
    this.#timer?.cancel();
    void this.#confirm()
      .catch(() => undefined)
      .then(() => {
        if (!this.#isOver && this.#lost === undefined)
          this.#beatIn(this.#confirmed === undefined ? BROKEN_BEAT_MS : BEAT_MS);
      });
  }

  #now(): Confirmation {
    const { clock } = this.options.context;
    return { monotonic: clock.monotonic(), wall: clock.now() };
  }
}
