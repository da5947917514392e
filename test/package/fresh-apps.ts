import { FreshApp } from './support/fresh-app.js';

/** The applications that people have: as the Nest CLI makes them, with what they then choose themselves. */
export const freshApps = [
  new FreshApp({
    name: 'Nest 11, tsc, Jest 30, sqlite3',
    cli: '11',
    packages: ['typeorm@0.3', 'sqlite3'],
  }),
  new FreshApp({
    name: 'Nest 11, tsc, Jest 29, better-sqlite3',
    cli: '11',
    // As it was made when that was the newest, not changed to it afterwards.
    make: ['--skip-install'],
    packages: ['typeorm', 'better-sqlite3'],
    devPackages: ['jest@29', '@types/jest@29', 'ts-jest@29'],
  }),
  new FreshApp({
    name: 'Nest 11, webpack, Jest 30, better-sqlite3',
    cli: '11',
    packages: ['typeorm', 'better-sqlite3'],
    build: ['--builder', 'webpack'],
  }),
  new FreshApp({
    name: 'Nest 11, SWC, Jest 30, sqlite3',
    cli: '11',
    packages: ['typeorm@0.3', 'sqlite3'],
    devPackages: ['@swc/cli', '@swc/core'],
    build: ['--builder', 'swc', '--type-check'],
  }),
  new FreshApp({
    name: 'Nest 12, tsc, Vitest, better-sqlite3',
    cli: '12',
    make: ['--no-observe'],
    packages: ['typeorm', 'better-sqlite3'],
  }),
];
