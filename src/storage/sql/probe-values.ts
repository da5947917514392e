/** Texts that databases like to write in their own way. JSON all of them: a table that takes nothing else is good enough for it. */
export const PROBE_VALUES = ['"A"', '1.0', '{ "b":1, "a":1e2 }', '"\u00e9 "', ' "2026-01-02"', '"a"', '1.0'];
