import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { STORAGE_CHANNEL } from '../../src/core/diagnostics.js';
import { UnrulyError } from './unruly.js';

const EVENTS = ['unhandledRejection', 'uncaughtException'] as const;

/**
 * Errors that nobody catches while a history is lived through: each of them would end a process. One kind alone is
 * Node's way and no fault of the engine: what a listener of a diagnostics channel throws.
 */
export class Strays {
  #first: Error | undefined;
  readonly #before: (readonly [(typeof EVENTS)[number], (...args: unknown[]) => void])[] = [];

  get first(): Error | undefined {
    return this.#first;
  }

  watch(hasUnrulyListener: boolean): void {
    for (const event of EVENTS) {
      // Whoever listens already (a test runner) would take them for errors of its own.
      for (const listener of process.rawListeners(event)) {
        this.#before.push([event, listener as (...args: unknown[]) => void]);
      }
      process.removeAllListeners(event);
      process.on(event, this.#take);
    }
    if (hasUnrulyListener) subscribe(STORAGE_CHANNEL, throwAlways);
  }

  release(): void {
    unsubscribe(STORAGE_CHANNEL, throwAlways);
    for (const event of EVENTS) process.removeListener(event, this.#take);
    for (const [event, listener] of this.#before) process.on(event, listener);
  }

  readonly #take = (error: unknown): void => {
    if (error instanceof UnrulyError && error.by === 'listener') return;
    this.#first ??= new Error(`Nobody catches an error: ${String(error)}`, { cause: error });
  };
}

function throwAlways(): void {
  throw new UnrulyError('listener');
}
