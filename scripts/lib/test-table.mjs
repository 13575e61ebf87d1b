// Prints a table of case by PostgreSQL version from the reports of several runs of one suite; used by scripts/test --all-postgres.
//
//   node test-table.mjs NAMESPACE MARKDOWN VERSION=REPORT …
//
// NAMESPACE keeps the tests whose class is in it; MARKDOWN is a file for the same table, or empty. A case that a version's
// report does not hold is "not run"; so is all of a version that left no report.
import { readFileSync, writeFileSync } from 'node:fs';

const [namespace, markdown, ...reports] = process.argv.slice(2);
const runs = reports
  .map(report => ({ version: report.slice(0, report.indexOf('=')), file: report.slice(report.indexOf('=') + 1) }))
  .sort((a, b) => Number(a.version) - Number(b.version));

const cases = new Map(); // full name → { group, name, outcomes: version → word }
const notes = [];
const tally = Object.fromEntries(runs.map(run => [run.version, { passed: 0, failed: 0, skipped: 0 }]));
for (const { version, file } of runs) {
  let tests = [];
  try { tests = JSON.parse(readFileSync(file, 'utf8')).results.tests; } catch { /* not run: told in its column */ }
  const seen = new Map();
  for (const test of tests) {
    const type = test.extra?.type ?? '';
    if (!type.startsWith(`${namespace}.`)) continue;
    // Rows of a theory whose values are cut short in the report can have one name: counted, so that none hides another.
    const [, method, values] = /^([^(]*)(.*)$/s.exec(test.name.slice(type.length + 1));
    const shown = method.replaceAll('_', ' ') + unescape(values);
    const times = (seen.get(type + shown) ?? 0) + 1;
    seen.set(type + shown, times);
    const name = times === 1 ? shown : `${shown} (${times})`;
    const key = `${type}.${name}`;
    if (!cases.has(key)) cases.set(key, { group: type.slice(namespace.length + 1), name, outcomes: {} });
    const outcome = test.status === 'passed' ? 'passed' : test.status === 'skipped' || test.status === 'pending' ? 'skipped' : 'failed';
    tally[version][outcome]++;
    cases.get(key).outcomes[version] = outcome === 'skipped' ? `skipped ${note(test.extra?.reason ?? test.message ?? 'no reason given')}` : outcome;
  }
}

const sorted = [...cases.values()].sort((a, b) => a.group < b.group ? -1 : a.group > b.group ? 1 : a.name < b.name ? -1 : 1);
const outcome = (one, version) => one.outcomes[version] ?? 'not run';
const sums = runs.map(({ version }) => `${tally[version].passed}/${tally[version].failed}/${tally[version].skipped}`);

const widest = Math.min(100, Math.max(20, ...sorted.map(one => one.name.length + 2)));
const cell = text => String(text).padEnd(12);
console.log(`\n${'case'.padEnd(widest)}  ${runs.map(run => cell(`PG ${run.version}`)).join('').trimEnd()}`);
let group = '';
for (const one of sorted) {
  if (one.group !== group) console.log(group = one.group);
  const name = `  ${one.name}`;
  console.log(`${(name.length > widest ? `${name.slice(0, widest - 1)}…` : name).padEnd(widest)}  ${runs.map(run => cell(outcome(one, run.version))).join('').trimEnd()}`);
}
console.log(`${'passed/failed/skipped'.padEnd(widest)}  ${sums.map(cell).join('').trimEnd()}`);
for (const [index, reason] of notes.entries()) console.log(`[${index + 1}] ${reason}`);
console.log('');

if (markdown) {
  const escape = text => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');
  const row = cells => `| ${cells.join(' | ')} |`;
  const lines = [
    '# Tests of roles by PostgreSQL version', '',
    `Written by \`scripts/test --all-postgres --table\` on ${new Date().toISOString().slice(0, 10)}.`, '',
    row(['case', ...runs.map(run => run.version)]), row(['---', ...runs.map(() => '---')]),
    ...sorted.map(one => row([`${one.group}: ${escape(one.name)}`, ...runs.map(run => outcome(one, run.version))])),
    row(['passed/failed/skipped', ...sums]), '',
    ...notes.map((reason, index) => `[${index + 1}] ${escape(reason)}\n`),
  ];
  writeFileSync(markdown, `${lines.join('\n').trimEnd()}\n`);
}

// Each reason is told once, below the table.
function note(reason) {
  const text = String(reason).trim().split('\n')[0];
  if (!notes.includes(text)) notes.push(text);
  return `[${notes.indexOf(text) + 1}]`;
}

// The report writes the arguments of a theory's row as if for JSON, twice.
function unescape(text) {
  return text.replaceAll('\\\\', '\\').replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}
