/**
 * Plotly figures in a page: are they drawn, and do they answer the mouse?
 */
import {setTimeout as sleep} from 'node:timers/promises';

/**
 * Moves the mouse to marks of a figure until it says a value. JupyterLab shows the picture of a
 * figure until the mouse first comes near.
 * @param {import('playwright-core').Locator} output the output area of one figure
 * @returns {Promise<string>} what the hover label says; '' when the figure stays silent
 */
export async function hover(output) {
  const page = output.page();
  await output.scrollIntoViewIfNeeded();
  await output.hover();
  const figure = output.and(page.locator('.js-plotly-plot'));
  await figure.waitFor({timeout: 20_000});
  await figure.scrollIntoViewIfNeeded();
  await sleep(200);
  const marks = await figure.evaluate(markPositions);
  for (const {x, y} of marks) {
    const box = await figure.boundingBox();
    if (!box) return '';
    await page.mouse.move(box.x + x - 3, box.y + y - 3);
    await page.mouse.move(box.x + x, box.y + y, {steps: 3});
    const label = figure.locator('.hoverlayer .hovertext');
    for (let attempt = 0; attempt < 6; attempt++) {
      await sleep(60);
      const text = (await label.allTextContents()).join(' ').trim();
      if (text !== '') return text;
    }
  }
  return '';
}

/**
 * Where some marks are, in pixels from the figure's corner. Runs in the page.
 * @param {Element} element
 */
function markPositions(element) {
  const {_fullData, _fullLayout} = /** @type {any} */ (element);
  /** @type {{x: number, y: number}[]} */
  const found = [];
  /** @param {string} id such as x2 */
  const axisOf = id => _fullLayout[`${id[0]}axis${id.slice(1)}`];
  for (const trace of _fullData) {
    if (trace.hoverinfo === 'skip' || trace.visible !== true) continue;
    const [across, up] = [axisOf(trace.xaxis ?? 'x'), axisOf(trace.yaxis ?? 'y')];
    const isMap = trace.type === 'heatmap';
    const xs = isMap
      ? trace.z[0].map((/** @type {unknown} */ _, /** @type {number} */ n) => n)
      : trace.x;
    const ys = isMap
      ? trace.z.map((/** @type {unknown} */ _, /** @type {number} */ n) => n)
      : trace.y;
    const count = Math.min(xs?.length ?? 0, ys?.length ?? 0);
    for (const at of [0, Math.floor(count / 2), Math.floor(count / 3), count - 1]) {
      if (at < 0 || at >= count || ys[at] === null) continue;
      const height = trace.type === 'bar' ? ys[at] / 2 : ys[at];
      // d2p would take a category named '7' for the seventh
      const isNamed = across.type === 'category';
      const place = isNamed ? across._categories.indexOf(String(xs[at])) : xs[at];
      found.push({x: across._offset + across.d2p(place), y: up._offset + up.d2p(height)});
    }
  }
  return found;
}
