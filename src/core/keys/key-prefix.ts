/**
 * What keys of type `K` may begin with: the first elements of a tuple (none of them, or all), any beginning of a string.
 * Keys of other types have no prefix.
 */
export type KeyPrefix<K> = K extends string ? string : K extends readonly unknown[] ? LeadingPart<K> : never;

type LeadingPart<T extends readonly unknown[]> = T extends readonly [...infer Rest, unknown]
  ? Readonly<T> | LeadingPart<Rest>
  : readonly [];
