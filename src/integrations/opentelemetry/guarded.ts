import { diag } from '@opentelemetry/api';

/**
 * Runs what may call an exporter, a sampler or a processor of the application. In a listener of a channel, an error of theirs would be an
 * uncaught exception.
 */
export function guarded<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    diag.error('nestjs-durable-cache: telemetry of an operation is missing.', error);
    return undefined;
  }
}
