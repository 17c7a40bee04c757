/**
 * A notebook in a page of JupyterLab, driven through Lab's own commands and through the mouse.
 */
import fs from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {artefacts} from './lab.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('./lab.mjs').Lab} Lab */
/** @typedef {{output_type: string, name?: string, text?: string | string[], ename?: string, evalue?: string, traceback?: string[], data?: Record<string, unknown>, metadata?: Record<string, unknown>}} Output */
/** @typedef {{cell: number, type: string, source: string, outputs: Output[], count: number | null}} Cell */
/** @typedef {{id: string, at: number}} Update */

export const PLOTLY = 'application/vnd.plotly.v1+json';

export class NotebookPage {
  /**
   * @param {Page} page
   * @param {string} file
   */
  constructor(page, file) {
    this.page = page;
    this.file = file;
  }

  /**
   * Opens a notebook and waits for its kernel.
   * @param {Browser} browser
   * @param {Lab} lab
   * @param {string} file its name in the lab's folder
   * @param {{kernel?: boolean}} [options]
   */
  static async open(browser, lab, file, {kernel = true} = {}) {
    const context = await browser.newContext({viewport: {width: 1200, height: 1000}});
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(lab.page(file), {waitUntil: 'load'});
    await page.waitForSelector('.jp-NotebookPanel .jp-Notebook');
    const notebook = new NotebookPage(page, file);
    await page.waitForFunction(() => 'jupyterapp' in window);
    if (kernel) await notebook.idle(60);
    return notebook;
  }

  /** Closes the page and its kernel. */
  async close() {
    await this.command('kernelmenu:shutdown').catch(() => undefined);
    await this.page.context().close();
  }

  /**
   * Runs one of JupyterLab's commands.
   * @param {string} id
   * @param {Record<string, unknown>} [args]
   */
  async command(id, args = {}) {
    await this.page.evaluate(async ([name, values]) => {
      const {jupyterapp} = /** @type {any} */ (window);
      await jupyterapp.commands.execute(name, values);
    }, /** @type {[string, Record<string, unknown>]} */ ([id, args]));
  }

  /**
   * Waits until the kernel is idle.
   * @param {number} seconds
   */
  async idle(seconds) {
    await this.page.waitForFunction(
      () => {
        const panel = /** @type {any} */ (window).jupyterapp.shell.currentWidget;
        return panel?.sessionContext?.session?.kernel?.status === 'idle';
      },
      undefined,
      {timeout: seconds * 1000, polling: 50},
    );
  }

  /** Notes each update of a display from now on. */
  async recordUpdates() {
    await this.page.evaluate(() => {
      const scope = /** @type {any} */ (window);
      scope.displayUpdates = [];
      const {kernel} = scope.jupyterapp.shell.currentWidget.sessionContext.session;
      kernel.iopubMessage.connect((/** @type {any} */ _, /** @type {any} */ message) => {
        if (message.header.msg_type !== 'update_display_data') return;
        const id = message.content.transient.display_id;
        scope.displayUpdates.push({id, at: performance.now()});
      });
    });
  }

  /** @returns {Promise<Update[]>} */
  updates() {
    return this.page.evaluate(() => /** @type {any} */ (window).displayUpdates);
  }

  /**
   * Runs all cells, as the menu does, and waits for the end.
   * @param {number} seconds
   */
  async runAll(seconds) {
    const late = new AbortController();
    const limit = sleep(seconds * 1000, undefined, {signal: late.signal}).then(
      () => {
        throw new Error(`${this.file} was not done after ${seconds} s.`);
      },
      () => undefined,
    );
    await Promise.race([this.command('notebook:run-all-cells'), limit]);
    late.abort();
    await this.idle(10);
  }

  /** What the notebook holds now. @returns {Promise<Cell[]>} */
  cells() {
    return this.page.evaluate(() => {
      const {model} = /** @type {any} */ (window).jupyterapp.shell.currentWidget.content;
      return Array.from(model.cells, (/** @type {any} */ cell, /** @type {number} */ index) => {
        const {cell_type, source, outputs, execution_count} = cell.toJSON();
        const text = Array.isArray(source) ? source.join('') : source;
        const count = execution_count ?? null;
        return {cell: index, type: cell_type, source: text, outputs: outputs ?? [], count};
      });
    });
  }

  /** Saves, and reads the file. @returns {Promise<any>} */
  async save(/** @type {Lab} */ lab) {
    await this.command('docmanager:save');
    return JSON.parse(fs.readFileSync(path.join(lab.folder, this.file), 'utf8'));
  }

  /**
   * Puts a cell into view, as the windowed notebook only renders what is seen.
   * @param {number} cell
   */
  async scrollTo(cell) {
    await this.page.evaluate(async index => {
      const {content} = /** @type {any} */ (window).jupyterapp.shell.currentWidget;
      content.activeCellIndex = index;
      await content.scrollToItem(index, 'start');
    }, cell);
    await sleep(150);
  }

  /**
   * Writes a cell at the end, and runs it.
   * @param {string} source
   * @param {{wait?: boolean}} [options]
   */
  async add(source, {wait = true} = {}) {
    const index = await this.page.evaluate(text => {
      const {content} = /** @type {any} */ (window).jupyterapp.shell.currentWidget;
      const {sharedModel} = content.model;
      sharedModel.addCell({cell_type: 'code', source: text});
      content.activeCellIndex = content.widgets.length - 1;
      content.deselectAll();
      return content.activeCellIndex;
    }, source);
    if (source !== '') {
      const run = this.command('notebook:run-cell');
      if (wait) await run;
      else run.catch(() => undefined);
    }
    return /** @type {number} */ (index);
  }

  /**
   * The text of a cell's outputs.
   * @param {number} index
   */
  async text(index) {
    const cell = (await this.cells())[index];
    return (cell?.outputs ?? [])
      .map(output => output.text ?? output.data?.['text/plain'] ?? output.traceback ?? '')
      .flat()
      .join('');
  }

  /**
   * Changes JupyterLab's theme, and waits until it is there: the command ends before the style sheets
   * are loaded, and meanwhile the page is hidden.
   * @param {'JupyterLab Light' | 'JupyterLab Dark'} theme
   */
  async changeTheme(theme) {
    await this.command('apputils:change-theme', {theme});
    await this.page.waitForFunction(name => document.body.dataset['jpThemeName'] === name, theme);
    await this.settledHeight();
  }

  /**
   * The height of the notebook in pixels, once it stays the same. One that is no longer than its panel
   * may only just be opening, and is watched for three seconds.
   * @returns {Promise<number>}
   * @throws {Error} when it has none, or still changes, after ten seconds
   */
  async settledHeight() {
    let [last, same] = [0, 0];
    for (let attempt = 0; attempt < 66; attempt++) {
      const [height, panel] = await this.page.evaluate(() => {
        const outer = document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer');
        return /** @type {const} */ ([outer?.scrollHeight ?? 0, outer?.clientHeight ?? 0]);
      });
      same = height > 0 && height === last ? same + 1 : 0;
      if (same === (height > panel ? 4 : 20)) return height;
      last = height;
      await sleep(150);
    }
    throw new Error(`The height of ${this.file} did not settle; the last was ${last} pixels.`);
  }

  /**
   * Takes a picture of the whole notebook, or of the 14,000 pixels at its top.
   * @param {string} name
   */
  async screenshot(name) {
    const {page} = this;
    await this.scrollTo(0);
    const height = Math.min(14_000, (await this.settledHeight()) + 160);
    await page.setViewportSize({width: 1200, height});
    await this.scrollTo(0);
    await this.settledHeight();
    const file = path.join(artefacts, `${name}.png`);
    await page.screenshot({path: file});
    await page.setViewportSize({width: 1200, height: 1000});
    return file;
  }
}
