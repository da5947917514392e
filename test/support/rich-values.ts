import fc from 'fast-check';

const BINARY = [
  fc.uint8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  // A view of a part of what it shares with others.
  fc.uint8Array({ minLength: 3 }).map((bytes) => Buffer.from(bytes).subarray(1, -1)),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
];

const ERRORS = [Error, TypeError, RangeError, SyntaxError];

/** Values of every kind that `rich()` keeps, inside one another. */
export function richValues(): fc.Arbitrary<unknown> {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.constantFrom(NaN, Infinity, -Infinity, -0, undefined, null, true, false),
        fc.bigInt(),
        // Two invalid dates are not equal to Node: a test of its own looks at one.
        fc.date({ noInvalidDate: true }),
        fc
          .constantFrom(/x/, /[/\]]\//giu, /^a$/dmsy, new RegExp(''))
          .map(({ source, flags }) => new RegExp(source, flags)),
        ...BINARY,
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(names(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
      fc.array(tie('value'), { maxLength: 3 }).map((elements) => new Set(elements)),
      fc
        .record({
          type: fc.constantFrom(...ERRORS),
          message: fc.string(),
          cause: tie('value'),
          code: tie('value'),
        })
        .map(({ type, message, cause, code }) => Object.assign(new type(message, { cause }), { code })),
    ),
  }));
  return value;
}

/** Names of properties: those of tags, and those that mean something to an object. */
function names(): fc.Arbitrary<string> {
  const special = [
    '$date',
    '$$date',
    '$',
    '$map',
    '$undefined',
    '$later',
    '__proto__',
    'constructor',
    'toString',
  ];
  return fc.oneof(fc.string(), fc.constantFrom(...special));
}
