import { endianness } from 'node:os';

/** Binary data as text: its class, and its bytes as base64, those of each number in little-endian order. */
export type BytesRecord = readonly [type: string, base64: string];

/** The classes by name, and how many bytes a number of each takes. `Float16Array` where Node.js has it. */
const WIDTHS: Readonly<Record<string, number>> = {
  ArrayBuffer: 1,
  Buffer: 1,
  Int8Array: 1,
  Uint8Array: 1,
  Uint8ClampedArray: 1,
  Int16Array: 2,
  Uint16Array: 2,
  Float16Array: 2,
  Int32Array: 4,
  Uint32Array: 4,
  Float32Array: 4,
  Float64Array: 8,
  BigInt64Array: 8,
  BigUint64Array: 8,
};

type BufferClass = new (bytes: ArrayBuffer) => ArrayBufferView;

export function bytesRecordOf(value: ArrayBufferView | ArrayBuffer): BytesRecord {
  const type = Buffer.isBuffer(value) ? 'Buffer' : Object.prototype.toString.call(value).slice(8, -1);
  // Only what it shows of a buffer that it may share with others.
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
  return [type, inOrder(bytes, WIDTHS[type] ?? 1).toString('base64')];
}

/** Throws for what is no {@link BytesRecord}. */
export function bytesOf([type, base64]: readonly [unknown, unknown]): ArrayBufferView | ArrayBuffer {
  // A list of one text would pass for that text as the name of a property.
  if (typeof type !== 'string' || typeof base64 !== 'string') return refuse();
  const width = Object.hasOwn(WIDTHS, type) ? WIDTHS[type] : undefined;
  const bytes = Buffer.from(base64, 'base64');
  // What is no base64 is left out of the bytes without a word.
  if (width === undefined || bytes.toString('base64') !== base64) return refuse();
  if (type === 'Buffer') return bytes;
  const buffer = new Uint8Array(inOrder(bytes, width)).buffer;
  if (type === 'ArrayBuffer') return buffer;
  return new (Reflect.get(globalThis, type) as BufferClass)(buffer);
}

/** The bytes with those of each number in little-endian order, or back. Other machines than those of that order are rare. */
function inOrder(bytes: Buffer, width: number, order = endianness()): Buffer {
  if (order === 'LE' || width === 1) return bytes;
  const swapped = Buffer.from(bytes);
  if (width === 2) return swapped.swap16();
  return width === 4 ? swapped.swap32() : swapped.swap64();
}

function refuse(): never {
  throw new TypeError('These are no bytes.');
}
