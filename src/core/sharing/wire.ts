import { isCacheError } from '../cache-error.js';
import { within } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { BackplaneStats } from '../definition/backplane-stats.js';
import { report } from '../diagnostics.js';
import type { LogPosition, Writer } from '../storage-adapter.js';
import { MAX_TEXT_BYTES, type Backplane, type BackplaneChannel } from './backplane.js';
import { BackplaneInUse } from './backplane-in-use.js';
import { MAX_MESSAGES_BYTES, messagesOf, Outbox } from './outbox.js';
import { Seal } from './seal.js';
import type { LogNote } from './shared-storage.js';

/** A silent backplane is asked for an echo after so long, ms. */
const ECHO_AFTER_MS = 1000;
/** An echo that has not come back by then never will, ms. */
const ECHO_LOST_MS = 2000;
/** How long a start waits for a backplane, ms: one that takes longer may come up later. */
const OPEN_MS = 10_000;
/** How long a stop waits for its last messages, and for the backplane to end, ms. */
const CLOSE_MS = 500;

export interface WireOptions extends Pick<BackplaneChannel, 'name' | 'database'> {
  readonly backplane: Backplane;
  /** What instances on the database know, and nobody else. */
  readonly secret: string;
  readonly own: () => Writer;
  /** A note came. */
  readonly onNote: (note: LogNote) => void;
  /** There may be something to see in the logs. */
  readonly onHint: () => void;
  /** Another instance was heard. */
  readonly onOther: () => void;
}

/** What a message says: whose commit it is about, and the note of it where that is not too long. */
interface Message {
  readonly w: Writer;
  readonly n: number;
  /** The changes. */
  readonly c?: unknown;
}

/** The messages by which instances tell each other at once what they have committed. It makes them fast, and nothing depends on it. */
export class Wire {
  readonly #outbox: Outbox;
  readonly #seal: Seal;
  #isUp = false;
  /** Since when it has been down, and that was said; on the monotonic clock. */
  #downSince: number | undefined;
  #heardAt = 0;
  /** When an echo was asked for that has not come back. */
  #askedAt: number | undefined;
  #isClosed = false;
  /** Whether the backplane is that of another cache, which goes on with it. */
  #isOthers = false;
  #sent = 0;
  #received = 0;
  #lost = 0;
  #outages = 0;

  constructor(
    private readonly options: WireOptions,
    private readonly context: EngineContext,
  ) {
    const { backplane, secret } = options;
    this.#seal = new Seal(secret);
    this.#outbox = new Outbox({
      publish: (text) => backplane.publish(this.#seal.seal(text)),
      onSent: (messages) => {
        this.#sent += messages;
      },
      onLost: (messages) => {
        this.#lost += messages;
      },
    });
  }

  /** Whether what others publish is heard here, as far as is known. */
  get isUp(): boolean {
    return this.#isUp;
  }

  stats(): BackplaneStats {
    return {
      name: nameOf(this.options.backplane),
      isUp: this.#isUp,
      sent: this.#sent,
      received: this.#received,
      lost: this.#lost,
      outages: this.#outages,
    };
  }

  /** Listens. Rejects where the backplane can't serve this cache whatever happens; goes on without it where it may later. */
  async open(): Promise<void> {
    if (!(await within(this.context.clock, OPEN_MS, this.#open())))
      this.#sayDown(new Error(`It has not opened within ${OPEN_MS / 1000} s.`));
  }

  /** Tells the others of a commit; `text` is its note. */
  announce({ writer, n }: LogPosition, text: string): void {
    if (!this.#isUp) return;
    const head = `{"w":${writer},"n":${n}`;
    const message = `${head},${text.slice(1)}`;
    this.#outbox.add(Buffer.byteLength(message) > MAX_MESSAGES_BYTES ? `${head}}` : message);
  }

  /** Makes sure now and then that what is sent is heard: a connection may be open, and carry nothing. */
  check(): void {
    if (!this.#isUp) return;
    const now = this.context.clock.monotonic();
    if (this.#askedAt !== undefined && now - this.#askedAt > ECHO_LOST_MS) {
      this.#askedAt = undefined;
      this.#reconnect();
    } else if (this.#askedAt === undefined && now - this.#heardAt > ECHO_AFTER_MS) {
      this.#askedAt = now;
      this.greet();
    }
  }

  /** Lets the others know of this instance, and hears itself. */
  greet(): void {
    if (this.#isUp) this.#outbox.add(`{"w":${this.options.own()},"n":0}`);
  }

  /** Sends what is still to be sent, for a short time, and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isUp) await within(this.context.clock, CLOSE_MS, this.#outbox.settled());
    this.#isUp = false;
    if (this.#isOthers) return;
    const { backplane } = this.options;
    await within(this.context.clock, CLOSE_MS, (async () => backplane.close())());
  }

  async #open(): Promise<void> {
    const { backplane, name, database } = this.options;
    try {
      await backplane.open({
        name,
        database,
        onMessage: (text) => this.#heard(text),
        onState: (state, error) => this.#became(state, error),
      });
    } catch (error) {
      this.#isOthers = error instanceof BackplaneInUse;
      if (isCacheError(error) && error.code !== 'BACKPLANE_FAILED') throw error;
      this.#sayDown(error);
    }
  }

  /** Nothing is heard on it: it is to connect anew. */
  #reconnect(): void {
    try {
      this.options.backplane.reconnect(new Error('What is sent does not come back.'));
    } catch (error) {
      this.#became('down', error);
    }
  }

  #became(state: 'up' | 'down', error?: unknown): void {
    if (this.#isClosed) return;
    this.#isUp = state === 'up';
    this.#askedAt = undefined;
    this.#heardAt = this.context.clock.monotonic();
    if (state === 'down') {
      this.#sayDown(error);
      return;
    }
    report({ type: 'backplane-up', lost: this.#lost }, this.context);
    this.#sayUp();
    // What was published while it was down has not been heard.
    this.options.onHint();
    // Who believes to be alone sends nothing.
    this.greet();
  }

  #sayDown(error: unknown): void {
    if (this.#isClosed) return;
    this.#outages += 1;
    this.#downSince ??= this.context.clock.monotonic();
    const name = nameOf(this.options.backplane);
    const reason = (error instanceof Error ? error.message : String(error))
      .replace(`The backplane (${name})`, () => 'It')
      .replace(/\.?$/, '.');
    this.context.logger.warn(
      `The backplane (${name}) is down: ${reason} Until it is back, instances see what others change when they look at the database.`,
    );
    report({ type: 'backplane-down', error }, this.context);
  }

  #sayUp(): void {
    if (this.#downSince === undefined) return;
    const seconds = ((this.context.clock.monotonic() - this.#downSince) / 1000).toFixed(1);
    this.#downSince = undefined;
    this.context.logger.log(
      `The backplane (${nameOf(this.options.backplane)}) is up, after it was down for ${seconds} s.`,
    );
  }

  #heard(text: string): void {
    if (this.#isClosed) return;
    const messages = text.length > MAX_TEXT_BYTES ? undefined : this.#seal.open(text);
    // Of another version of this package, or of whoever may write to the channel: it says nothing but to look.
    if (messages === undefined) this.options.onHint();
    else for (const message of messagesOf(messages)) this.#take(message);
  }

  #take(text: string): void {
    const message = read(text);
    if (message?.w === this.options.own()) {
      this.#heardAt = this.context.clock.monotonic();
      this.#askedAt = undefined;
      return;
    }
    this.options.onOther();
    if (message?.n === 0) return;
    this.#received += 1;
    if (message?.c !== undefined) this.options.onNote({ writer: message.w, n: message.n, text });
    // Too long to be sent, or nothing that is understood here.
    else this.options.onHint();
  }
}

/** What the application has handed in may throw. */
function nameOf(backplane: Backplane): string {
  try {
    return backplane.describe();
  } catch {
    return 'without a name';
  }
}

function read(text: string): Message | undefined {
  try {
    const { w, n, c } = Object(JSON.parse(text)) as Partial<Message>;
    return Number.isSafeInteger(w) && Number.isSafeInteger(n)
      ? { w: w as Writer, n: n as number, c }
      : undefined;
  } catch {
    return undefined;
  }
}
