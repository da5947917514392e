import { Controller, Inject, Injectable, Module, Scope, type DynamicModule, type Type } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  Cached,
  CacheEvict,
  CacheModule,
  CacheService,
  CachePut,
  defineNamespace,
  InMemoryStorage,
  json,
  numberKey,
  stringKey,
  type CacheModuleOptions,
} from '../../../src/index.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { closing } from './support/closing-storage.js';

const users = defineNamespace({ name: 'users', key: stringKey(), value: json<number>() });
const key = (id: string): string => id;

@Injectable()
class Users {
  @Cached(users, { key })
  async find(_id: string): Promise<number> {
    return 1;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestUsers extends Users {}

@Controller()
class UsersController extends Users {}

@Injectable()
class Overriding extends Users {
  override async find(_id: string): Promise<number> {
    return 2;
  }
}

const cacheWith = (options: CacheModuleOptions = {}): DynamicModule =>
  CacheModule.forRoot({ storage: new InMemoryStorage(), chatNamespaces: false, ...options });

function moduleOf(type: Type): DynamicModule {
  class FeatureModule {}
  return { module: FeatureModule, providers: [type] };
}

/** What a class says that has this decorator on its method `find`. */
function decorating(decorator: unknown, where: 'method' | 'static' | 'getter' | 'field' = 'method'): unknown {
  const decorate = decorator as (...args: unknown[]) => void;
  class Broken {
    static async create(): Promise<void> {}
    get value(): number {
      return 1;
    }
    async find(): Promise<void> {}
  }
  const { prototype } = Broken;
  try {
    if (where === 'method') decorate(prototype, 'find', Object.getOwnPropertyDescriptor(prototype, 'find'));
    else if (where === 'static')
      decorate(Broken, 'create', Object.getOwnPropertyDescriptor(Broken, 'create'));
    else if (where === 'getter')
      decorate(prototype, 'value', Object.getOwnPropertyDescriptor(prototype, 'value'));
    else decorate(prototype, 'field', undefined);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a namespace that the application does not declare', () => {
  it.each([
    ['a provider', moduleOf(Users)],
    ['a request-scoped provider', moduleOf(RequestUsers)],
    ['a controller', { module: class {}, controllers: [UsersController] }],
    ['an instance', { module: class {}, providers: [{ provide: 'a', useValue: new Users() }] }],
  ])('fails the start for %s, with class, method and remedy', async (_what, feature) => {
    const start = startApp([cacheWith(), feature]);
    await expect(start).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await expect(start).rejects.toThrow(
      /^@Cached on Users\.find\(\): namespace 'users' is not declared in this application\. .*forRoot\(\{ namespaces.*forFeature/,
    );
  });

  it('is told from one of the same name', async () => {
    const other = namespaceOf(ON_CHANGE, { name: 'users' });
    const start = startApp([cacheWith({ namespaces: [other] }), moduleOf(Users)]);
    await expect(start).rejects.toThrow(/'users' is not declared in this application with this definition/);
  });

  it.each([
    ['a provider', Users],
    ['a request-scoped provider', RequestUsers],
  ])('leaves no storage open after a start that %s has failed', async (_what, type) => {
    const { storage, closed } = closing();
    const held = namespaceOf(ON_CHANGE, { name: 'held' });
    const start = startApp([cacheWith({ storage, namespaces: [held] }), moduleOf(type)]);
    await expect(start).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await closed;
  });

  it('does not matter where the method is overridden', async () => {
    const app = await startApp([cacheWith(), moduleOf(Overriding)]);
    expect(await app.get(Overriding).find('a')).toBe(2);
    await app.close();
  });

  it('is refused to who makes an instance while the application starts, and the application goes on', async () => {
    const held = namespaceOf<number>(ON_CHANGE, { name: 'held' });
    const refused: unknown[] = [];
    const fail = (error: unknown): void => {
      refused.push(error);
    };
    @Injectable()
    class Maker {
      constructor(@Inject(ModuleRef) private readonly module: ModuleRef) {}

      async onModuleInit(): Promise<void> {
        await this.module.create(Users).catch(fail);
      }

      async onApplicationBootstrap(): Promise<void> {
        await this.module.create(RequestUsers).catch(fail);
      }
    }
    const app = await startApp([cacheWith({ namespaces: [held] }), moduleOf(Maker)]);
    await app.get(ModuleRef).create(UsersController).catch(fail);
    const unknown = errorWith('UNKNOWN_NAMESPACE');
    expect(refused).toEqual([unknown, unknown, unknown]);
    await app.get(CacheService).namespace(held).set('a', 1);
    await app.close();
  });

  it('is refused at the call to an override that calls the decorated method of its base class', async () => {
    @Injectable()
    class Calling extends Users {
      override async find(id: string): Promise<number> {
        return super.find(id);
      }
    }
    const app = await startApp([cacheWith(), moduleOf(Calling)]);
    await expect(app.get(Calling).find('a')).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await app.close();
  });

  it('fails the load of a module that is loaded lazily, and the application goes on', async () => {
    @Module({ providers: [Users] })
    class LateModule {}
    const held = namespaceOf<number>(ON_CHANGE, { name: 'held' });
    const app = await startApp([cacheWith({ namespaces: [held] })]);
    const load = app.get(LazyModuleLoader).load(() => LateModule);
    await expect(load).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await app.get(CacheService).namespace(held).set('a', 1);
    await app.close();
  });
});

describe('an application without a cache', () => {
  it('does not start with decorated methods', async () => {
    for (const feature of [moduleOf(Users), { module: class {}, controllers: [UsersController] }]) {
      const start = startApp([feature]);
      await expect(start).rejects.toThrow(errorWith('MISSING_MODULE'));
      await expect(start).rejects.toThrow(
        /^@Cached on Users\.find\(\): there is no cache.*CacheModule\.forRoot\(\)/,
      );
    }
  });

  it('is told from one whose cache can not start', async () => {
    const failing = (): never => {
      throw new Error('no such secret');
    };
    const broken = Object.assign(new InMemoryStorage(), { open: () => Promise.reject(new Error('away')) });
    for (const [root, error] of [
      [CacheModule.forRootAsync({ useFactory: failing }), /no such secret/],
      [cacheWith({ storage: broken, namespaces: [users] }), /away/],
    ] as const) {
      await expect(startApp([root, moduleOf(Users)])).rejects.toThrow(error);
      await expect(startApp([moduleOf(Users), root])).rejects.toThrow(error);
    }
  });
});

describe('options of the cache that need a decorated method', () => {
  // Nest 11 waits for ever.
  it.skipIf(process.env['NEST_LINE'] === '11')(
    'are refused it, and the method is cached later on',
    async () => {
      let refused: unknown;
      const root = CacheModule.forRootAsync({
        imports: [{ ...moduleOf(Users), exports: [Users] }],
        inject: [Users],
        useFactory: async (instance: Users) => {
          refused = await instance.find('a').catch((error: unknown) => error);
          return { storage: new InMemoryStorage(), namespaces: [users], chatNamespaces: false };
        },
      });
      const app = await startApp([root]);
      expect(refused).toEqual(errorWith('MISSING_MODULE'));
      expect((refused as Error).message).toMatch(
        /@Cached on Users\.find\(\).*options of forRootAsync\(\) wait/,
      );
      await app.get(CacheService).namespace(users).set('a', 7);
      expect(await app.get(Users).find('a')).toBe(7);
      await app.close();
    },
  );
});

describe('a decorator', () => {
  it.each([
    ['static', 'Broken.create()'],
    ['getter', 'Broken.value()'],
    ['field', 'Broken.field()'],
  ] as const)('is refused on what is no method of instances: %s', (where, place) => {
    const error = decorating(Cached(users, { key }), where);
    expect(error).toEqual(errorWith('INVALID_OPTION'));
    expect((error as Error).message).toContain(`@Cached on ${place} decorates something other than a method`);
  });

  it('is refused as a decorator of the standard, which Nest does not know', () => {
    const decorate = Cached(users, { key }) as unknown as (...args: unknown[]) => void;
    expect(() => decorate(async () => 1, { kind: 'method', name: 'find' })).toThrow(/experimentalDecorators/);
  });

  it.each([
    ['no options', () => Cached(users, undefined as never), /the options must be an object/],
    ['no key', () => Cached(users, {} as never), /'key' must be a function/],
    ['a key that is no function', () => Cached(users, { key: 'id' as never }), /'key' must be a function/],
    ['an unknown option', () => Cached(users, { key, ttl: 5 } as never), /no option 'ttl'.*ttlMs, timeoutMs/],
    ['a bad time', () => Cached(users, { key, ttlMs: -1 }), /'ttlMs' must be a whole number/],
    ['a bad timeout', () => Cached(users, { key, timeoutMs: 0.5 }), /'timeoutMs' must be a whole number/],
    ['no key', () => CachePut(users, {} as never), /exactly one of key and keyOfResult/],
    ['two keys', () => CachePut(users, { key, keyOfResult: key } as never), /exactly one of/],
    ['a timeout', () => CachePut(users, { key, timeoutMs: 5 } as never), /no option 'timeoutMs'/],
    ['nothing to remove', () => CacheEvict(users, {} as never), /exactly one of key, prefix and all/],
    ['two of them', () => CacheEvict(users, { key, all: true } as never), /exactly one of/],
    ['a prefix that is no function', () => CacheEvict(users, { prefix: 'a' as never }), /'prefix' must be/],
    ['all that is false', () => CacheEvict(users, { all: false } as never), /'all' must be true/],
    ['before that is no boolean', () => CacheEvict(users, { key, before: 1 as never }), /'before' must be/],
    ['an unknown option', () => CacheEvict(users, { key, ttlMs: 5 } as never), /no option 'ttlMs'/],
  ])('with %s is refused where the class is declared, which it names', (_what, decorator, message) => {
    const error = decorating(decorator());
    expect(error).toEqual(errorWith('INVALID_OPTION'));
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^@Cache\w+ on Broken\.find\(\)/);
  });

  it('with no definition names the class whose files import each other', () => {
    const error = decorating(Cached(undefined as never as typeof users, { key }));
    expect(error).toEqual(errorWith('UNKNOWN_NAMESPACE'));
    expect((error as Error).message).toMatch(/^@Cached on Broken\.find\(\).*two files import each other/);
  });

  it('with a prefix for keys that have none is refused at the call', async () => {
    const numbers = defineNamespace({ name: 'numbers', key: numberKey(), value: json<number>() });
    @Injectable()
    class Numbers {
      @CacheEvict(numbers, { prefix: ((id: number) => id) as never })
      async forget(_id: number): Promise<void> {}
    }
    const app = await startApp([cacheWith({ namespaces: [numbers] }), moduleOf(Numbers)]);
    await expect(app.get(Numbers).forget(1)).rejects.toThrow(errorWith('INVALID_KEY'));
    await app.close();
  });

  it('passes on what the function of the key throws', async () => {
    @Injectable()
    class Picky {
      @Cached(users, {
        key: (): string => {
          throw new Error('no key today');
        },
      })
      async find(): Promise<number> {
        return 1;
      }
    }
    const app = await startApp([cacheWith({ namespaces: [users] }), moduleOf(Picky)]);
    await expect(app.get(Picky).find()).rejects.toThrow('no key today');
    await app.close();
  });
});
