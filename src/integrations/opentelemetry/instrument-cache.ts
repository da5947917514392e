import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { CacheService } from '../../index.js';
import { measureDurations } from './durations.js';
import { FigureExport, type EndMeasuring } from './figure-export.js';
import { makeSpans } from './spans.js';
import { TELEMETRY, resolveTelemetryOptions, type CacheTelemetryOptions } from './telemetry-options.js';
import { WhileNeeded } from './while-needed.js';

// The channels are the process's, and don't say which cache an operation is of: what listens to them for a provider does it once, for
// however many applications. Likewise two callbacks for one series would overwrite each other.
const figures = new WeakMap<MeterProvider, FigureExport>();
const durations = new WeakMap<MeterProvider, WhileNeeded>();
const spans = new WeakMap<TracerProvider, WhileNeeded>();

/**
 * Measures a cache with OpenTelemetry, and makes spans of its work, until the result is called. Begun once an SDK is registered, since
 * OpenTelemetry forgets meters that were made before.
 *
 * Throws `INVALID_OPTION` for an option that is unknown or of the wrong type.
 */
export function instrumentCache(cache: CacheService, options: CacheTelemetryOptions = {}): () => void {
  if (typeof cache?.namespaces !== 'function')
    throw TELEMETRY.refusal('cache', 'take a cache first: instrumentCache(app.get(CacheService)).');
  const stopWatching = watchOperations(options);
  const stopMeasuring = measureFigures(cache, options);
  return () => {
    stopMeasuring();
    stopWatching();
  };
}

/** Begins what listens to the channels, which needs no cache. */
export function watchOperations(options: CacheTelemetryOptions): () => void {
  const { meterProvider, tracerProvider } = resolveTelemetryOptions(options);
  const needed = [
    meterProvider && of(durations, meterProvider, () => whileNeeded(measureDurations, meterProvider)).need(),
    tracerProvider && of(spans, tracerProvider, () => whileNeeded(makeSpans, tracerProvider)).need(),
  ];
  return () => {
    for (const stop of needed) stop?.();
  };
}

/** Begins what is read from the figures of a cache. */
export function measureFigures(cache: CacheService, options: CacheTelemetryOptions): EndMeasuring {
  const { meterProvider } = resolveTelemetryOptions(options);
  if (meterProvider === undefined) return () => undefined;
  return of(figures, meterProvider, () => new FigureExport(meterProvider)).add(cache);
}

function whileNeeded<Provider>(begin: (provider: Provider) => () => void, provider: Provider): WhileNeeded {
  return new WhileNeeded(() => begin(provider));
}

/** What there is of a provider; made where there is none yet. */
function of<Provider extends object, Part>(
  parts: WeakMap<Provider, Part>,
  provider: Provider,
  make: () => Part,
): Part {
  const part = parts.get(provider) ?? make();
  parts.set(provider, part);
  return part;
}
