// Prints the ten slowest tests of all programs that ran; used by scripts/test.
//
//   node test-slowest.mjs FOLDER-OF-REPORTS
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const read = file => { try { return JSON.parse(readFileSync(file, 'utf8')).results.tests; } catch { return []; } };
const folder = process.argv[2];
const tests = readdirSync(folder)
  .filter(name => name.endsWith('.json'))
  .flatMap(name => read(join(folder, name)).map(test => ({ program: name.slice(0, -'.json'.length).replaceAll('_', ' '), name: test.name, seconds: test.duration / 1000 })));

console.log('The ten slowest:');
for (const test of tests.sort((a, b) => b.seconds - a.seconds).slice(0, 10))
  console.log(`${test.seconds.toFixed(1).padStart(8)} s  ${test.name.replace(/^DbAccess\.|\n.*/gs, '')} (${test.program})`);
