const MS_PER_DAY = 86_400_000;
/** The Julian day of 1970-01-01T00:00Z. */
const JULIAN_EPOCH = 2_440_587.5;
/** The years 0 to 9999, which SQLite's own functions know as Julian days. */
const JULIAN_DAYS = { from: 1_721_059.5, to: 5_373_484.5 } as const;
/** Seconds from 1973 on are below the milliseconds of that year. */
const SECONDS = { from: 1e8, to: 1e11 } as const;
const MILLISECONDS = { from: 1e11, to: 1e14 } as const;

const TEXT =
  /^(?<date>\d{4}-\d\d-\d\d|[+-]\d{6}-\d\d-\d\d)(?:[ T](?<minute>\d\d:\d\d)(?<second>:\d\d)?(?:\.(?<fraction>\d+))?)?\s*(?<zone>Z|[+-]\d\d:?\d\d)?$/i;

/**
 * The wall-clock ms that a time in a SQLite column is, in any of the forms that programs store there: a text with or without
 * a zone (without, it is UTC, as for SQLite), seconds or milliseconds since 1970, a Julian day. `undefined` where it can't
 * be told.
 */
export function instantOf(stored: unknown): number | undefined {
  if (typeof stored === 'number') return fromNumber(stored);
  if (typeof stored !== 'string') return undefined;
  const text = stored.trim();
  return /^\d+(?:\.\d+)?$/.test(text) ? fromNumber(Number(text)) : fromText(text);
}

function fromNumber(value: number): number | undefined {
  if (isWithin(value, JULIAN_DAYS)) return Math.round((value - JULIAN_EPOCH) * MS_PER_DAY);
  if (isWithin(value, SECONDS)) return Math.round(value * 1000);
  return isWithin(value, MILLISECONDS) ? Math.round(value) : undefined;
}

function isWithin(value: number, { from, to }: { readonly from: number; readonly to: number }): boolean {
  return value >= from && value < to;
}

function fromText(text: string): number | undefined {
  const found = TEXT.exec(text)?.groups;
  if (found === undefined) return undefined;
  const { date = '', minute = '00:00', second = ':00', fraction = '', zone = 'Z' } = found;
  const local = `${date}T${minute}${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const ms = Date.parse(local);
  // Date.parse takes the 30th of February for a day in March.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== local) return undefined;
  return ms - offsetOf(zone);
}

function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
