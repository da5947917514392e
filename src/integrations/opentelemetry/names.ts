/** The name of the meter and of the tracer. */
export const SCOPE = 'nestjs-durable-cache';
/** The only attribute of metrics, and one of spans of one namespace. */
export const NAMESPACE = 'cache.namespace';
