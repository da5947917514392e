// Holds the write lock of a SQLite file, as another program would, until its standard input ends.
import sqlite3 from 'sqlite3';

const [database] = process.argv.slice(2);
const connection = new sqlite3.Database(database);
connection.exec('BEGIN EXCLUSIVE', (error) => {
  if (error !== null) throw error;
  console.log('locked');
});
process.stdin.resume().on('end', () => connection.exec('COMMIT', () => process.exit()));
