import type { Command } from 'commander';
import type { CommandIo } from '../command-io.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { JSON_OPTION } from '../form.js';
import { listKeys, listsKeys, type ListOptions } from '../key-list.js';
import { reading } from '../reading.js';

/** Adds `scan`. */
export function addScan(program: Command, io: CommandIo): void {
  listsKeys(takesDatabase(program.command('scan')))
    .summary('list the keys of a namespace')
    .description(
      'Lists keys of a namespace in the order of their bytes, with the bytes of their values, when they were written and when they ' +
        'expire. What has expired is left out.',
    )
    .argument('<namespace>', 'the name of one namespace')
    .option(...JSON_OPTION)
    .action((namespace: string, options: DatabaseOption & ListOptions) =>
      reading(databaseOf(options, io), (storage) => listKeys(storage, namespace, options, io)),
    );
}
