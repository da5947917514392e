import { createRequire } from 'node:module';

/** Whether TypeORM reaches PostgreSQL through pg-native: it does wherever it finds it. */
export function usesPgNative({ nativeDriver }: { readonly nativeDriver?: unknown }): boolean {
  if (nativeDriver !== undefined) return true;
  try {
    createRequire(createRequire(import.meta.url).resolve('typeorm')).resolve('pg-native');
    return true;
  } catch {
    return false;
  }
}
