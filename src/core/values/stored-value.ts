import type { Stamp } from '../storage-adapter.js';
import { makeShared } from './copying-codec.js';
import type { ValueCodec } from './value-codec.js';

/**
 * A value as it was at the moment of its write: the stored text, decoded when first asked for, with its expiry and the stamp
 * of its row. Nobody else holds what it decodes to, so it can be frozen and shared.
 */
export class StoredValue<V> {
  readonly #text: string;
  #shared: { readonly value: V } | undefined;

  constructor(
    text: string,
    /** Wall-clock ms; `null` for never. */
    readonly expiresAt: number | null,
    /** Of the row that holds it; `undefined` where there is none yet, or nobody keeps it. */
    readonly stamp?: Stamp,
  ) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** The value: one frozen object for all, or a fresh one at each call where it can't be frozen, or may not. */
  read(codec: ValueCodec<V>): V {
    if (this.#shared !== undefined) return this.#shared.value;
    const value = codec.decode(this.text);
    if (makeShared(value, codec)) this.#shared = { value };
    return value;
  }

  /** Whether {@link read} gave the one frozen object. */
  get isShared(): boolean {
    return this.#shared !== undefined;
  }
}

/** The snapshot of a value that is in memory without its text, which is made anew when it is asked for. */
export class HeldValue<V> extends StoredValue<V> {
  constructor(
    private readonly value: V,
    expiresAt: number | null,
    private readonly codec: ValueCodec<V>,
    stamp?: Stamp,
  ) {
    super('', expiresAt, stamp);
  }

  override get text(): string {
    return this.codec.encode(this.value);
  }

  override read(): V {
    return this.value;
  }
}
