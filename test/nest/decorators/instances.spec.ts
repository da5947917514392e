import { Inject, Injectable, Module, Scope, type DynamicModule, type Provider } from '@nestjs/common';
import {
  ContextIdFactory,
  LazyModuleLoader,
  ModuleRef,
  ModulesContainer,
  type ContextId,
} from '@nestjs/core';
import { describe, expect, it, vi } from 'vitest';
import {
  CacheEvict,
  CacheModule,
  CacheService,
  Cached,
  InMemoryStorage,
  type NamespaceDefinition,
} from '../../../src/index.js';
import { namespaceOf, ON_CHANGE } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { closing } from './support/closing-storage.js';

const facts: NamespaceDefinition<string, number> = namespaceOf<number>(ON_CHANGE, { name: 'facts' });
const SYMBOL = Symbol('by symbol');

/** How often the methods of any instance have run. */
let runs = 0;

class Base {
  @Cached(facts, { key: (name: string) => name })
  async find(_name: string): Promise<number> {
    runs += 1;
    return runs;
  }

  @Cached(facts, { key: (name: string) => name })
  async overridden(_name: string): Promise<number> {
    runs += 1;
    return runs;
  }

  @Cached(facts, { key: (name: string) => name })
  async [SYMBOL](_name: string): Promise<number> {
    runs += 1;
    return runs;
  }

  async throughThis(name: string): Promise<number> {
    return this.secretly(name);
  }

  @CacheEvict(facts, { key: (name: string) => name })
  async forget(_name: string): Promise<void> {}

  @Cached(facts, { key: (name: string) => name })
  private async secretly(_name: string): Promise<number> {
    runs += 1;
    return runs;
  }
}

@Injectable()
class Facts extends Base {}

@Injectable()
class PlainFacts extends Base {
  override async overridden(_name: string): Promise<number> {
    runs += 1;
    return runs;
  }
}

@Injectable()
class DeepFacts extends Base {
  @Cached(facts, { key: (name: string) => name })
  override async overridden(name: string): Promise<number> {
    return super.overridden(name);
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestFacts extends Base {}

@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableFacts extends Base {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientFacts extends Base {}

@Injectable()
class Holder {
  constructor(
    @Inject(TransientFacts) readonly own: TransientFacts,
    @Inject(CacheService) readonly cache: CacheService,
  ) {}
}

const root = (storage = new InMemoryStorage()): DynamicModule =>
  CacheModule.forRoot({ storage, namespaces: [facts], chatNamespaces: false });

function featureOf(providers: Provider[]): DynamicModule {
  class FeatureModule {}
  return { module: FeatureModule, providers };
}

/** Calls twice, and again when the entry was removed: the second is answered by the cache. */
async function expectCached(instance: Base, name: string): Promise<void> {
  const first = await instance.find(name);
  expect(await instance.find(name)).toBe(first);
  await instance.forget(name);
  expect(await instance.find(name)).toBeGreaterThan(first);
}

describe('decorated methods', () => {
  it('are cached in a provider, by name and by symbol, and where the class calls them itself', async () => {
    const app = await startApp([root(), featureOf([Facts])]);
    const instance = app.get(Facts);
    await expectCached(instance, 'a');
    expect(await instance[SYMBOL]('b')).toBe(await instance[SYMBOL]('b'));
    expect(await instance.throughThis('c')).toBe(await instance.throughThis('c'));
    await app.close();
  });

  it('are inherited, and an override is cached only where it is decorated, too', async () => {
    const app = await startApp([root(), featureOf([PlainFacts, DeepFacts])]);
    const plain = app.get(PlainFacts);
    await expectCached(plain, 'a');
    expect(await plain.overridden('b')).toBeLessThan(await plain.overridden('b'));
    const deep = app.get(DeepFacts);
    expect(await deep.overridden('c')).toBe(await deep.overridden('c'));
    await app.close();
  });

  it.each([
    ['request-scoped', RequestFacts],
    ['durable', DurableFacts],
    ['transient', TransientFacts],
  ])('are cached in a %s provider, over its instances', async (_scope, type) => {
    const app = await startApp([root(), featureOf([type])]);
    const resolve = (id: ContextId): Promise<Base> => app.resolve<Base>(type, id);
    const one = await resolve(ContextIdFactory.create());
    const other = await resolve(ContextIdFactory.create());
    expect(one).not.toBe(other);
    await expectCached(one, 'a');
    expect(await other.find('a')).toBe(await one.find('a'));
    await app.close();
  });

  it('are cached in a transient provider of a provider, and in what ModuleRef makes', async () => {
    const app = await startApp([root(), featureOf([Holder, TransientFacts])]);
    await expectCached(app.get(Holder).own, 'a');
    await expectCached(await app.get(ModuleRef).create(Facts), 'b');
    await app.close();
  });

  it('are cached in an instance that Nest was given, or that a factory has made', async () => {
    const made = new Facts();
    const app = await startApp([
      root(),
      featureOf([
        { provide: 'value', useValue: made },
        { provide: 'factory', useFactory: async () => new Facts() },
        { provide: 'alias', useExisting: 'factory' },
        { provide: 'transient', scope: Scope.TRANSIENT, useFactory: () => new Facts() },
        { provide: 'holder', inject: ['transient'], useFactory: (own: Facts) => ({ own }) },
      ]),
    ]);
    await expectCached(app.get('value'), 'a');
    await expectCached(app.get('factory'), 'b');
    await expectCached(app.get<{ own: Facts }>('holder').own, 'c');
    await app.close();
  });

  it('are cached in instances that are frozen or sealed, and that a strict proxy is put round', async () => {
    @Injectable()
    class FrozenFacts extends Base {
      constructor() {
        super();
        Object.freeze(this);
      }
    }
    const closed = new Proxy(new Facts(), { defineProperty: () => false });
    const app = await startApp([
      root(),
      featureOf([
        FrozenFacts,
        { provide: 'frozen', useValue: Object.freeze(new Facts()) },
        { provide: 'sealed', useFactory: () => Object.seal(new Facts()) },
        { provide: 'closed', useValue: closed },
      ]),
    ]);
    await expectCached(app.get(FrozenFacts), 'a');
    for (const token of ['frozen', 'sealed', 'closed']) await expectCached(app.get(token), token);
    await app.close();
  });

  it('do not matter to objects that throw when they are asked for a property, or claim to have each', async () => {
    const strict = new Proxy(
      {},
      {
        has: () => true,
        get: (_target, name) => {
          if (typeof name === 'string') return undefined;
          throw new Error(`no such setting: ${String(name)}`);
        },
        defineProperty: () => false,
      },
    );
    const secretive = new Proxy(
      {},
      {
        has: () => {
          throw new Error('not to be asked');
        },
        getPrototypeOf: () => {
          throw new Error('not to be asked');
        },
      },
    );
    const app = await startApp([
      root(),
      featureOf([Facts, { provide: 'a', useValue: strict }, { provide: 'b', useFactory: () => secretive }]),
    ]);
    await expectCached(app.get(Facts), 'a');
    await app.close();
  });

  it('are cached in a module that is loaded lazily', async () => {
    const late = namespaceOf<number>(ON_CHANGE, { name: 'late' });
    @Injectable()
    class Late {
      @Cached(late, { key: () => 'a' })
      async find(): Promise<number> {
        runs += 1;
        return runs;
      }
    }
    @Module({ imports: [CacheModule.forFeature([late])], providers: [Late, RequestFacts] })
    class LateModule {}
    const app = await startApp([root()]);
    const feature = await app.get(LazyModuleLoader).load(() => LateModule);
    const instance = feature.get(Late);
    expect(await instance.find()).toBe(await instance.find());
    await expectCached(await feature.resolve(RequestFacts), 'a');
    await app.close();
  });

  it('are cached behind a proxy that an application puts round its instances', async () => {
    const app = await startApp([root(), featureOf([Facts])]);
    const proxied = new Proxy(app.get(Facts), {});
    await expectCached(proxied, 'a');
    await app.close();
  });

  it('show nothing on the instance that an application would see', async () => {
    const app = await startApp([root(), featureOf([Facts])]);
    expect(app.get(Facts)).toEqual(new Facts());
    expect(Object.keys(app.get(Facts))).toEqual([]);
    expect(JSON.stringify(app.get(Facts))).toBe('{}');
    await app.close();
  });
});

describe('decorated methods before the start is over', () => {
  it('wait for the rows of their namespace, as an injected namespace does', async () => {
    const storage = new InMemoryStorage();
    const before = await startApp([root(storage)]);
    await before.get(CacheService).namespace(facts).set('a', -1);
    await before.close();

    const seen: unknown[] = [];
    @Injectable()
    class Early {
      constructor(@Inject(Facts) private readonly instance: Facts) {}

      async onModuleInit(): Promise<void> {
        seen.push(await this.instance.find('a'));
      }
    }
    const options = { storage, namespaces: [facts], chatNamespaces: false };
    const slowly = new Promise<void>((resolve) => setImmediate(resolve));
    const app = await startApp([
      featureOf([
        Facts,
        Early,
        { provide: 'given', useValue: new Facts() },
        {
          provide: 'asked while others are made',
          inject: [Facts],
          useFactory: async (instance: Facts) => seen.push(await instance.find('a')),
        },
      ]),
      CacheModule.forRootAsync({ useFactory: () => slowly.then(() => options) }),
    ]);
    expect(seen).toEqual([-1, -1]);
    await app.close();
  });

  it('work for namespaces that only a factory of the options names', async () => {
    const options = { storage: new InMemoryStorage(), namespaces: [facts], chatNamespaces: false };
    const app = await startApp([CacheModule.forRootAsync({ useFactory: () => options }), featureOf([Facts])]);
    await expectCached(app.get(Facts), 'a');
    // It is looked for in every module, once.
    const search = vi.spyOn(app.get(ModulesContainer), 'values');
    await expectCached(app.get(Facts), 'b');
    expect(search).not.toHaveBeenCalled();
    await app.close();
  });
});

describe('two applications of one process', () => {
  it.each([
    ['a provider', Facts],
    ['a request-scoped provider', RequestFacts],
  ])('have each their own cache for %s of one class', async (_what, type) => {
    const one = await startApp([root(), featureOf([type])]);
    const other = await startApp([root(), featureOf([type])]);
    const ofOne = await one.resolve<Base>(type).catch(() => one.get<Base>(type));
    const ofOther = await other.resolve<Base>(type).catch(() => other.get<Base>(type));
    const first = await ofOne.find('a');
    const second = await ofOther.find('a');
    expect(second).toBeGreaterThan(first);
    await ofOne.forget('a');
    expect(await ofOther.find('a')).toBe(second);
    expect(await other.get(CacheService).namespace(facts).get('a')).toBe(second);
    expect(await one.get(CacheService).namespace(facts).count()).toBe(0);
    await one.close();
    await ofOther.forget('a');
    await expectCached(ofOther, 'a');
    await other.close();
  });

  it('refuse to share one instance, unless the first has stopped', async () => {
    const instance = new Facts();
    const provider = { provide: Facts, useValue: instance };
    const one = await startApp([root(), featureOf([provider])]);
    const first = await instance.find('a');
    const { storage, closed } = closing();
    await expect(startApp([root(storage), featureOf([provider])])).rejects.toThrow(
      /^One instance of Facts is a provider of two running applications.*providers: \[Facts\]/,
    );
    await closed;
    expect(await instance.find('a')).toBe(first);
    await one.close();
    const other = await startApp([root(), featureOf([provider])]);
    await expectCached(instance, 'a');
    await other.close();
  });

  it('may share one instance where the start of the first has failed', async () => {
    const instance = new Facts();
    let fails = true;
    @Injectable()
    class Fragile {
      onModuleInit(): void {
        if (fails) throw new Error('not yet');
      }
    }
    const feature = featureOf([{ provide: Facts, useValue: instance }, Fragile]);
    await expect(startApp([root(), feature])).rejects.toThrow('not yet');
    fails = false;
    const app = await startApp([root(), feature]);
    await expectCached(instance, 'a');
    await app.close();
  });
});
