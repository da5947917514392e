const TYPES = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
} as const;

type ErrorType = keyof typeof TYPES;

/** What an error has without showing it. */
const HIDDEN: readonly string[] = ['message', 'stack', 'cause', 'errors'];

/** An error as data: the class of the language that it is of, and every property of its own. */
export interface ErrorRecord {
  readonly type: ErrorType;
  readonly properties: Readonly<Record<string, unknown>>;
}

export function isErrorType(name: unknown): name is ErrorType {
  return typeof name === 'string' && Object.hasOwn(TYPES, name);
}

export function recordOf(error: Error): ErrorRecord {
  const prototype = Object.getPrototypeOf(error) as { name: ErrorType };
  const names = [...HIDDEN.filter((name) => Object.hasOwn(error, name)), ...Object.keys(error)];
  const properties = names.map((name): [string, unknown] => [
    name,
    (error as unknown as Record<string, unknown>)[name],
  ]);
  return { type: prototype.name, properties: Object.fromEntries(properties) };
}

export function errorOf({ type, properties }: ErrorRecord): Error {
  const error = type === 'AggregateError' ? new AggregateError([]) : new TYPES[type]();
  // What it does not have must not be made up.
  for (const name of HIDDEN) Reflect.deleteProperty(error, name);
  for (const [name, value] of Object.entries(properties)) {
    const enumerable = !HIDDEN.includes(name);
    Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
  }
  return error;
}
