import { describe, expectTypeOf, it } from 'vitest';
import { json, type JsonOf, type JsonValue, type ValueCodec } from '../../src/index.js';

declare const brand: unique symbol;

interface Address {
  street: string;
  zip?: number;
}

interface User {
  id: number;
  name: string | null;
  address: Address;
  roles: readonly string[];
  nickname?: string | undefined;
}

type UserId = string & { readonly [brand]: 'UserId' };
type Branded = { total: number } & { readonly [brand]: 'Money' };

enum Colour {
  Red,
  Green = 'green',
}

type Event = { kind: 'joined'; user: User } | { kind: 'left'; at: number };

interface Tree {
  name: string;
  parent?: Tree;
  children: Tree[];
  byName: Record<string, Tree>;
}

type List = { head: string; tail: List } | null;

type Nodes = string | readonly Nodes[] | { [name: string]: Nodes };
type Path = [string, ...Path[]];
type Chain = [string, Chain | null, Chain?];
type DatedChain = [Date, DatedChain?];

/** Data alone. */
class Dto {
  id = 1;
  name = '';
  address: Address | undefined;
  private secret = '';

  constructor() {
    void this.secret;
  }
}

interface Loose {
  // oxlint-disable-next-line typescript/no-explicit-any -- what is declared so compiles
  [name: string]: any;
}

interface Dated extends Loose {
  at?: Date;
}

interface Dates extends Loose {
  [index: number]: Date;
}

interface Deep {
  list: { pair: [string, { when: Date }] }[];
}

interface DeepTree {
  at?: Date;
  children: DeepTree[];
}

class Account {
  balance = 0;
  deposit(amount: number): void {
    this.balance += amount;
  }
}

describe('json<T>()', () => {
  it('takes what JSON brings back as it was', () => {
    expectTypeOf(json<User>()).toEqualTypeOf<ValueCodec<User>>();
    json<string>();
    json<number>();
    json<boolean | null>();
    json<'a' | 'b'>();
    json<`user:${string}`>();
    json<Colour>();
    json<Address>();
    json<Event>();
    json<Event[]>();
    json<[string, number]>();
    json<[name: string, age?: number]>();
    json<readonly [string, ...number[]]>();
    json<readonly User[]>();
    json<Record<string, number>>();
    json<Record<'a' | 'b', User>>();
    json<Partial<User>>();
    json<Required<User>>();
    json<Readonly<Record<string, readonly Address[]>>>();
    json<Record<string, string | undefined>>();
    json<JsonValue>();
    json<Dto>();
    json<{ of: Dto[] }>();
    json<Account['balance']>();
  });

  it('takes brands, on texts and on objects', () => {
    json<UserId>();
    json<Branded>();
    json<{ owner: UserId; total: Branded }>();
    json<number & { __brand: 'Metres' }>();
  });

  it('takes recursive types', () => {
    json<Tree>();
    json<Tree[]>();
    json<List>();
    expectTypeOf<Tree>().toExtend<JsonOf<Tree>>();
    json<JsonValue[]>();
    json<Record<string, JsonValue>>();
    json<Nodes>();
    json<Path>();
    json<Chain>();
  });

  it('leaves what only run time can tell to run time', () => {
    json();
    expectTypeOf(json()).toEqualTypeOf<ValueCodec<unknown>>();
    json<unknown>();
    // oxlint-disable-next-line typescript/no-explicit-any -- what is declared so compiles, too
    json<any>();
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    json<{ payload: any; list: any[] }>();
    json<{ payload: unknown }>();
    json<Record<string, unknown>>();
    json<object>();
    json<unknown[]>();
    json<{ title?: string; [field: string]: unknown }>();
  });

  it('does not take what JSON turns into something else', () => {
    // @ts-expect-error: a Date comes back as text
    json<Date>();
    // @ts-expect-error: anywhere inside
    json<{ createdAt: Date }>();
    // @ts-expect-error: optional or not
    json<{ createdAt?: Date }>();
    // @ts-expect-error: or nullable
    json<{ createdAt: Date | null }>();
    // @ts-expect-error: at any depth
    json<Deep>();
    // @ts-expect-error: in a recursive type
    json<DeepTree>();
    // @ts-expect-error: in a recursive tuple
    json<DatedChain>();
    // @ts-expect-error: beside what only run time can tell
    json<Loose & { at: Date }>();
    // @ts-expect-error: optional or not, and at any depth
    json<{ of: [string, Dated[]] }>();
    // @ts-expect-error: or where the name is a number
    json<Dates>();
    // @ts-expect-error: in one case of a union
    json<{ kind: 'a' } | { kind: 'b'; at: Date }>();
    // @ts-expect-error: in an array
    json<Date[]>();
    // @ts-expect-error: in a tuple
    json<readonly [string, Date]>();
    // @ts-expect-error: in what is optional in one
    json<[string, Date?]>();
    // @ts-expect-error: in the rest of one
    json<[string, ...Date[]]>();
    // @ts-expect-error: in a record
    json<Record<string, Date>>();
    // @ts-expect-error: a Map comes back empty
    json<Map<string, number>>();
    // @ts-expect-error: so does a Set
    json<{ tags: Set<string> }>();
    // @ts-expect-error: or one that is only read
    json<{ tags: ReadonlySet<string>; byName: ReadonlyMap<string, number> }>();
    // @ts-expect-error: a bigint has no JSON
    json<{ total: bigint }>();
    // @ts-expect-error: a function is left out
    json<{ format: () => string }>();
    // @ts-expect-error: so is one that may be there
    json<{ format?: () => string }>();
    // @ts-expect-error: or a class
    json<{ type: typeof Account }>();
    // @ts-expect-error: or a symbol
    json<{ id: symbol }>();
    // @ts-expect-error: a typed array comes back as an object
    json<{ bytes: Uint8Array }>();
    // @ts-expect-error: so does a Buffer
    json<Buffer>();
    // @ts-expect-error: and a Float64Array
    json<Float64Array[]>();
    // @ts-expect-error: an instance comes back without its methods
    json<Account>();
    // @ts-expect-error: a regular expression comes back empty
    json<{ pattern: RegExp }>();
    // @ts-expect-error: undefined is no value
    json<string | undefined>();
    // @ts-expect-error: in an array it comes back as null
    json<(string | undefined)[]>();
    // @ts-expect-error: in a tuple, too
    json<[string | undefined]>();
  });

  it('takes any type with a reviver, or unchecked', () => {
    const reviver = (_name: string, value: unknown): unknown => value;
    expectTypeOf(json<{ at: Date }>({ reviver })).toEqualTypeOf<ValueCodec<{ at: Date }>>();
    json<{ at: Date }>({ replacer: reviver, reviver });
    json<{ at: Date }>({ unchecked: true });
    json<{ id: number }>({ replacer: reviver });
    json<{ id: number }>({});
    // @ts-expect-error: a replacer says nothing of what comes back
    json<{ at: Date }>({ replacer: reviver });
    // @ts-expect-error: it is checked
    json<{ at: Date }>({ unchecked: false });
    // @ts-expect-error: a misspelt option
    json<{ id: number }>({ revivre: reviver });
  });

  it('takes an open type unchecked, and only so', () => {
    function codecOf<T>(): ValueCodec<T> {
      return json<T>({ unchecked: true });
    }
    function checked<T>(): ValueCodec<T> {
      // @ts-expect-error: nobody knows yet what T is
      return json<T>();
    }
    expectTypeOf(codecOf<Date>()).toEqualTypeOf<ValueCodec<Date>>();
    void checked;
  });
});
