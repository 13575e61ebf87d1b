// Compares the tests that failed in one run with a second run of them by themselves; used by scripts/test.
//
//   node test-second-try.mjs NAME REPORT SECOND-REPORT TALLY
//
// Each that passes now is named, and a line in TALLY moves it from the failed to the passed. What did not run does not pass.
import { appendFileSync, readFileSync } from 'node:fs';

const [name, report, secondReport, tally] = process.argv.slice(2);
const read = file => { try { return JSON.parse(readFileSync(file, 'utf8')).results.tests; } catch { return []; } };
const failed = read(report).filter(test => test.status === 'failed');
const passedNow = new Set(read(secondReport).filter(test => test.status === 'passed').map(test => test.name));

const healed = failed.filter(test => passedNow.has(test.name));
for (const test of failed) console.log(`${passedNow.has(test.name) ? 'ok, but only at a second try by itself' : 'FAILED again'}: ${test.name} (${name})`);
appendFileSync(tally, `${healed.length} ${-healed.length} 0\n`);
