import type { ValueCodec } from '../index.js';

/** Tells the codec that one subpath declares its namespaces with from all others, of whichever copy of this package. */
export class CodecMark {
  readonly #symbol: symbol;

  constructor(name: string) {
    this.#symbol = Symbol.for(`nestjs-durable-cache:${name}`);
  }

  /** The codec with the mark. */
  on<V>(codec: ValueCodec<V>): ValueCodec<V> {
    return Object.freeze({ ...codec, [this.#symbol]: true });
  }

  isOn(codec: unknown): boolean {
    return typeof codec === 'object' && codec !== null && this.#symbol in codec;
  }
}
