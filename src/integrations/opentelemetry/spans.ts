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
import { followOperations, type AtEnd } from './follow-operations.js';
import { guarded } from './guarded.js';
import { SCOPE } from './names.js';
import { OPERATIONS, type Operation, type OperationTrace } from './operations.js';

/** Makes a span of each operation of all caches of the process that begins until the result is called. */
export function makeSpans(provider: TracerProvider): () => void {
  const tracer = provider.getTracer(SCOPE);
  const stops = OPERATIONS.map((operation) =>
    followOperations(operation.channel, (trace) => begin(tracer, operation, trace)),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

function begin(tracer: Tracer, operation: Operation, trace: OperationTrace): AtEnd {
  const parent = context.active();
  const span = tracer.startSpan(operation.span, { attributes: operation.begunWith(trace) }, parent);
  activate(traces.setSpan(parent, span), trace);
  return () => end(span, trace, operation);
}

/**
 * Has an operation work in a context, so that the spans of a database's driver are children of its own. A store bound to the channel
 * would be entered by Node itself, and OpenTelemetry would not hear of it.
 */
function activate(active: Context, trace: OperationTrace): void {
  const { around } = trace;
  const enter = (operation: () => void): void => {
    guarded(() => context.with(active, operation));
  };
  trace.around = around === undefined ? enter : (operation) => enter(() => around(operation));
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
