import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import {
  context,
  SpanStatusCode,
  trace as traces,
  type Context,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { errorTypeOf } from './error-type.js';
import { guarded } from './guarded.js';
import { SCOPE } from './names.js';
import { OPERATIONS, type Operation, type OperationTrace } from './operations.js';

/** Makes a span of each operation of all caches of the process, until the result is called. */
export function makeSpans(provider: TracerProvider): () => void {
  const tracer = provider.getTracer(SCOPE);
  const stops = OPERATIONS.map((operation) => makeSpansOf(operation, tracer));
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * What Node runs an operation in. It hands the context over to OpenTelemetry, so that a span is active while its operation works, and
 * the spans of a database's driver are its children.
 */
class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(active: Context, task: (...args: Args) => R, ...args: Args): R {
    return context.with(active, task as (...given: unknown[]) => R, undefined, ...args);
  }
}

function makeSpansOf(operation: Operation, tracer: Tracer): () => void {
  const spans = new WeakMap<OperationTrace, Span>();
  const begin = (message: unknown): Context => {
    const parent = context.active();
    const begun = guarded(() => {
      const trace = message as OperationTrace;
      const attributes = operation.begunWith(trace);
      const span = tracer.startSpan(operation.span, { attributes }, parent);
      spans.set(trace, span);
      return traces.setSpan(parent, span);
    });
    return begun ?? parent;
  };
  const ended = (message: unknown): void => {
    const trace = message as OperationTrace;
    const span = spans.get(trace);
    if (span !== undefined) guarded(() => end(span, trace, operation));
  };
  const { start, asyncEnd } = tracingChannel<Context, OperationTrace>(operation.channel);
  const store = new ActiveContext();
  start.bindStore(store, begin);
  asyncEnd.subscribe(ended);
  return () => {
    start.unbindStore(store);
    asyncEnd.unsubscribe(ended);
  };
}

/** What an error says may hold keys and values, and spans leave the process: its code alone goes with them. */
function end(span: Span, trace: OperationTrace & { error?: unknown }, operation: Operation): void {
  span.setAttributes(operation.endedWith(trace));
  if (trace.outcome !== 'done') {
    span.setAttribute('error.type', errorTypeOf(trace.error));
    span.setStatus({ code: SpanStatusCode.ERROR, ...(trace.outcome && { message: trace.outcome }) });
  }
  span.end();
}
