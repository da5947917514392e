import type { NamespaceCache } from '../../core/namespace/namespace-cache.js';

type AnyCache = NamespaceCache<unknown, unknown>;

/** What a call is made of. */
interface CallParts {
  /** Runs the method itself. */
  readonly method: (args: readonly unknown[]) => unknown;
  /** The namespace in the application of the instance. Its rows are loaded. */
  readonly namespace: () => AnyCache | Promise<AnyCache>;
}

/** What a call of the method becomes. */
export type Decorate = (call: MethodCall) => Promise<unknown>;

/** Promises of calls that the cache's own write has failed. */
const ofWrites = new WeakSet<object>();

/** One call of a decorated method, on an instance of an application. */
export class MethodCall {
  #isOfWrite = false;

  constructor(
    readonly args: readonly unknown[],
    private readonly parts: CallParts,
  ) {}

  /** Gives what a call becomes that fails, or throws what it rejects with. */
  failed: (error: unknown) => unknown = rethrow;

  get namespace(): AnyCache | Promise<AnyCache> {
    return this.parts.namespace();
  }

  /** Runs the method itself. */
  async method(): Promise<unknown> {
    const outcome = this.parts.method(this.args);
    try {
      return await outcome;
    } catch (error) {
      // Of another decorator, which is written below this one.
      this.#isOfWrite = ofWrites.has(outcome as object);
      throw error;
    }
  }

  /** Writes to the namespace. Where that fails, the promise of the call has a handler, as that of the write has. */
  async write(write: (namespace: AnyCache) => Promise<unknown>): Promise<void> {
    const cache = await this.namespace;
    try {
      await write(cache);
    } catch (error) {
      this.#isOfWrite = true;
      throw error;
    }
  }

  /**
   * Makes the call, and looks after its promise where the write of the cache fails it: nobody may await that, and the namespace has told of
   * it in the log. What the method itself throws is the caller's, as with a method that has no decorator.
   */
  outcome(decorate: Decorate): Promise<unknown> {
    const outcome: Promise<unknown> = this.#begun(decorate).then(undefined, (error: unknown) => {
      if (this.#isOfWrite) {
        ofWrites.add(outcome);
        outcome.catch(() => undefined);
      }
      return this.failed(error);
    });
    return outcome;
  }

  #begun(decorate: Decorate): Promise<unknown> {
    try {
      // A test may have put something in the place of a namespace that gives no promises.
      return Promise.resolve(decorate(this));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}
