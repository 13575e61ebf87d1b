// Reads what one test program left behind and prints what a person wants to know of it; used by scripts/test.
//
//   node test-report.mjs NAME REPORT LOG EXIT TOOK FILTERED TALLY AGAIN
//
// Adds "passed failed skipped" as a line to TALLY. A program that crashed, hung, left no report or had no test to run
// counts as one failure, so that the closing line can never be all green when something did not run. Where that is all that
// is wrong, and no more than three tests failed, writes their methods to AGAIN, a line each.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const [name, report, log, exitText, took, filtered, tally, again] = process.argv.slice(2);
const exit = Number(exitText);
const strict = process.env.CI === 'true';
const indent = (text, by = '      ') => String(text).trimEnd().split('\n').map(line => by + line).join('\n');
const tail = () => {
  let lines = [];
  try { lines = readFileSync(log, 'utf8').trimEnd().split('\n'); } catch { /* it never started */ }
  return indent(lines.slice(-60).join('\n'), '    | ');
};

let results = null;
try { results = JSON.parse(readFileSync(report, 'utf8')).results; } catch { /* told below */ }
const tests = results?.tests ?? [];
const skipped = tests.filter(test => test.status === 'skipped' || test.status === 'pending');
const failed = tests.filter(test => test.status !== 'passed' && !skipped.includes(test));
const passed = tests.length - failed.length - skipped.length;
const suiteErrors = (results?.extra?.suites ?? []).flatMap(suite => suite.errors ?? []);

// What is wrong with the run as a whole, beyond the tests that failed in it. Exit codes of Microsoft.Testing.Platform:
// 0 all passed, 2 a test failed, 8 none ran.
const faults = suiteErrors.map(error => `An error outside of any test:\n${indent(typeof error === 'string' ? error : JSON.stringify(error, null, 1))}`);
if (exit === 124 || exit === 137) faults.push(`It did not end in time and was stopped. The end of its output:\n${tail()}`);
else if (!results) faults.push(`It left no report (exit code ${exit}): it crashed or did not start. The end of its output:\n${tail()}`);
else if (tests.length === 0 && filtered !== 'yes') faults.push('It holds no test at all.');
else if (exit === 8 && (skipped.length > 0 ? strict : filtered !== 'yes')) faults.push('Not one of its tests ran.');
else if (exit !== 0 && exit !== 8 && failed.length === 0 && faults.length === 0) faults.push(`It ended with exit code ${exit} although no test failed. The end of its output:\n${tail()}`);

const failures = failed.length + (faults.length > 0 && failed.length === 0 ? 1 : 0);
if (tests.length > 0 || faults.length > 0)
  console.log(`${failures > 0 ? 'FAILED' : 'ok    '} ${name}: ${passed} passed, ${failures} failed, ${skipped.length} skipped in ${took}`);
for (const fault of faults) console.log(`    ${fault}`);
for (const test of failed) {
  console.log(`    failed: ${test.name}`);
  for (const part of [test.message, test.trace, ...(test.stdout ?? []), test.extra?.output]) if (part) console.log(indent(part));
}

// Many tests are often skipped for one reason: said once, with their names below it.
const reasons = Map.groupBy ? Map.groupBy(skipped, reasonOf) : skipped.reduce((map, test) => map.set(reasonOf(test), [...(map.get(reasonOf(test)) ?? []), test]), new Map());
for (const [reason, those] of reasons) {
  console.log(`    skipped: ${reason}`);
  for (const test of those) console.log(`      ${test.name}`);
}
appendFileSync(tally, `${passed} ${failures} ${skipped.length}\n`);

if (faults.length === 0 && failed.length > 0 && failed.length <= 3)
  writeFileSync(again, [...new Set(failed.map(test => test.name.replace(/\(.*/s, '')))].join('\n') + '\n');

function reasonOf(test) {
  return test.extra?.reason ?? test.message ?? 'no reason given';
}
