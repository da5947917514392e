/** A signal that the first SIGINT or SIGTERM aborts, instead of ending `process`. The next one ends it. */
export function interruptionOf(process: Pick<NodeJS.Process, 'once' | 'off'>): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    controller.abort();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  return controller.signal;
}
