import { metrics as globalMetrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { CacheError } from '../../index.js';

/** What is sent to OpenTelemetry, and where. */
export interface CacheTelemetryOptions {
  /** Whether the cache is measured. Default true. */
  readonly metrics?: boolean | undefined;
  /** Whether spans are made of loads, reads, flushes and commits. Default true. */
  readonly spans?: boolean | undefined;
  /** What measures. Default: the provider that is registered when the telemetry begins. */
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
  if (typeof given !== 'object' || given === null)
    throw invalid('options', 'take options such as { spans: false }.');
  for (const option of Object.keys(given)) {
    if (!OPTIONS.includes(option))
      throw invalid(option, `have no option '${option}'. Known: ${OPTIONS.join(', ')}.`);
  }
  const { metrics = true, spans = true, meterProvider, tracerProvider } = given;
  for (const [option, value] of Object.entries({ metrics, spans })) {
    if (typeof value !== 'boolean') throw invalid(option, `take true or false as '${option}'.`);
  }
  if (meterProvider !== undefined && typeof meterProvider?.getMeter !== 'function')
    throw invalid('meterProvider', "take a MeterProvider, such as that of an SDK, as 'meterProvider'.");
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function')
    throw invalid('tracerProvider', "take a TracerProvider, such as that of an SDK, as 'tracerProvider'.");
  return {
    meterProvider: metrics ? (meterProvider ?? globalMetrics.getMeterProvider()) : undefined,
    tracerProvider: spans ? (tracerProvider ?? trace.getTracerProvider()) : undefined,
  };
}

/** A refusal of what the telemetry was begun with. */
export function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `instrumentCache() and CacheTelemetryModule ${what}`, { option });
}
