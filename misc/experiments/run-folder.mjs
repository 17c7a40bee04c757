/**
 * What a run leaves on the disk: its training's state, written whole, and a log of a line a step.
 * However it is stopped, it goes on from its last checkpoint, exactly.
 */
import fs from 'node:fs';
import path from 'node:path';
import {resumeTraining, saveTraining} from 'latent-lib/training/checkpoint';
import {readSafetensors} from 'latent-lib/training/safetensors';
import {writeWhole} from 'latent-lib/training/write-whole';

/** The folder holds another run; the message says how to go on. */
export class OtherRun extends Error {
  /** @override */
  name = 'OtherRun';
}

/** @typedef {import('latent-lib/training/checkpoint').Resumable} Resumable */

export class RunFolder {
  /** @param {string} folder made if it is not there */
  constructor(folder) {
    this.folder = folder;
    this.checkpoint = path.join(folder, 'training.safetensors');
    this.log = path.join(folder, 'log.jsonl');
    this.events = path.join(folder, 'events');
    this.report = path.join(folder, 'report.json');
    fs.mkdirSync(folder, {recursive: true});
  }

  /** Forgets an earlier run. */
  clear() {
    for (const part of [this.checkpoint, this.log, this.events, this.report]) {
      fs.rmSync(part, {recursive: true, force: true});
    }
  }

  /**
   * Puts a training where the last checkpoint left it, and cuts the log to that step.
   * @param {Resumable & {readonly steps: number}} training
   * @param {Readonly<Record<string, string>>} settings what must be the same as when it began
   * @returns {number} how many steps are done; 0 where there is no checkpoint
   * @throws {OtherRun} when the checkpoint is of other settings
   */
  resume(training, settings) {
    if (!fs.existsSync(this.checkpoint)) {
      fs.rmSync(this.log, {force: true});
      return 0;
    }
    const {metadata} = readSafetensors(this.checkpoint);
    const other = Object.entries(settings).find(([name, value]) => metadata[name] !== value);
    if (other !== undefined) {
      const [name, value] = other;
      throw new OtherRun(
        `${this.folder} holds a run with ${name} ${metadata[name]}, and this is one with ${value}. ` +
          'Give the same options to go on, --fresh to begin anew, or --out for another folder.',
      );
    }
    resumeTraining(this.checkpoint, training);
    const kept = this.lines().filter(({step}) => step < training.steps);
    const text = kept.map(line => `${JSON.stringify(line)}\n`).join('');
    writeWhole(this.log, Buffer.from(text));
    return training.steps;
  }

  /**
   * @param {Resumable} training
   * @param {Readonly<Record<string, string>>} settings
   */
  save(training, settings) {
    saveTraining(this.checkpoint, training, settings);
  }

  /** @param {Readonly<Record<string, number>>} line of a step */
  append(line) {
    fs.appendFileSync(this.log, `${JSON.stringify(line)}\n`);
  }

  /**
   * The log so far; a last line that a killed run left unfinished is passed over.
   * @returns {{readonly step: number, readonly [term: string]: number}[]}
   */
  lines() {
    if (!fs.existsSync(this.log)) return [];
    return fs
      .readFileSync(this.log, 'utf8')
      .split('\n')
      .flatMap(text => {
        try {
          return text === '' ? [] : [JSON.parse(text)];
        } catch {
          return [];
        }
      });
  }

  /** @param {unknown} report written as JSON */
  writeReport(report) {
    writeWhole(this.report, Buffer.from(`${JSON.stringify(report, null, 2)}\n`));
  }
}
