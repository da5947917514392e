import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Child } from './child-process.js';

const MODULES = resolve(import.meta.dirname, '../../node_modules');

/** Where each supported line of NestJS is installed. */
const NEST_LINES = {
  'Nest 11': join(MODULES, 'nest-11/node_modules/@nestjs'),
  'Nest 12': join(MODULES, '@nestjs'),
};

export type NestLine = keyof typeof NEST_LINES;

export const nestLines = Object.keys(NEST_LINES) as NestLine[];

/** What the package and a script beside it load. */
const LOADED = [
  'better-sqlite3',
  'lru-cache',
  'mysql2',
  'pg',
  'reflect-metadata',
  'rxjs',
  'sqlite3',
  'typeorm',
];

/** Makes `folder` one in which scripts load the package as it is built, on a line of NestJS. */
export function installOn(line: NestLine, folder: string): void {
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'nestjs-durable-cache');
  mkdirSync(installed, { recursive: true });
  // A copy: what is linked is loaded from where it really is, with the Nest that it finds there.
  for (const part of ['dist', 'package.json']) {
    cpSync(resolve(MODULES, '..', part), join(installed, part), { recursive: true });
  }
  symlinkSync(NEST_LINES[line], join(modules, '@nestjs'));
  for (const name of LOADED) symlinkSync(join(MODULES, name), join(modules, name));
}

/** An application in a process of its own: `script` finds what a Nest application needs. */
export function startScript(folder: string, script: string): Child {
  const imports = `
    import 'reflect-metadata';
    import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { CacheModule, CacheService, InMemoryStorage } from 'nestjs-durable-cache';
    import { FaultyStorage } from 'nestjs-durable-cache/testing';`;
  return new Child(process.execPath, ['--input-type=module', '-e', imports + script], { cwd: folder });
}
