import { describe, expectTypeOf, it } from 'vitest';
import {
  Cached,
  CacheEvict,
  CachePut,
  defineNamespace,
  json,
  numberKey,
  rich,
  stringKey,
  tupleKey,
  type Immutable,
} from '../../src/index.js';

interface User {
  id: string;
  roles: string[];
}

interface Flat {
  id: string;
}

interface Abortable<T> extends Promise<T> {
  abort(): void;
}

interface Tree {
  children: Tree[];
}

type Mixed = { readonly id: string } & { readonly at: number };

const mixed = defineNamespace({ name: 'mixed', key: stringKey(), value: json<Mixed>() });
const users = defineNamespace({ name: 'users', key: stringKey(), value: json<User>() });
const copies = defineNamespace({ name: 'copies', key: stringKey(), value: json<User>(), values: 'copied' });
const flats = defineNamespace({ name: 'flats', key: stringKey(), value: json<Flat>() });
const trees = defineNamespace({ name: 'trees', key: stringKey(), value: json<Tree>() });
const pairs = defineNamespace({
  name: 'pairs',
  key: tupleKey(numberKey(), stringKey()),
  value: json<number>(),
});
const dates = defineNamespace({ name: 'dates', key: numberKey(), value: rich<Date | null>() });

declare const user: User;
const byId = (id: string): string => id;

describe('a method fits @Cached', () => {
  it('where its parameters and its result are those of the key and the namespace', () => {
    class Fitting {
      @Cached(users, { key: (id: string) => id, ttlMs: 5, timeoutMs: 7 })
      async plain(_id: string): Promise<Immutable<User>> {
        return user;
      }

      @Cached(users, { key: byId })
      async moreParameters(_id: string, _more: boolean): Promise<Immutable<User>> {
        return user;
      }

      @Cached(users, { key: byId })
      async perhapsNothing(_id: string): Promise<Immutable<User> | undefined> {
        return undefined;
      }

      @Cached(copies, { key: byId })
      async copied(_id: string): Promise<User> {
        return user;
      }

      @Cached(copies, { key: byId })
      async copiedAsReadonly(_id: string): Promise<Immutable<User>> {
        return user;
      }

      @Cached(flats, { key: byId })
      async readonlyByItself(_id: string): Promise<Readonly<Flat>> {
        return user;
      }

      @Cached(mixed, { key: byId })
      async intersection(_id: string): Promise<Mixed> {
        return user as never;
      }

      @Cached(trees, { key: () => 'all' })
      async recursive(): Promise<Immutable<Tree>> {
        return { children: [] };
      }

      @Cached(pairs, { key: (a: number, b: string) => [a, b] })
      async tuple(_a: number, _b: string): Promise<number> {
        return 1;
      }

      @Cached(dates, { key: ({ at }: { readonly at: number }) => at })
      async partOfParameter(_query: { at: number; zone: string }): Promise<Date | null> {
        return null;
      }

      @Cached(users, { key: (id?: string) => id ?? 'me' })
      async optional(_id?: string): Promise<Immutable<User>> {
        return user;
      }

      read(): Promise<Immutable<User>> {
        return this.secret('a');
      }

      @Cached(users, { key: byId })
      private async secret(_id: string): Promise<Immutable<User>> {
        return user;
      }
    }
    expectTypeOf<Fitting['moreParameters']>().parameters.toEqualTypeOf<[string, boolean]>();
    expectTypeOf<Fitting['copied']>().returns.resolves.toEqualTypeOf<User>();
  });

  it('and not where the key is made of something else, or is something else', () => {
    class Other {
      // @ts-expect-error: the key is made of a string, and there is a number
      @Cached(copies, { key: (id: string) => id })
      async otherParameter(_id: number): Promise<User> {
        return user;
      }

      // @ts-expect-error: the key is made of more parameters than there are
      @Cached(copies, { key: (id: string, more: string) => id + more })
      async missingParameter(_id: string): Promise<User> {
        return user;
      }

      // @ts-expect-error: what is optional may be undefined
      @Cached(copies, { key: (id: string) => id })
      async optional(_id?: string): Promise<User> {
        return user;
      }

      // @ts-expect-error: keys are strings
      @Cached(copies, { key: (id: number) => id })
      async otherKey(_id: number): Promise<User> {
        return user;
      }

      // @ts-expect-error: a promise is no key
      @Cached(copies, { key: async (id: string) => id })
      async laterKey(_id: string): Promise<User> {
        return user;
      }

      // @ts-expect-error: a tuple of one is no pair
      @Cached(pairs, { key: (a: number) => [a] })
      async halfAKey(_a: number): Promise<number> {
        return 1;
      }

      // @ts-expect-error: the elements are the other way round
      @Cached(pairs, { key: (a: number, b: string) => [b, a] })
      async crossed(_a: number, _b: string): Promise<number> {
        return 1;
      }

      // @ts-expect-error: the types of the parameters must be stated
      @Cached(copies, { key: (id) => id })
      async unstated(_id: string): Promise<User> {
        return user;
      }
    }
    void Other;
  });

  it('and not where its result is not what the namespace has', () => {
    class Other {
      // @ts-expect-error: no value of the namespace
      @Cached(copies, { key: byId })
      async otherResult(_id: string): Promise<number> {
        return 1;
      }

      // @ts-expect-error: null is no value of the namespace
      @Cached(copies, { key: byId })
      async perhapsNull(_id: string): Promise<User | null> {
        return null;
      }

      // @ts-expect-error: others may have stored what is no admin
      @Cached(copies, { key: byId })
      async narrower(_id: string): Promise<User & { isAdmin: true }> {
        return { ...user, isAdmin: true };
      }

      // @ts-expect-error: nothing is no value
      @Cached(copies, { key: byId })
      async nothing(_id: string): Promise<void> {}

      // @ts-expect-error: an answer from the cache is a promise
      @Cached(copies, { key: byId })
      synchronous(_id: string): User {
        return user;
      }

      // @ts-expect-error: it may be anything
      @Cached(users, { key: byId })
      async unknown(_id: string): Promise<unknown> {
        return user;
      }
    }
    void Other;
  });

  it('and not where its type says more than a plain promise of one type', () => {
    class Other {
      // @ts-expect-error: the cache gives what is stored, whichever type the caller names
      @Cached(copies, { key: byId })
      async generic<T extends User>(_id: string): Promise<T> {
        return user as T;
      }

      // @ts-expect-error: the decorated method gives a plain promise
      @Cached(copies, { key: byId })
      abortable(_id: string): Abortable<User> {
        return undefined as unknown as Abortable<User>;
      }

      overloaded(id: number): Promise<number>;
      overloaded(id: string): Promise<User>;
      // @ts-expect-error: one namespace does not answer for two types
      @Cached(copies, { key: byId })
      async overloaded(_id: unknown): Promise<unknown> {
        return user;
      }

      // @ts-expect-error: nothing tells that it is frozen
      @Cached(users, { key: byId })
      // oxlint-disable-next-line typescript/no-explicit-any -- as untyped code has it
      async untyped(_id: string): Promise<any> {
        return user;
      }

      // @ts-expect-error: so does one that stores
      @CachePut(users, { key: byId })
      abortablePut(_id: string): Abortable<User> {
        return undefined as unknown as Abortable<User>;
      }

      // @ts-expect-error: and one that removes
      @CacheEvict(users, { key: byId })
      abortableEvict(_id: string): Abortable<void> {
        return undefined as unknown as Abortable<void>;
      }
    }
    void Other;
  });

  it('and not where it promises that what is frozen may be changed', () => {
    class Other {
      // @ts-expect-error: the array is frozen
      @Cached(users, { key: byId })
      async mutable(_id: string): Promise<User> {
        return user;
      }

      // @ts-expect-error: so are plain properties, which TypeScript alone would let pass
      @Cached(flats, { key: byId })
      async flat(_id: string): Promise<Flat> {
        return user;
      }

      // @ts-expect-error: and what is deep inside
      @Cached(users, { key: byId })
      async shallow(_id: string): Promise<Readonly<User>> {
        return user;
      }

      // @ts-expect-error: at every depth
      @Cached(trees, { key: () => 'all' })
      async recursive(): Promise<Tree> {
        return { children: [] };
      }
    }
    void Other;
  });

  it('and not where it is no method of instances', () => {
    class Other {
      // @ts-expect-error: a static method has no instance, and no application
      @Cached(copies, { key: byId })
      static async shared(_id: string): Promise<User> {
        return user;
      }

      // @ts-expect-error: a getter is no method
      @Cached(copies, { key: byId })
      get value(): User {
        return user;
      }

      // @ts-expect-error: a property is no method
      @Cached(copies, { key: byId })
      property = user;
    }
    // @ts-expect-error: a class is no method
    @Cached(copies, { key: byId })
    class Whole {}
    void [Other, Whole];
  });

  it('with its options alone', () => {
    // @ts-expect-error: there is no key
    Cached(users, {});
    // @ts-expect-error: no option of getOrLoad
    Cached(users, { key: byId, ttl: 5 });
    // @ts-expect-error: a time is a number
    Cached(users, { key: byId, ttlMs: '5' });
  });
});

describe('a method fits @CachePut', () => {
  it('where its result can be stored: it is the caller’s own, and may be changed', () => {
    class Fitting {
      @CachePut(users, { key: byId, ttlMs: null })
      async save(_id: string, _roles: string[]): Promise<User> {
        return user;
      }

      @CachePut(users, { key: byId })
      async saveAs<T extends User>(_id: string, own: T): Promise<T> {
        return own;
      }

      @CachePut(users, { keyOfResult: ({ id }: User) => id })
      async create(_roles: string[]): Promise<User> {
        return user;
      }

      @CachePut(pairs, { keyOfResult: (sum: number, name: string) => [sum, name] })
      async both(_name: string): Promise<number | undefined> {
        return 1;
      }
    }
    expectTypeOf<Fitting['save']>().returns.resolves.toEqualTypeOf<User>();
  });

  it('and not otherwise', () => {
    class Other {
      // @ts-expect-error: no value of the namespace
      @CachePut(users, { key: byId })
      async otherResult(_id: string): Promise<number> {
        return 1;
      }

      // @ts-expect-error: the key is made of a string
      @CachePut(users, { key: byId })
      async otherParameter(_id: number): Promise<User> {
        return user;
      }

      // @ts-expect-error: the result has no name
      @CachePut(users, { keyOfResult: ({ name }: { name: string }) => name })
      async unnamed(): Promise<User> {
        return user;
      }

      // @ts-expect-error: the parameter behind the result is a number
      @CachePut(users, { keyOfResult: (_user: User, id: string) => id })
      async otherParameterOfResult(_id: number): Promise<User> {
        return user;
      }

      // @ts-expect-error: a write has an acknowledgement to wait for
      @CachePut(users, { key: byId })
      synchronous(_id: string): User {
        return user;
      }
    }
    void Other;
    // @ts-expect-error: one of the two
    CachePut(users, { key: byId, keyOfResult: byId });
    // @ts-expect-error: nothing is loaded
    CachePut(users, { key: byId, timeoutMs: 5 });
  });
});

describe('a method fits @CacheEvict', () => {
  it('whatever it promises', () => {
    class Fitting {
      @CacheEvict(users, { key: byId })
      @CacheEvict(pairs, { all: true, before: true })
      async remove(_id: string, _reason: string): Promise<void> {}

      @CacheEvict(pairs, { prefix: (chat: number) => [chat] })
      async removeChat(_chat: number): Promise<number> {
        return 1;
      }

      @CacheEvict(users, { prefix: byId })
      async removeAllOf(_tenant: string): Promise<User[]> {
        return [];
      }
    }
    expectTypeOf<Fitting['removeChat']>().returns.resolves.toEqualTypeOf<number>();
  });

  it('and not where it promises nothing, or the key is not of its parameters', () => {
    class Other {
      // @ts-expect-error: a removal has an acknowledgement to wait for
      @CacheEvict(users, { all: true })
      synchronous(): void {}

      // @ts-expect-error: the key is made of a string
      @CacheEvict(users, { key: byId })
      async otherParameter(_id: number): Promise<void> {}

      // @ts-expect-error: no beginning of a key
      @CacheEvict(pairs, { prefix: (name: string) => [name] })
      async otherPrefix(_name: string): Promise<void> {}
    }
    void Other;
    // @ts-expect-error: keys that are numbers have no prefix
    CacheEvict(dates, { prefix: (id: number) => id });
    // @ts-expect-error: nothing is named
    CacheEvict(users, {});
    // @ts-expect-error: two things are named
    CacheEvict(users, { all: true, key: byId });
    // @ts-expect-error: all or none
    CacheEvict(users, { all: false });
  });
});
