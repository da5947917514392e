import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Cached,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  type Immutable,
} from '../../../src/index.js';
import { CacheTesting, CacheTestingModule } from '../../../src/testing/index.js';
import { errorWith, MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { Gate } from '../../support/gate.js';
import { startApp } from '../../support/nest-app.js';

interface User {
  id: string;
  tags: string[];
}

const users = defineNamespace({ name: 'users', key: stringKey(), value: json<User>() });
const copies = defineNamespace({
  name: 'copies',
  key: stringKey(),
  value: json<User>(),
  values: 'copied',
  ttlMs: 60_000,
});
const squares = defineNamespace({ name: 'squares', key: numberKey(), value: json<number | null>() });
const numbers = defineNamespace({ name: 'numbers', key: numberKey(), value: json<number>() });

@Injectable()
class Users {
  readonly calls: unknown[][] = [];
  /** What the next runs of the methods wait for. */
  gate: Promise<void> = Promise.resolve();

  @Cached(users, { key: (id: string) => id })
  async find(...args: [id: string, hint?: string]): Promise<Immutable<User> | undefined> {
    this.calls.push(args);
    await this.gate;
    if (args[0] === 'nobody') return undefined;
    if (args[0] === 'broken') throw new Error('no such table');
    return { id: args[0], tags: ['new'] };
  }

  @Cached(copies, { key: (id: string) => id, ttlMs: 1000 })
  async copy(id: string): Promise<User> {
    this.calls.push([id]);
    return { id, tags: [] };
  }

  @Cached(users, { key: (id: string) => id, timeoutMs: 500 })
  async patiently(id: string): Promise<Immutable<User>> {
    await this.gate;
    return { id, tags: [] };
  }

  @Cached(squares, { key: (of: number) => of })
  async square(of: number): Promise<number | null> {
    this.calls.push([of]);
    return of < 0 ? null : of * of;
  }

  @Cached(numbers, { key: (of: number) => of })
  async factorial(of: number): Promise<number> {
    this.calls.push([of]);
    return of < 2 ? 1 : of * (await this.factorial(of - 1));
  }

  @Cached(numbers, { key: () => 0 })
  async itself(left: number): Promise<number> {
    this.calls.push([left]);
    return left === 0 ? 0 : this.itself(left - 1);
  }
}

let app: Awaited<ReturnType<typeof startApp>>;
let service: Users;
let cache: CacheService;

beforeEach(async () => {
  class UsersModule {}
  app = await startApp([
    CacheTestingModule.forRoot({ namespaces: [users, copies, squares, numbers], chatNamespaces: false }),
    { module: UsersModule, providers: [Users] },
  ]);
  service = app.get(Users);
  cache = app.get(CacheService);
});

afterEach(() => app.close());

describe('a method decorated with @Cached', () => {
  it('runs once, and is answered by the namespace from then on', async () => {
    expect(await service.find('ada', 'hint')).toEqual({ id: 'ada', tags: ['new'] });
    expect(await cache.namespace(users).get('ada')).toEqual({ id: 'ada', tags: ['new'] });
    await cache.namespace(users).set('ada', { id: 'ada', tags: ['changed'] });
    expect(await service.find('ada')).toEqual({ id: 'ada', tags: ['changed'] });
    expect(service.calls).toEqual([['ada', 'hint']]);
  });

  it('is answered from the database after a restart', async () => {
    await service.find('ada');
    await app.get(CacheTesting).restart();
    expect(await service.find('ada')).toEqual({ id: 'ada', tags: ['new'] });
    expect(service.calls).toHaveLength(1);
  });

  it('runs once for callers at the same time, who share the outcome', async () => {
    const gate = new Gate();
    service.gate = gate.opened;
    const calls = [service.find('ada'), service.find('ada'), service.find('bob')];
    gate.open();
    const [one, other, bob] = await Promise.all(calls);
    expect(one).toBe(other);
    expect(bob?.id).toBe('bob');
    expect(service.calls).toEqual([['ada'], ['bob']]);
  });

  it('gives undefined as it is, to all who wait, and stores nothing', async () => {
    expect(await Promise.all([service.find('nobody'), service.find('nobody')])).toEqual([
      undefined,
      undefined,
    ]);
    expect(service.calls).toHaveLength(1);
    expect(await service.find('nobody')).toBeUndefined();
    expect(service.calls).toHaveLength(2);
    expect(await cache.namespace(users).count()).toBe(0);
  });

  it('says so to a caller of getOrLoad who waits for the same load', async () => {
    const gate = new Gate();
    service.gate = gate.opened;
    const decorated = service.find('nobody');
    await expect.poll(() => service.calls.length).toBe(1);
    const direct = cache.namespace(users).getOrLoad('nobody', () => ({ id: 'other', tags: [] }));
    gate.open();
    expect(await decorated).toBeUndefined();
    await expect(direct).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(direct).rejects.toThrow(/@Cached on Users\.find\(\) gave undefined/);
  });

  it('keeps null, where the namespace has that', async () => {
    expect([await service.square(-1), await service.square(-1)]).toEqual([null, null]);
    expect(service.calls).toHaveLength(1);
  });

  it('rejects with what it throws, and runs again at the next call', async () => {
    for (const times of [1, 2]) {
      await expect(service.find('broken')).rejects.toThrow('no such table');
      expect(service.calls).toHaveLength(times);
    }
  });

  it('gives what the namespace gives: a frozen value, or a copy for each reader', async () => {
    expect(Object.isFrozen(await service.find('ada'))).toBe(true);
    for (const _ of ['loaded', 'from memory']) {
      const copy = await service.copy('ada');
      expect(copy.tags).toEqual([]);
      copy.tags.push('mine');
    }
    expect(service.calls).toHaveLength(2);
  });

  it('passes the time to live on', async () => {
    const { clock } = app.get(CacheTesting);
    await service.copy('ada');
    expect(await cache.namespace(copies).ttl('ada')).toBe(1000);
    await clock.advance(1000);
    await service.copy('ada');
    expect(service.calls).toHaveLength(2);
  });

  it('is given up after its time, and its callers get LOAD_TIMED_OUT', async () => {
    const { clock } = app.get(CacheTesting);
    const gate = new Gate();
    service.gate = gate.opened;
    const call = service.patiently('ada');
    await expect(clock.advanceUntil(call)).rejects.toThrow(errorWith('LOAD_TIMED_OUT'));
    gate.open();
    expect(await service.patiently('ada')).toEqual({ id: 'ada', tags: [] });
  });

  it('refuses a bad key at the call, before the method runs', async () => {
    for (const key of ['', 'a\0b', 7 as unknown as string])
      await expect(service.find(key)).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(service.calls).toEqual([]);
  });

  it('may call itself for another key, and for its own without waiting for itself', async () => {
    expect(await service.factorial(5)).toBe(120);
    expect(service.calls).toHaveLength(5);
    expect(await service.factorial(6)).toBe(720);
    expect(service.calls).toHaveLength(6);
    expect(await service.itself(3)).toBe(0);
    expect(service.calls).toHaveLength(10);
    expect(await service.itself(3)).toBe(0);
    expect(service.calls).toHaveLength(10);
  });

  it('caches again what its own run has set going and does not wait for', async () => {
    const gate = new Gate();
    let later: Promise<unknown> | undefined;
    @Injectable()
    class Late {
      runs = 0;

      @Cached(numbers, { key: () => 99 })
      async load(): Promise<number> {
        this.runs += 1;
        later ??= gate.opened.then(async () => [await this.load(), await this.load()]);
        return this.runs;
      }
    }
    class LateModule {}
    const other = await startApp([
      CacheTestingModule.forRoot({ namespaces: [numbers] }),
      { module: LateModule, providers: [Late] },
    ]);
    expect(await other.get(Late).load()).toBe(1);
    gate.open();
    expect(await later).toEqual([1, 1]);
    expect(other.get(Late).runs).toBe(1);
    await other.close();
  });

  it.each([MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN])('is cached on the level %s', async (persistence) => {
    const leveled = defineNamespace({
      name: `on-${persistence}`,
      key: stringKey(),
      value: json<number>(),
      persistence,
    });
    @Injectable()
    class Counter {
      count = 0;

      @Cached(leveled, { key: (name: string) => name })
      async next(_name: string): Promise<number> {
        this.count += 1;
        return this.count;
      }
    }
    class CounterModule {}
    const other = await startApp([
      CacheTestingModule.forRoot({ namespaces: [leveled] }),
      { module: CounterModule, providers: [Counter] },
    ]);
    const counter = other.get(Counter);
    expect([await counter.next('a'), await counter.next('a'), await counter.next('b')]).toEqual([1, 1, 2]);
    await other.close();
  });
});
