import { types } from 'node:util';
import { isErrorType } from './rich-error.js';

/** What a value is, as far as storing it goes. */
export type Kind =
  | 'plain'
  | 'minus zero'
  | 'NaN'
  | 'infinity'
  | 'undefined'
  | 'bigint'
  | 'symbol'
  | 'function'
  | 'array'
  | 'named array'
  | 'match'
  | 'object'
  | 'Date'
  | 'Map'
  | 'Set'
  | 'RegExp'
  | 'Error'
  | 'bytes'
  | 'boxed'
  | 'extended'
  | 'toJSON'
  | 'instance';

/** What `value` is, whichever realm it comes from: Jest gives tests and libraries one each. */
export function kindOf(value: unknown): Kind {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return 'plain';
  if (typeof value === 'number') return kindOfNumber(value);
  return typeof value === 'object'
    ? kindOfObject(value)
    : (typeof value as 'undefined' | 'bigint' | 'symbol' | 'function');
}

/**
 * Whether instances of a class with this prototype are data alone: neither it nor what it inherits from adds anything to
 * plain objects. Without a prototype there is nothing to add.
 */
export function isDataPrototype(prototype: object | null): boolean {
  for (let node = prototype; node !== null && !isObjectPrototype(node); node = prototypeOf(node)) {
    if (Reflect.ownKeys(node).some((key) => key !== 'constructor')) return false;
  }
  return true;
}

/** Whether it is `Array.prototype`, of any realm. */
export function isArrayPrototype(prototype: object | null): boolean {
  // It is an array itself, and no class's prototype is.
  return Array.isArray(prototype);
}

/** Whether something else than it is stored: what a method `toJSON` gives, its own and not enumerable, perhaps. */
export function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** Whether there is more in it than its elements: properties by name. */
function hasNames(array: readonly unknown[]): boolean {
  // Where a hole makes up for a name, the hole is found.
  return Object.keys(array).length > array.length;
}

/** Whether it is what a regular expression has matched: properties by name are half of what it says. */
export function isMatch(array: readonly unknown[]): boolean {
  return (array as { index?: unknown }).index !== undefined;
}

/** The name of the class of `value`; `undefined` where it has none. */
export function classOf(value: object): string | undefined {
  const { constructor: made } = (prototypeOf(value) ?? {}) as { constructor?: { name?: unknown } };
  return typeof made?.name === 'string' && made.name !== '' ? made.name : undefined;
}

function kindOfNumber(value: number): Kind {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return 'infinity';
  return Object.is(value, -0) ? 'minus zero' : 'plain';
}

function kindOfObject(value: object): Kind {
  const prototype = prototypeOf(value);
  // Most are; to ask for everything else takes a while.
  if (prototype === Object.prototype) return kindOfData(value);
  if (Array.isArray(value)) return isArrayPrototype(prototype) ? kindOfArray(value) : 'instance';
  if (types.isBoxedPrimitive(value)) return 'boxed';
  if (types.isNativeError(value)) return isErrorPrototype(prototype) ? 'Error' : 'instance';
  if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) return isBytes(value) ? 'bytes' : 'instance';
  const kind = builtInKindOf(value);
  if (kind === undefined) return isDataPrototype(prototype) ? kindOfData(value) : 'instance';
  // A class of the app's that is built on it has more to it than would be kept.
  if (prototype === null || !isObjectPrototype(prototypeOf(prototype))) return 'instance';
  return Object.keys(value).length === 0 ? kind : 'extended';
}

function kindOfData(value: object): 'object' | 'toJSON' {
  return hasToJson(value) ? 'toJSON' : 'object';
}

function kindOfArray(value: readonly unknown[]): 'array' | 'named array' | 'match' | 'toJSON' {
  if (hasToJson(value)) return 'toJSON';
  if (isMatch(value)) return 'match';
  return hasNames(value) ? 'named array' : 'array';
}

function builtInKindOf(value: object): 'Date' | 'Map' | 'Set' | 'RegExp' | undefined {
  if (types.isDate(value)) return 'Date';
  if (types.isMap(value)) return 'Map';
  if (types.isSet(value)) return 'Set';
  return types.isRegExp(value) ? 'RegExp' : undefined;
}

/** Whether it is the prototype of an error of the language itself: a class of the app's has no `message` there. */
function isErrorPrototype(prototype: object | null): boolean {
  if (prototype === null || !Object.hasOwn(prototype, 'message')) return false;
  return isErrorType((prototype as { name?: unknown }).name);
}

/** A buffer, a typed array or an array buffer: no view that has a way of its own to read it, and no class of the app's. */
function isBytes(value: object): boolean {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (name === 'DataView') return false;
  return classOf(value) === (Buffer.isBuffer(value) ? 'Buffer' : name);
}

function isObjectPrototype(prototype: object | null): boolean {
  return prototype !== null && prototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
