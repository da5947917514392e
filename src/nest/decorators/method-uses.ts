import 'reflect-metadata';
import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';

/** What a decorator says of a method. */
export interface MethodUse {
  /** Which decorator, class and method, for messages. */
  readonly where: string;
  readonly definition: NamespaceDefinition;
}

/** The metadata of decorated methods, the same for every copy of this package. */
const USES = Symbol.for('nestjs-durable-cache:method-uses');

/** Notes a use of a namespace by a method of a prototype. */
export function noteUse(prototype: object, name: string | symbol, use: MethodUse): void {
  Reflect.defineMetadata(USES, [...usesAt(prototype, name), use], prototype, name);
}

/** The uses of the methods that an instance of this prototype has: not those of a method that a subclass has overridden. */
export function usesOf(prototype: object): MethodUse[] {
  const uses: MethodUse[] = [];
  const seen = new Set<string | symbol>();
  for (let level: object | null = prototype; level !== null; level = Reflect.getPrototypeOf(level)) {
    // MetadataScanner of Nest gives no symbols, and leaves out what others have wrapped in something else.
    for (const name of Reflect.ownKeys(level)) {
      if (seen.has(name)) continue;
      seen.add(name);
      uses.push(...usesAt(level, name));
    }
  }
  return uses;
}

function usesAt(prototype: object, name: string | symbol): readonly MethodUse[] {
  return (Reflect.getOwnMetadata(USES, prototype, name) as readonly MethodUse[] | undefined) ?? [];
}
