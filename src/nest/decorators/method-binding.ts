import { Inject, Logger, Optional } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NamespaceCache } from '../../core/namespace/namespace-cache.js';
import { METHOD_CACHES } from '../cache.tokens.js';
import { noCacheForMethodError, unavailableError } from '../missing-module.js';
import { usesOf, type MethodUse } from './method-uses.js';

/** Marks {@link Caches}, of whichever copy of this package: a test may have put something else in their place. */
export const CACHES = Symbol.for('nestjs-durable-cache:caches');

/** What decorated methods use of an application. */
export interface Caches {
  readonly [CACHES]: true;
  /** Whether the application has started, and its cache has not stopped. */
  readonly isServing: boolean;
  /**
   * Throws `UNKNOWN_NAMESPACE` where a method of the prototype names a namespace that nobody declares in the application; not before
   * the start has looked at every class, which refuses them itself.
   */
  admit(prototype: object): void;
  /** The namespace of a method. Its rows are loaded. */
  namespace(use: MethodUse): NamespaceCache<unknown, unknown> | Promise<NamespaceCache<unknown, unknown>>;
}

/** Where Nest injects what shows whether the application has a cache at all; the same for every copy of this package. */
const APPLICATION = Symbol.for('nestjs-durable-cache:application');

/**
 * Has Nest inject the caches of an application into each instance that it makes of a class, under the symbol that is their token.
 * An instance is found this way whatever its scope, and whenever it is made: request-scoped and transient providers, and
 * modules that are loaded lazily, have none yet at the start.
 */
export function expectCaches(prototype: object): void {
  if (METHOD_CACHES in prototype) return;
  define(prototype, METHOD_CACHES, {
    get(this: object) {
      return ofClosed.get(this);
    },
    set(this: object, given: unknown) {
      bind(this, given);
    },
  });
  define(prototype, APPLICATION, {
    get: () => undefined,
    set(this: object, modules: ModulesContainer) {
      if (!isGiven(this)) assertOnTheirWay(this, modules);
    },
  });
  // Optional, so that it is said here what is missing: Nest would name tokens that nobody knows.
  Optional()(prototype, METHOD_CACHES);
  Inject(METHOD_CACHES)(prototype, METHOD_CACHES);
  Inject(ModulesContainer)(prototype, APPLICATION);
}

/** Whether an object has decorated methods. It is asked of whatever an application provides: a proxy may throw, or claim to have everything. */
export function hasDecoratedMethods(instance: object): boolean {
  try {
    for (let level = Reflect.getPrototypeOf(instance); level !== null; level = Reflect.getPrototypeOf(level))
      if (Object.hasOwn(level, METHOD_CACHES)) return METHOD_CACHES in instance;
  } catch {
    // It is no instance of a class with decorated methods, or is not to be asked.
  }
  return false;
}

/** The caches that an instance has been given. */
export function cachesOf(instance: unknown): Caches | undefined {
  return (instance as { [METHOD_CACHES]?: Caches } | null | undefined)?.[METHOD_CACHES];
}

/** Gives the caches of an application to an instance, unless they are something that a test has put in their place. */
export function bind(instance: object, given: unknown): void {
  const caches = isCaches(given) ? given : undefined;
  keep(instance, caches);
  const prototype = Reflect.getPrototypeOf(instance);
  if (caches === undefined || prototype === null) return;
  caches.admit(prototype);
  served.add(prototype);
}

/** Prototypes of which some application has an instance, and those that the log has spoken of. */
const served = new WeakSet<object>();
const told = new WeakSet<object>();

/**
 * Warns, once per class, of a call on an instance without caches: nothing is cached there, and nothing evicted. In a process without an
 * application it is a unit test that makes such instances, and wants that.
 */
export function tellOfStranger(instance: unknown, where: string): void {
  if (typeof instance !== 'object' || instance === null || isGiven(instance)) return;
  const prototype = Reflect.getPrototypeOf(instance);
  if (prototype === null || !served.has(prototype) || told.has(prototype)) return;
  told.add(prototype);
  new Logger('Cache').warn(
    `${where} runs without its cache, on an instance that Nest has not made, or is still making. List the class as a provider, or make ` +
      'instances with ModuleRef.create(); in a constructor, call no decorated method. Further such calls of this class are not logged.',
  );
}

/** Throws `MISSING_MODULE` where the application has no cache. */
function assertOnTheirWay(instance: object, modules: ModulesContainer): void {
  const [first] = usesOf(instance);
  if (![...modules.values()].some(({ providers }) => providers.has(METHOD_CACHES)))
    throw noCacheForMethodError(first?.where ?? 'A decorated method');
  // The cache has failed to start. That failure is the one to report, and is on its way.
  keep(instance, UNAVAILABLE);
}

const UNAVAILABLE: Caches = {
  [CACHES]: true,
  isServing: false,
  admit: () => undefined,
  namespace: ({ where, definition }) => {
    throw unavailableError(where, definition.name);
  },
};

/** The caches of instances that take no property: frozen and sealed ones, and some proxies. All copies of this package share them. */
const OF_CLOSED = Symbol.for('nestjs-durable-cache:caches-of-closed');
const ofClosed = ((globalThis as { [OF_CLOSED]?: WeakMap<object, Caches | undefined> })[OF_CLOSED] ??=
  new WeakMap());

/** As a property of the instance, where it takes one: a proxy of it shows that, too. */
function keep(instance: object, caches: Caches | undefined): void {
  if (!define(instance, METHOD_CACHES, { value: caches, writable: true })) ofClosed.set(instance, caches);
}

function isGiven(instance: object): boolean {
  return Object.hasOwn(instance, METHOD_CACHES) || ofClosed.has(instance);
}

function define(object: object, key: symbol, property: PropertyDescriptor): boolean {
  return Reflect.defineProperty(object, key, { ...property, configurable: true, enumerable: false });
}

function isCaches(given: unknown): given is Caches {
  return typeof given === 'object' && given !== null && Reflect.get(given, CACHES) === true;
}
