import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  Cached,
  CacheEvict,
  CachePut,
  getNamespaceToken,
  type NamespaceDefinition,
} from '../../../src/index.js';
import { CacheTestingModule } from '../../../src/testing/index.js';
import { namespaceOf, ON_CHANGE } from '../../support/definitions.js';
import { NestLog, startApp } from '../../support/nest-app.js';

const prices: NamespaceDefinition<string, number> = namespaceOf<number>(ON_CHANGE, { name: 'prices' });

@Injectable()
class Shelf {
  readonly prices = new Map([['tea', 3]]);
}

@Injectable()
class Prices {
  constructor(@Inject(Shelf) private readonly shelf: Shelf) {}

  @Cached(prices, { key: (what: string) => what })
  async of(what: string): Promise<number | undefined> {
    return this.shelf.prices.get(what);
  }

  @CachePut(prices, { key: (what: string) => what })
  async set(what: string, price: number): Promise<number> {
    this.shelf.prices.set(what, price);
    return price;
  }

  @CacheEvict(prices, { key: (what: string) => what })
  async remove(what: string): Promise<boolean> {
    return this.shelf.prices.delete(what);
  }
}

describe('a class with decorated methods, in a unit test', () => {
  it('runs its plain methods where the test makes the instance', async () => {
    const shelf = new Shelf();
    const service = new Prices(shelf);
    expect(await service.of('tea')).toBe(3);
    shelf.prices.set('tea', 4);
    expect(await service.of('tea')).toBe(4);
    expect(await service.set('tea', 5)).toBe(5);
    expect(await service.remove('tea')).toBe(true);
    expect(await service.of('tea')).toBeUndefined();
  });

  it('keeps names and lengths of its methods', () => {
    expect([Prices.prototype.of.name, Prices.prototype.set.length]).toEqual(['of', 2]);
  });

  it('runs its plain methods where everything round it is a mock', async () => {
    // As libraries make them: whatever is asked of it is another mock, but for what would make it a promise.
    const deep: object = new Proxy(() => undefined, {
      get: (_target, property) => (property === 'then' ? undefined : deep),
    });
    const shelf = { prices: new Map([['tea', 3]]) };
    const module = await Test.createTestingModule({ providers: [Prices] })
      .useMocker((token) => (token === Shelf ? shelf : deep))
      .compile();
    const service = module.get(Prices);
    expect(await service.of('tea')).toBe(3);
    shelf.prices.set('tea', 4);
    expect(await service.of('tea')).toBe(4);
  });

  it('is cached with CacheTestingModule', async () => {
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ namespaces: [prices] })],
      providers: [Prices, Shelf],
    }).compile();
    const service = module.get(Prices);
    expect(await service.of('tea')).toBe(3);
    module.get(Shelf).prices.set('tea', 4);
    expect(await service.of('tea')).toBe(3);
    await service.set('tea', 5);
    expect(await service.of('tea')).toBe(5);
    await service.remove('tea');
    expect(await service.of('tea')).toBeUndefined();
    await module.close();
  });

  it('uses what the test has put behind the token of the namespace', async () => {
    const asked: unknown[] = [];
    const fake = {
      getOrLoad: async (key: string) => {
        asked.push(key);
        return 99;
      },
    };
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ namespaces: [prices] })],
      providers: [Prices, Shelf],
    })
      .overrideProvider(getNamespaceToken(prices))
      .useValue(fake)
      .compile();
    expect(await module.get(Prices).of('tea')).toBe(99);
    expect(asked).toEqual(['tea']);
    await module.close();
  });
});

describe('a call on an instance that Nest has not made, beside an application', () => {
  it('runs the plain method, and the log says so once', async () => {
    const log = new NestLog();
    class PricesModule {}
    const app = await startApp(
      [
        CacheTestingModule.forRoot({ namespaces: [prices] }),
        { module: PricesModule, providers: [Prices, Shelf] },
      ],
      log,
    );
    await app.get(Prices).of('tea');
    const shelf = new Shelf();
    const stranger = new Prices(shelf);
    await stranger.of('tea');
    shelf.prices.set('tea', 4);
    expect(await stranger.of('tea')).toBe(4);
    const told = log.with('runs without its cache');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^warn: @Cached on Prices\.of\(\) runs.*ModuleRef\.create/);
    await app.close();
  });
});

describe('a class that another copy of the package has decorated, as npm nests one under a library', () => {
  it('is cached in the application, too', async () => {
    vi.resetModules();
    const other = await import('../../../src/index.js');
    expect(other.Cached).not.toBe(Cached);
    const books = other.defineNamespace({
      name: 'books',
      key: other.stringKey(),
      value: other.json<number>(),
    });
    let runs = 0;
    @Injectable()
    class Library {
      @other.Cached(books, { key: (title: string) => title })
      async pages(_title: string): Promise<number> {
        runs += 1;
        return runs;
      }
    }
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ namespaces: [books] })],
      providers: [Library, { provide: 'given', useValue: new Library() }],
    }).compile();
    await module.init();
    for (const library of [module.get(Library), module.get<Library>('given')])
      expect(await library.pages('emma')).toBe(1);
    await module.close();
    const start = startApp([{ module: class {}, providers: [Library] }, CacheTestingModule.forRoot()]);
    await expect(start).rejects.toThrow(/^@Cached on Library\.pages\(\): namespace 'books' is not declared/);
  });
});
