import { subpaths } from '../subpaths.js';

describe('the package', () => {
  it.each(Object.entries(subpaths))('has %s', (_name, module) => {
    expect(Object.keys(module)).not.toEqual([]);
  });
});
