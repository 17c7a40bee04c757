/**
 * The reports of runs in one file, so that a lesson can show what longer runs reached.
 */
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {Record<string, unknown> & {names: string[], settings: Record<string, string>}} Report */

/**
 * @param {string} folder whose folders are runs
 * @param {string} file JSON, one record a run that ended
 * @returns {number} how many
 */
export function collectReports(folder, file) {
  const runs = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
  const records = runs.flatMap(run => {
    const report = path.join(folder, run, 'report.json');
    if (!fs.existsSync(report)) return [];
    const {names, settings, ...numbers} = /** @type {Report} */ (
      JSON.parse(fs.readFileSync(report, 'utf8'))
    );
    return [{names: names.join(' '), width: Number(settings['width']), ...numbers}];
  });
  fs.writeFileSync(file, `${JSON.stringify(records, null, 2)}\n`);
  return records.length;
}
