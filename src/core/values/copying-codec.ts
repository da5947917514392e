import { freezeDeep } from './freeze.js';
import type { ValueCodec } from './value-codec.js';

/** Marks the codecs of this class, of whichever copy of this package: a definition may come from another one. */
const COPYING = Symbol.for('nestjs-durable-cache:copying');

/** A codec whose values every reader gets a copy of: they are neither frozen nor shared. */
export class CopyingCodec<V> implements ValueCodec<V> {
  readonly plain: boolean;
  readonly [COPYING] = true;

  constructor(private readonly codec: ValueCodec<V>) {
    this.plain = codec.plain === true;
  }

  encode(value: V): string {
    return this.codec.encode(value);
  }

  decode(text: string): V {
    return this.codec.decode(text);
  }

  measure(value: V): number {
    return this.codec.measure?.(value) ?? Buffer.byteLength(this.codec.encode(value));
  }
}

/** Freezes what `codec` has decoded, so that all readers may share it; false where each must be given its own. */
export function makeShared<V>(value: V, codec: ValueCodec<V>): boolean {
  return !(COPYING in codec) && freezeDeep(value);
}
