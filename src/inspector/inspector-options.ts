import type {
  CanActivate,
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Type,
} from '@nestjs/common';
import { CacheError } from '../core/cache-error.js';
import { assertRecord, refuseUnknown } from '../core/option-checks.js';

/** What the page may show and do. */
export interface CacheInspectorBehaviour {
  /** Whether the page may change something: delete, edit, refresh, flush, reload, clear. Default false. */
  readonly actions?: boolean | undefined;
  /** Whether it shows values; without them neither what is read, nor an error, nor an edit gives any away. Default true. */
  readonly values?: boolean | undefined;
  /**
   * Who has sent a request, for the log of the actions; it is given the request as the platform has it. The action waits a second for a
   * promise, and is logged with the address otherwise. Default: the address that it came from.
   */
  describe?(request: object): string | Promise<string>;
}

/** Where the page is, and who may see it. */
export interface CacheInspectorPlace {
  /** The page's path, behind the application's global prefix where there is one. Default `'cache'`. */
  readonly path?: string | undefined;
  /**
   * Decides who may use the page, at each request: a class that Nest makes with what it injects, or an instance. Without one only
   * requests from this very machine are answered, and none that came through a proxy.
   */
  readonly guard?: Type<CanActivate> | CanActivate | undefined;
  /** Modules whose providers the guard injects, or the factory of the options. */
  readonly imports?: ModuleMetadata['imports'];
}

/** The options of {@link CacheInspectorModule.forRoot}. */
export interface CacheInspectorOptions extends CacheInspectorPlace, CacheInspectorBehaviour {}

/** Gives the options of {@link CacheInspectorModule.forRootAsync}. */
export interface CacheInspectorOptionsFactory {
  createCacheInspectorOptions(): CacheInspectorBehaviour | Promise<CacheInspectorBehaviour>;
}

/** The options of {@link CacheInspectorModule.forRootAsync}: routes are fixed before a factory runs, so `path` and `guard` stand beside it. */
export interface CacheInspectorAsyncOptions extends CacheInspectorPlace {
  readonly useFactory?: (...injected: never[]) => CacheInspectorBehaviour | Promise<CacheInspectorBehaviour>;
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[];
  readonly useClass?: Type<CacheInspectorOptionsFactory>;
  readonly useExisting?: InjectionToken<CacheInspectorOptionsFactory>;
}

/** The same with every default. */
export interface InspectorBehaviour {
  readonly actions: boolean;
  readonly values: boolean;
  readonly describe: ((request: object) => string | Promise<string>) | undefined;
}

export interface InspectorPlace {
  /** Without slashes at its ends. */
  readonly path: string;
  readonly guard: Type<CanActivate> | CanActivate | undefined;
  readonly imports: NonNullable<ModuleMetadata['imports']>;
}

const PLACE = ['path', 'guard', 'imports'];
const BEHAVIOUR = ['actions', 'values', 'describe'];
const ASYNC = [...PLACE, 'useFactory', 'inject', 'useClass', 'useExisting'];
const FOR_ROOT = 'CacheInspectorModule.forRoot';
const FOR_ROOT_ASYNC = 'CacheInspectorModule.forRootAsync';
/** A path as it is, and none that a router takes for a pattern. */
const PATH = /^[\w.~-]+(?:\/[\w.~-]+)*$/;

/** Throws `INVALID_OPTION` for an option that is unknown or of the wrong type. */
export function assertInspectorOptions(given: CacheInspectorOptions): void {
  assertRecord(given, FOR_ROOT, "{ path: 'cache', guard: AdminGuard }");
  refuseUnknown(given, [...PLACE, ...BEHAVIOUR], FOR_ROOT);
}

/** The same of {@link CacheInspectorModule.forRootAsync}. */
export function assertAsyncOptions(given: CacheInspectorAsyncOptions): void {
  assertRecord(given, FOR_ROOT_ASYNC, '{ useFactory: () => ({ actions: true }) }');
  for (const option of BEHAVIOUR)
    if (option in given)
      throw refusal(FOR_ROOT_ASYNC, option, `'${option}' belongs into what the factory gives`);
  refuseUnknown(given, ASYNC, FOR_ROOT_ASYNC);
  const { useFactory, useClass, useExisting } = given;
  if ([useFactory, useClass, useExisting].filter((way) => way !== undefined).length !== 1)
    throw refusal(FOR_ROOT_ASYNC, 'useFactory', 'give exactly one of useFactory, useClass and useExisting');
}

export function placeOf({ path = 'cache', guard, imports = [] }: CacheInspectorPlace): InspectorPlace {
  const bare: unknown = typeof path === 'string' ? path.replaceAll(/^\/+|\/+$/g, '') : path;
  if (typeof bare !== 'string' || !PATH.test(bare) || bare.split('/').some((part) => /^\.+$/.test(part)))
    throw refusal(
      FOR_ROOT,
      'path',
      "'path' must be a path such as 'cache' or 'admin/cache', of letters, digits, '-', '_', '.' and '~'",
    );
  if (guard !== undefined && !isGuard(guard))
    throw refusal(
      FOR_ROOT,
      'guard',
      "'guard' must be a class that implements CanActivate, or an instance of one; left out, the page answers this machine alone",
    );
  if (!Array.isArray(imports)) throw refusal(FOR_ROOT, 'imports', "'imports' must be a list of modules");
  return { path: bare, guard, imports };
}

export function behaviourOf(given: CacheInspectorBehaviour): InspectorBehaviour {
  const { actions = false, values = true } = given;
  for (const [option, value] of Object.entries({ actions, values }))
    if (typeof value !== 'boolean') throw refusal(FOR_ROOT, option, `'${option}' must be true or false`);
  const isDescribed = given.describe !== undefined;
  if (isDescribed && typeof given.describe !== 'function')
    throw refusal(
      FOR_ROOT,
      'describe',
      "'describe' must be a function that is given a request, and gives the name of who has sent it",
    );
  return {
    actions,
    values,
    describe: isDescribed ? (request) => given.describe?.(request) ?? '' : undefined,
  };
}

/** The same of what a factory gives. */
export function behaviourGiven(given: CacheInspectorBehaviour): InspectorBehaviour {
  assertRecord(given, FOR_ROOT_ASYNC, '{ actions: true }');
  for (const option of PLACE)
    if (option in given)
      throw refusal(
        FOR_ROOT_ASYNC,
        option,
        `'${option}' stands beside the factory, since routes are fixed before it runs`,
      );
  refuseUnknown(given, BEHAVIOUR, FOR_ROOT_ASYNC);
  return behaviourOf(given);
}

function isGuard(guard: unknown): guard is Type<CanActivate> | CanActivate {
  const able: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return typeof (able as Partial<CanActivate> | null | undefined)?.canActivate === 'function';
}

function refusal(where: string, option: string, remedy: string): CacheError {
  return new CacheError('INVALID_OPTION', `${where}: ${remedy}.`, { option });
}
