import type { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { afterEach, expect, it, vi } from 'vitest';
import { Cached, defineNamespace, json, stringKey } from '../../../src/index.js';
import { CacheTesting, CacheTestingModule } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { Gate } from '../../support/gate.js';
import { startApp } from '../../support/nest-app.js';

const numbers = defineNamespace({ name: 'numbers', key: stringKey(), value: json<number>() });
const key = (name: string): string => name;

let app: Awaited<ReturnType<typeof startApp>> | undefined;

async function instanceOf<T>(type: new () => T): Promise<T> {
  Injectable()(type);
  class LoadsModule {}
  app = await startApp([
    CacheTestingModule.forRoot({ namespaces: [numbers], chatNamespaces: false }),
    { module: LoadsModule, providers: [type] },
  ]);
  return app.get(type);
}

afterEach(() => app?.close());

it('loads that would wait for each other run the plain method, over any number of keys', async () => {
  class Ring {
    @Cached(numbers, { key })
    async hops(from: string, left: number): Promise<number> {
      await begun(from);
      if (left === 0) return 0;
      const next = { a: 'b', b: 'c', c: 'a' }[from] as string;
      return 1 + (await this.hops(next, left - 1));
    }
  }
  // All three are under way before one of them goes on.
  const under = new Set<string>();
  const gate = new Gate();
  const begun = (name: string): Promise<void> => {
    under.add(name);
    if (under.size === 3) gate.open();
    return gate.opened;
  };
  const ring = await instanceOf(Ring);
  const hops = await Promise.all([ring.hops('a', 2), ring.hops('b', 2), ring.hops('c', 2)]);
  expect(hops.every((count) => count >= 2)).toBe(true);
  expect(await ring.hops('a', 0)).toBe(hops[0]);
});

it('a load whose parts need each other waits for neither for ever', async () => {
  class Tree {
    readonly parts: Record<string, string[]> = { root: ['a', 'b'], a: ['b'], b: ['a'] };

    @Cached(numbers, { key })
    async size(name: string, above: string[] = []): Promise<number> {
      if (above.includes(name)) return 0;
      const sizes = (this.parts[name] ?? []).map((part) => this.size(part, [...above, name]));
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 1);
    }
  }
  expect(await (await instanceOf(Tree)).size('root')).toBeGreaterThanOrEqual(3);
});

it('a method that another copy of this package has decorated does not wait for the load that calls it', async () => {
  vi.resetModules();
  const other = await import('../../../src/index.js');
  class Base {
    @other.Cached(numbers, { key })
    async find(_name: string): Promise<number> {
      return 1;
    }
  }
  class Facts extends Base {
    @Cached(numbers, { key })
    override async find(name: string): Promise<number> {
      return 1 + (await super.find(name));
    }
  }
  expect(await (await instanceOf(Facts)).find('a')).toBe(2);
});

it('a load that was given up is over: what it has set going is cached again', async () => {
  const gate = new Gate();
  let later: Promise<number[]> | undefined;
  class Slow {
    runs = 0;

    @Cached(numbers, { key, timeoutMs: 50 })
    async find(name: string): Promise<number> {
      this.runs += 1;
      if (this.runs > 1) return this.runs;
      later = gate.opened.then(async () => [await this.find(name), await this.find(name)]);
      return new Promise<never>(() => undefined);
    }
  }
  const slow = await instanceOf(Slow);
  const { clock } = (app as NonNullable<typeof app>).get(CacheTesting);
  await expect(clock.advanceUntil(slow.find('a'))).rejects.toThrow(errorWith('LOAD_TIMED_OUT'));
  gate.open();
  expect(await later).toEqual([2, 2]);
});

it.each([0, 2])(
  'loads that set the next one going and end %i turns later leave no chain behind',
  async (turns) => {
    interface Link {
      readonly within: Link | undefined;
    }
    // Only there it shows: it is memory and time that a chain costs.
    const { innermost } = Reflect.get(globalThis, Symbol.for('nestjs-durable-cache:loads')) as {
      innermost: AsyncLocalStorage<Link>;
    };
    const end = new Gate();
    let longest = 0;
    class Chain {
      @Cached(numbers, { key })
      async load(name: string): Promise<number> {
        let length = 0;
        for (let link = innermost.getStore(); link !== undefined; link = link.within) length += 1;
        longest = Math.max(longest, length);
        const number = Number(name);
        if (number === 200) end.open();
        else setImmediate(() => void this.load(String(number + 1)));
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return number;
      }
    }
    void (await instanceOf(Chain)).load('0');
    await end.opened;
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(10);
  },
);

// From Node.js 24 on nothing is watched for it, and what a load has set going keeps its store.
it.skipIf(Number.parseInt(process.versions.node, 10) >= 24)(
  'loads have Node.js watch the promises of the process for as long as one is under way',
  async () => {
    const { innermost } = Reflect.get(globalThis, Symbol.for('nestjs-durable-cache:loads')) as {
      innermost: AsyncLocalStorage<object>;
    };
    const ends = { a: new Gate(), b: new Gate() };
    const later = new Gate();
    const left: Promise<object | undefined>[] = [];
    class Slow {
      @Cached(numbers, { key })
      async find(name: 'a' | 'b'): Promise<number> {
        left.push(later.opened.then(() => innermost.getStore()));
        await ends[name].opened;
        expect(innermost.getStore()).toBeDefined();
        return 1;
      }
    }
    const slow = await instanceOf(Slow);
    const [a, b] = [slow.find('a'), slow.find('b')];
    ends.a.open();
    await a;
    ends.b.open();
    await b;
    later.open();
    expect(await Promise.all(left)).toEqual([undefined, undefined]);
  },
);
