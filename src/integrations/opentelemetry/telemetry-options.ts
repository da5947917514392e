import { metrics as globalMetrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { OptionCheck } from '../option-check.js';

/** For what the telemetry is given. */
export const TELEMETRY: OptionCheck = new OptionCheck('instrumentCache() and CacheTelemetryModule', 'plural');

/** What is sent to OpenTelemetry, and where. */
export interface CacheTelemetryOptions {
  /** Whether the cache is measured. Default true. */
  readonly metrics?: boolean | undefined;
  /** Whether spans are made of loads, reads, flushes and commits. Default true. */
  readonly spans?: boolean | undefined;
  /** What measures. Default: the provider that is registered when the telemetry begins, or with the module when the application has started. */
  readonly meterProvider?: MeterProvider | undefined;
  /** What makes spans. Default: the provider that is registered, whenever it is. */
  readonly tracerProvider?: TracerProvider | undefined;
}

/** Where to send what; `undefined` for what is not sent. */
interface TelemetryTargets {
  readonly meterProvider: MeterProvider | undefined;
  readonly tracerProvider: TracerProvider | undefined;
}

const OPTIONS = ['metrics', 'spans', 'meterProvider', 'tracerProvider'];

/** Throws `INVALID_OPTION` for an option that is unknown or of the wrong type. */
export function resolveTelemetryOptions(given: CacheTelemetryOptions): TelemetryTargets {
  TELEMETRY.assertKnown(given, OPTIONS, '{ spans: false }');
  const { metrics = true, spans = true, meterProvider, tracerProvider } = given;
  for (const [option, value] of Object.entries({ metrics, spans })) {
    if (typeof value !== 'boolean') throw TELEMETRY.refusal(option, `take true or false as '${option}'.`);
  }
  if (meterProvider !== undefined && typeof meterProvider?.getMeter !== 'function')
    throw TELEMETRY.refusal(
      'meterProvider',
      "take a MeterProvider, such as that of an SDK, as 'meterProvider'.",
    );
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function')
    throw TELEMETRY.refusal(
      'tracerProvider',
      "take a TracerProvider, such as that of an SDK, as 'tracerProvider'.",
    );
  return {
    meterProvider: metrics ? (meterProvider ?? globalMetrics.getMeterProvider()) : undefined,
    tracerProvider: spans ? (tracerProvider ?? trace.getTracerProvider()) : undefined,
  };
}
