import 'reflect-metadata';
import { CacheError } from '../../core/cache-error.js';
import { isDefinition, type NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import { MethodCall, type Decorate } from './call-outcome.js';
import { cachesOf, expectCaches, tellOfStranger } from './method-binding.js';
import { noteUse, type MethodUse } from './method-uses.js';

type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

/**
 * A decorator that puts a function in the place of a method. It keeps nothing of any application: which cache a call goes to says
 * the instance that it is made on, so that applications that share a class have each their own.
 */
export function decorator(
  name: string,
  definition: NamespaceDefinition,
  /** Checks the options of the decorator, which is written at `where`. */
  prepare: (where: string) => Decorate,
): (target: object, method: string | symbol, descriptor: object) => void {
  return (target, method, descriptor: PropertyDescriptor) => {
    const where = placeOf(name, target, method);
    const original = methodOf(where, target, descriptor);
    assertDefinition(where, definition);
    const decorate = prepare(where);
    const use: MethodUse = { where, definition };
    const decorated: AnyMethod = function (...args) {
      const caches = cachesOf(this);
      if (caches === undefined) {
        tellOfStranger(this, where);
        return original.apply(this, args);
      }
      const call = new MethodCall(args, {
        method: (given) => original.apply(this, [...given]),
        namespace: () => caches.namespace(use),
      });
      return call.outcome(decorate);
    };
    descriptor.value = takingAfter(original, decorated);
    noteUse(target, method, use);
    expectCaches(target);
  };
}

function placeOf(name: string, target: unknown, method: unknown): string {
  const owner = typeof target === 'function' ? target : Object(target).constructor;
  const className = (owner as { name?: string } | undefined)?.name;
  const isNamed = typeof method === 'string' || typeof method === 'symbol';
  return `${name} on ${className || 'a class'}${isNamed ? `.${String(method)}()` : ''}`;
}

/** Throws `INVALID_OPTION` for everything but a method of instances. */
function methodOf(where: string, target: unknown, descriptor: PropertyDescriptor | undefined): AnyMethod {
  const value: unknown = descriptor?.value;
  if (typeof target === 'object' && target !== null && typeof value === 'function') return value as AnyMethod;
  throw new CacheError(
    'INVALID_OPTION',
    `${where} decorates something other than a method of instances: put it on a method that is not static and returns a Promise, in a class ` +
      "compiled with 'experimentalDecorators', as Nest needs it.",
  );
}

function assertDefinition(where: string, definition: unknown): void {
  if (isDefinition(definition)) return;
  throw new CacheError(
    'UNKNOWN_NAMESPACE',
    `${where} names no namespace. Pass a definition made by defineNamespace(); if it is undefined, two files import each other.`,
  );
}

/** Whatever other decorators have said of the method, and frameworks read from it, holds for what takes its place. */
function takingAfter(original: AnyMethod, decorated: AnyMethod): AnyMethod {
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), decorated);
  }
  for (const key of Reflect.ownKeys(original)) {
    if (key === 'prototype') continue;
    const property = Reflect.getOwnPropertyDescriptor(original, key);
    if (property !== undefined) Reflect.defineProperty(decorated, key, property);
  }
  return decorated;
}
