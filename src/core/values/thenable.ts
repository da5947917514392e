/** Whether `value` is a promise, or what `await` takes for one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const canHaveThen = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return canHaveThen && typeof (value as { then?: unknown }).then === 'function';
}

/** Nobody is going to look at it any more: what it rejects with must not end the process. */
export function abandon(thenable: PromiseLike<unknown>): void {
  Promise.resolve(thenable).then(undefined, () => undefined);
}
