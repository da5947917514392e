import type { NamespaceCache } from '../../core/namespace/namespace-cache.js';

/** One call of a decorated method, on an instance of an application. */
interface MethodCall {
  readonly args: readonly unknown[];
  /** Runs the method itself. */
  readonly method: () => Promise<unknown>;
  /** The namespace in that application. Its rows are loaded. */
  readonly namespace: () => NamespaceCache<unknown, unknown> | Promise<NamespaceCache<unknown, unknown>>;
  /** Writes to it. Where that fails, the promise of the call has a handler, as that of the write has. */
  readonly write: (write: (namespace: NamespaceCache<unknown, unknown>) => Promise<unknown>) => Promise<void>;
}

/** What a call of the method becomes. */
export type Decorate = (call: MethodCall) => Promise<unknown>;

type Begun = Pick<MethodCall, 'args' | 'namespace'> & { readonly method: () => unknown };

/** Promises of calls that the cache's own write has failed. */
const ofWrites = new WeakSet<object>();

/**
 * Makes a call, and looks after its promise where the write of the cache fails it: nobody may await that, and the namespace has told of
 * it in the log. What the method itself throws is the caller's, as with a method that has no decorator.
 */
export function outcomeOf(decorate: Decorate, { args, namespace, method }: Begun): Promise<unknown> {
  let isOfWrite = false;
  const call: MethodCall = {
    args,
    namespace,
    method: async () => {
      const outcome = method();
      try {
        return await outcome;
      } catch (error) {
        // Of another decorator, which is written below this one.
        isOfWrite = ofWrites.has(outcome as object);
        throw error;
      }
    },
    write: async (write) => {
      const cache = await namespace();
      try {
        await write(cache);
      } catch (error) {
        isOfWrite = true;
        throw error;
      }
    },
  };
  const outcome = new Promise((resolve, reject) => {
    decorate(call).then(resolve, (error: unknown) => {
      if (isOfWrite) {
        ofWrites.add(outcome);
        outcome.catch(() => undefined);
      }
      reject(error);
    });
  });
  return outcome;
}
