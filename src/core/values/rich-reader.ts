import { bytesOf } from './rich-bytes.js';
import { errorOf, isErrorType, type ErrorRecord } from './rich-error.js';

/** Makes of what is under a tag what it stands for. Each throws for what no {@link RichWriter} gives. */
const TAGS: Readonly<Record<string, (given: unknown) => unknown>> = {
  $number: (given) => (isOneOf(given, ['NaN', 'Infinity', '-Infinity', '-0']) ? Number(given) : refuse()),
  $undefined: (given) => (given === true ? undefined : refuse()),
  $bigint: (given) => bigintOf(given),
  $date: (given) => (given === null ? new Date(NaN) : dateOf(given)),
  $regexp: (given) => regExpOf(given),
  $map: (given) => mapOf(given),
  $set: (given) => setOf(given),
  $bytes: (given) => bytesOf(isPair(given) ? given : refuse()),
  $error: (given) => errorOf(isErrorRecord(given) ? given : refuse()),
};

/** A place in a value, and what is in it. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
  readonly node: object;
}

/**
 * The value of what `JSON.parse` gave of a text that a {@link RichWriter} made. Iterative: what is nested deeper than the
 * stack is read like anything else. Throws for a tag that it does not know.
 */
export function untagged(parsed: unknown): unknown {
  const whole: Record<string, unknown> = { value: parsed };
  const places: Place[] = [];
  collect(whole, places);
  for (let i = 0; i < places.length; i += 1)
    collect((places[i] as Place).node as Record<string, unknown>, places);
  // From the end: what is inside others comes after them, and is read before.
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { holder, name, node } = place;
    const value = read(node);
    // An own property, whatever its name: `__proto__` is data here.
    if (value !== node) holder[name] = value;
  }
  return whole['value'];
}

function collect(holder: Record<string, unknown>, places: Place[]): void {
  for (const name of Object.keys(holder)) {
    const node = holder[name];
    if (typeof node === 'object' && node !== null) places.push({ holder, name, node });
  }
}

function read(node: object): unknown {
  if (Array.isArray(node)) return node;
  const [name, another] = Object.keys(node);
  if (name?.startsWith('$') !== true || another !== undefined) return node;
  const given = (node as Record<string, unknown>)[name];
  if (name.startsWith('$$')) return { [name.slice(1)]: given };
  const tag = Object.hasOwn(TAGS, name) ? TAGS[name] : undefined;
  // Of a later version, perhaps: to take it for data would be to alter it.
  if (tag === undefined) throw new TypeError(`There is no value tagged '${name.slice(0, 20)}'.`);
  return tag(given);
}

function bigintOf(given: unknown): bigint {
  if (typeof given !== 'string' || !/^-?\d+$/.test(given)) return refuse();
  const value = BigInt(given);
  return String(value) === given ? value : refuse();
}

function mapOf(given: unknown): Map<unknown, unknown> {
  if (!isList(given) || !given.every(isPair)) return refuse();
  const map = new Map(given);
  return map.size === given.length ? map : refuse();
}

function setOf(given: unknown): Set<unknown> {
  if (!isList(given)) return refuse();
  const set = new Set(given);
  return set.size === given.length ? set : refuse();
}

function dateOf(given: unknown): Date {
  const date = new Date(typeof given === 'string' ? given : refuse());
  return date.toISOString() === given ? date : refuse();
}

function regExpOf(given: unknown): RegExp {
  if (!isList(given)) return refuse();
  const [source, flags, lastIndex = 0] = given;
  if (typeof source !== 'string' || typeof flags !== 'string' || typeof lastIndex !== 'number')
    return refuse();
  return Object.assign(new RegExp(source, flags), { lastIndex });
}

function isErrorRecord(given: unknown): given is ErrorRecord {
  if (typeof given !== 'object' || given === null) return false;
  const { type, properties, ...others } = given as Partial<ErrorRecord>;
  if (!isErrorType(type) || typeof properties !== 'object' || properties === null) return false;
  // What stands for an array, a Date or the like has no properties of an error.
  return Object.getPrototypeOf(properties) === Object.prototype && Object.keys(others).length === 0;
}

function isList(given: unknown): given is readonly unknown[] {
  return Array.isArray(given);
}

function isPair(given: unknown): given is readonly [unknown, unknown] {
  return Array.isArray(given) && given.length === 2;
}

function isOneOf(given: unknown, texts: readonly string[]): given is string {
  return typeof given === 'string' && texts.includes(given);
}

function refuse(): never {
  throw new TypeError('What is under a tag is not what was put there.');
}
