import type { Clock } from '../../clock.js';
import { flushTraces, traced } from '../../tracing.js';
import type { FlushPass } from './flush-pass.js';

/** Tells those who listen of a pass over what is dirty, from now until there is a report of it. */
export function traceFlush(namespace: string, pass: FlushPass, clock: Clock): void {
  if (!flushTraces.hasSubscribers) return;
  // The report of a pass that was waited for counts what others wrote meanwhile, too.
  const before = pass.written;
  void traced(flushTraces, clock, {
    begin: () => ({ namespace }),
    run: () => {
      // What a listener has bound to the start, such as a span, is there while the pass writes.
      pass.bindContext();
      return pass.report;
    },
    done: (trace, { written, failed, remaining }) => {
      if (failed > 0) trace.outcome = 'failed';
      Object.assign(trace, { written: written - before, failed, remaining });
    },
  });
}
