/** Texts that databases like to take for each other, or for numbers: each is a key of its own. */
export const ALIKE: readonly string[] = [
  'a',
  'A',
  'a ',
  'á',
  'e\u0301',
  'é',
  'ß',
  'ss',
  '😀',
  '😁',
  'x',
  '\ufeffx',
  '7',
  '007',
  '7.0',
];
