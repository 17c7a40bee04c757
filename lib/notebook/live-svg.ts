/**
 * A frame of a training's curves as SVG text: quick to make, and replaced four times a second.
 * Source: none.   Lesson: none.
 */
import {extent, tidy} from '../plot/figure';
import {binned, type LogLine, panelOf} from '../plot/losses';
import {colourOf} from '../plot/theme';
import {escapeHtml} from './html';
import {type Progress} from './progress';

const PANEL = {width: 260, height: 150, left: 48, top: 22, bottom: 20};
const POINTS = 120;

/** The curves of all terms, one panel each, with a progress bar and a line of numbers above. */
export function liveSvg(
  history: readonly LogLine[],
  terms: readonly string[],
  {title, line, progress}: {title: string; line: string; progress: Progress},
): string {
  const panels = [...new Set(terms.map(term => panelOf(term).panel))];
  const drawn = panels.map((panel, n) =>
    drawPanel(
      history,
      panel,
      terms.filter(term => panelOf(term).panel === panel),
      n,
    ),
  );
  const width = Math.max(1, panels.length) * PANEL.width;
  const share = progress.total ? Math.min(1, progress.done / progress.total) : 0;
  const bar =
    `<div style="width:${width}px;height:4px;background:rgba(127,127,127,.25)">` +
    `<div style="width:${(share * 100).toFixed(1)}%;height:4px;background:#0a84c6"></div></div>`;
  return (
    `<div><b>${escapeHtml(title)}</b><br><code>${escapeHtml(line)}</code>${bar}` +
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${PANEL.height}" ` +
    `font-family="sans-serif" font-size="11" fill="#777777">${drawn.join('')}</svg></div>`
  );
}

function drawPanel(
  history: readonly LogLine[],
  panel: string,
  terms: readonly string[],
  index: number,
): string {
  const {width, height, left, top, bottom} = PANEL;
  const x0 = index * width + left;
  const right = (index + 1) * width - 8;
  const low = height - bottom;
  const rows = terms.map(term =>
    binned(
      history.flatMap((log, n) => {
        const value = log[term];
        return value !== undefined && Number.isFinite(value)
          ? [[log['step'] ?? n, value] as const]
          : [];
      }),
      POINTS,
    ),
  );
  const [xLow, xHigh] = extent(rows.flat().map(([x]) => x));
  const [yLow, yHigh] = extent(rows.flat().map(([, y]) => y));
  if (!Number.isFinite(yLow)) return text(x0, top - 8, panel);
  const xOf = (x: number) => x0 + ((x - xLow) / (xHigh - xLow || 1)) * (right - x0);
  const yOf = (y: number) => low - ((y - yLow) / (yHigh - yLow || 1)) * (low - top);
  const lines = rows.map((points, n) => {
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' ');
    const dash = panelOf(terms[n]!).heldOut ? ' stroke-dasharray="3 3"' : '';
    const stroke = colourOf(panel, index);
    return `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="1.8"${dash}/>`;
  });
  const frame = `<path d="M${x0} ${top}V${low}H${right}" fill="none" stroke="#777777" stroke-opacity=".5"/>`;
  return (
    frame +
    lines.join('') +
    text(x0, top - 8, panel) +
    text(x0 - 4, top + 6, tidy(yHigh), 'end') +
    text(x0 - 4, low, tidy(yLow), 'end') +
    text(x0, height - 5, tidy(xLow)) +
    text(right, height - 5, tidy(xHigh), 'end')
  );
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(content)}</text>`;
}
