import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { CompressionAdapter, DeserializedData } from 'keyv';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** A compression as those that Keyv has: texts as base64 of what gzip makes of them. */
export const gzipCompression: CompressionAdapter = {
  async compress(value: unknown): Promise<unknown> {
    if (value === undefined || value === null) return value;
    return (await zip(JSON.stringify(value))).toString('base64');
  },

  async decompress(value: unknown): Promise<unknown> {
    if (typeof value !== 'string') return value;
    return JSON.parse((await unzip(Buffer.from(value, 'base64'))).toString()) as unknown;
  },

  async serialize<Value>({ value, expires }: DeserializedData<Value>): Promise<string> {
    return JSON.stringify({ value: await gzipCompression.compress(value), expires });
  },

  async deserialize<Value>(data: string): Promise<DeserializedData<Value>> {
    const { value, expires } = JSON.parse(data) as DeserializedData<Value>;
    return { value: (await gzipCompression.decompress(value)) as Value, expires };
  },
};
