/** Atoms in lists of at most `most` items; one atom alone may have more. */
export function* chunksOf<Atom extends readonly unknown[]>(
  atoms: readonly Atom[],
  most: number,
): Generator<Atom[]> {
  let chunk: Atom[] = [];
  let count = 0;
  for (const atom of atoms) {
    if (count > 0 && count + atom.length > most) {
      yield chunk;
      chunk = [];
      count = 0;
    }
    chunk.push(atom);
    count += atom.length;
  }
  if (chunk.length > 0) yield chunk;
}
