import { kindOf, type Kind } from './kinds.js';

/** What a codec keeps. */
export interface Keeping {
  readonly kinds: ReadonlySet<Kind>;
  /** Levels of nesting that it takes. */
  readonly maxDepth: number;
}

/** What of a value a codec does not keep, and where it is. */
export interface Problem {
  readonly kind: Kind | 'hole' | 'cycle' | 'depth';
  /** From the whole value: `value.items[3].at`. */
  readonly path: string;
  readonly value: unknown;
}

/** A step from a value to one inside it: a property, an index, or words for what has no such name. */
type Step = readonly [name: string | number, value: unknown, isNamed: boolean];

/** A value whose insides are being looked at. */
interface Visit {
  readonly node: object;
  readonly steps: Iterator<Step>;
  name: Step | undefined;
}

/**
 * The first thing in `value` that a codec with these rules would lose or alter, in the order in which it is written;
 * `undefined` where there is none. Iterative: what is nested deeper than the stack is told of as anything else.
 */
export function findProblem(value: unknown, keeping: Keeping): Problem | undefined {
  const visits: Visit[] = [];
  const open = new Set<object>();

  const problemOf = (child: unknown, holder: Kind | undefined): Problem['kind'] | undefined => {
    const kind = kindOf(child);
    if (kind === 'undefined' && holder === 'object') return undefined;
    if (!keeping.kinds.has(kind)) return kind;
    if (typeof child !== 'object' || child === null || kind === 'bytes') return undefined;
    if (open.has(child)) return 'cycle';
    if (visits.length >= keeping.maxDepth) return 'depth';
    open.add(child);
    visits.push({ node: child, steps: stepsInto(child, kind), name: undefined });
    return undefined;
  };
  const found = (kind: Problem['kind'], child: unknown): Problem => ({
    kind,
    path: pathOf(visits),
    value: child,
  });

  const whole = value === undefined ? 'undefined' : problemOf(value, undefined);
  if (whole !== undefined) return found(whole, value);
  for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
    const next = visit.steps.next();
    if (next.done === true) {
      visits.pop();
      open.delete(visit.node);
      continue;
    }
    visit.name = next.value;
    const [name, child] = next.value;
    if (typeof name === 'number' && !(name in visit.node)) return found('hole', child);
    const depth = visits.length;
    const kind = problemOf(child, Array.isArray(visit.node) ? 'array' : 'object');
    if (kind !== undefined) {
      visits.length = depth;
      return found(kind, child);
    }
  }
  return undefined;
}

function* stepsInto(node: object, kind: Kind): Generator<Step> {
  if (Array.isArray(node)) {
    for (let i = 0; i < node.length; i += 1) yield [i, node[i] as unknown, true];
  } else if (kind === 'Map') {
    let i = 0;
    for (const [key, value] of node as Map<unknown, unknown>) {
      yield [`<key ${i}>`, key, false];
      yield [`<value ${i}>`, value, false];
      i += 1;
    }
  } else if (kind === 'Set') {
    let i = 0;
    for (const element of node as Set<unknown>) yield [`<element ${i++}>`, element, false];
  } else {
    const record = node as Record<string, unknown>;
    // Not enumerable where an error was given them.
    if (kind === 'Error')
      for (const name of ['cause', 'errors'])
        if (Object.hasOwn(record, name)) yield [name, record[name], true];
    for (const name of Object.keys(record)) yield [name, record[name], true];
  }
}

const MAX_PATH = 200;

function pathOf(visits: readonly Visit[]): string {
  const path = visits.map(({ name }) => (name === undefined ? '' : stepText(name))).join('');
  const whole = `value${path}`;
  return whole.length > MAX_PATH ? `${whole.slice(0, MAX_PATH)}…` : whole;
}

function stepText([name, , isNamed]: Step): string {
  if (!isNamed) return name as string;
  if (typeof name === 'number') return `[${name}]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
