import type { Filling } from './column-shape.js';

/** A literal as catalogues show it, with what says of which kind it is: `'x'`, `_utf8mb4'x'`, `X'00'`, `-1`, `1e3`, `true`. */
const LITERAL =
  /^(?:(?:[a-z]|_\w+ ?)?'(?:[^']|'')*'|"(?:[^"]|"")*"|[-+]?(?:0x[\da-f]+|[\d.]+(?:e[-+]?\d+)?)|true|false)$/i;
/** The number, in quotes or without. */
const ZERO = /^(')?[-+]?0+(?:\.0*)?\1?$/;
/** PostgreSQL's way to say of which type it is: `'x'::character varying(9)`. */
const CAST = /:{2,3}[^':]+$/;

/** What the default of a column, written in SQL, gives a row that names no value. Whatever is no literal is unknown. */
export function fillingOf(fallback: string | null, isNullable: boolean): Filling {
  const value = fallback === null ? 'null' : bare(fallback);
  if (/^null$/i.test(value)) return isNullable ? 'null' : 'none';
  return LITERAL.test(value) ? fillingWith(value) : 'unknown';
}

/** What a literal gives a row that names no value. */
export function fillingWith(literal: string): Filling {
  return ZERO.test(literal) ? 'zero' : 'the same in each row';
}

/** Without casts, and the brackets around all of it. */
function bare(expression: string): string {
  const text = expression.trim();
  const inner = /^\(([^()]*(?:\(\d+(?:,\d+)?\)[^()]*)?)\)$/.exec(text)?.[1] ?? text.replace(CAST, '');
  return inner === text ? text : bare(inner);
}
