/**
 * An object in the place of whatever `current()` gives: who holds it uses the present one. `own` members come before its.
 */
export function standIn<T extends object>(current: () => T, own: Partial<T> = {}): T {
  return new Proxy(own as T, {
    get(mine, name): unknown {
      // What a spy has put there, too.
      if (Object.hasOwn(mine, name)) return Reflect.get(mine, name);
      const target = current();
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
    has: (mine, name) => Object.hasOwn(mine, name) || Reflect.has(current(), name),
  });
}
