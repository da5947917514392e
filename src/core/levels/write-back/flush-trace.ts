import type { Clock } from '../../clock.js';
import type { FlushReport } from '../../reports.js';
import { flushTraces, traced } from '../../tracing.js';

/** Tells those who listen of a pass over what is dirty, from now until there is a report of it. */
export function traceFlush(namespace: string, report: Promise<FlushReport>, clock: Clock): void {
  if (!flushTraces.hasSubscribers) return;
  void traced(flushTraces, clock, {
    begin: () => ({ namespace }),
    run: () => report,
    done: (trace, { written, failed, remaining }) => {
      if (failed > 0) trace.outcome = 'failed';
      Object.assign(trace, { written, failed, remaining });
    },
  });
}
