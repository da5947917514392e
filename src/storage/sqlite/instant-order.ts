/** Numbers as numbers or as texts of digits. */
const isNumber = (column: string): string => `typeof(${column}) IN ('integer', 'real')
    OR typeof(${column}) = 'text' AND trim(${column}) GLOB '[0-9]*' AND trim(${column}) NOT GLOB '*[^0-9.]*'`;
/** With the zone's colon, as SQLite wants it: `+0200` is a zone to others. */
const textOf = (column: string): string => `CASE WHEN trim(${column}) GLOB '*:*[+-][0-9][0-9][0-9][0-9]'
    THEN substr(trim(${column}), 1, length(trim(${column})) - 2) || ':' || substr(trim(${column}), -2)
    ELSE trim(${column}) END`;

/** The expression for the milliseconds that `column`, quoted, means: those that `instantOf` tells, else NULL. */
export function instantIn(column: string): string {
  const number = `CAST(${column} AS REAL)`;
  // SQLite reads the 30th of February as a day in March.
  const day = `substr(trim(${column}), 1, 10)`;
  return `CASE WHEN ${isNumber(column)}
  THEN CASE WHEN ${number} >= 1721059.5 AND ${number} < 5373484.5 THEN round((${number} - 2440587.5) * 86400000)
    WHEN ${number} >= 1e8 AND ${number} < 1e11 THEN round(${number} * 1000)
    WHEN ${number} >= 1e11 AND ${number} < 1e14 THEN round(${number}) END
  WHEN typeof(${column}) = 'text' AND ${day} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
    AND date(julianday(${day})) = ${day}
  THEN round((julianday(upper(${textOf(column)})) - 2440587.5) * 86400000) END`.replaceAll(/\s+/g, ' ');
}

/**
 * Orders rows by the instants of `updated_at`, oldest first: the stored forms of times don't compare directly. Rows without
 * a readable time come first.
 */
export const BY_INSTANT = `${instantIn('"updated_at"')}, "updated_at"`;
