/** With the zone's colon, as SQLite wants it: `+0200` is a zone to others. */
const TEXT = `CASE WHEN trim("updated_at") GLOB '*:*[+-][0-9][0-9][0-9][0-9]'
    THEN substr(trim("updated_at"), 1, length(trim("updated_at")) - 2) || ':' || substr(trim("updated_at"), -2)
    ELSE trim("updated_at") END`;
/** SQLite reads the 30th of February as a day in March. */
const DAY = 'substr(trim("updated_at"), 1, 10)';
const IS_NUMBER = `typeof("updated_at") IN ('integer', 'real')
    OR typeof("updated_at") = 'text' AND trim("updated_at") GLOB '[0-9]*' AND trim("updated_at") NOT GLOB '*[^0-9.]*'`;
const NUMBER = 'CAST("updated_at" AS REAL)';

/**
 * The expression that orders rows by the instants of `instantOf`, oldest first: the stored forms of times don't compare
 * directly. Rows without a readable time come first.
 */
export const BY_INSTANT = `CASE WHEN ${IS_NUMBER}
  THEN CASE WHEN ${NUMBER} >= 1721059.5 AND ${NUMBER} < 5373484.5 THEN round((${NUMBER} - 2440587.5) * 86400000)
    WHEN ${NUMBER} >= 1e8 AND ${NUMBER} < 1e11 THEN round(${NUMBER} * 1000)
    WHEN ${NUMBER} >= 1e11 AND ${NUMBER} < 1e14 THEN round(${NUMBER}) END
  WHEN typeof("updated_at") = 'text' AND ${DAY} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
    AND date(julianday(${DAY})) = ${DAY}
  THEN round((julianday(upper(${TEXT})) - 2440587.5) * 86400000) END, "updated_at"`.replaceAll(/\s+/g, ' ');
