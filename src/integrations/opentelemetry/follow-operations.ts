import { tracingChannel } from 'node:diagnostics_channel';
import { guarded } from './guarded.js';
import type { OperationTrace } from './operations.js';

/** What is to be done at the end of an operation. */
export type AtEnd = (trace: OperationTrace) => void;

/**
 * Calls `begun` at the beginning of each operation that a channel tells of, until the result is called, and what that gives at its end,
 * which may come later: what takes long when an application stops is worth telling.
 */
export function followOperations(channel: string, begun: (trace: OperationTrace) => AtEnd): () => void {
  const { start, asyncEnd } = tracingChannel(channel);
  const underway = new Map<unknown, AtEnd>();
  let isOver = false;
  const started = (message: unknown): void => {
    const atEnd = guarded(() => begun(message as OperationTrace));
    if (atEnd !== undefined) underway.set(message, atEnd);
  };
  const ended = (message: unknown): void => {
    const atEnd = underway.get(message);
    underway.delete(message);
    if (atEnd !== undefined) guarded(() => atEnd(message as OperationTrace));
    endWhenDone();
  };
  const endWhenDone = (): void => {
    if (isOver && underway.size === 0) asyncEnd.unsubscribe(ended);
  };
  start.subscribe(started);
  asyncEnd.subscribe(ended);
  return () => {
    isOver = true;
    start.unsubscribe(started);
    endWhenDone();
  };
}
