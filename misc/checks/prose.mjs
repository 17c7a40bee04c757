// @ts-check
/**
 * A lesson's words: enough and not too many, in paragraphs that can be read, with links that lead somewhere.
 * Source: CONTRIBUTING.md, "What a lesson looks like".   Lesson: all.
 */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Finding} Finding */

export const PROSE_LIMITS = {fewest: 1500, most: 3000, paragraph: 80};
export const CALLOUTS = ['Predict', 'Answer', 'Shape', 'Porting note', 'Careful'];

/** Words that claim a thing is easy, and notes to ourselves. */
const UNWANTED = [
  {pattern: /\b(?:simply|obviously)\b/i, why: 'claims that it is easy'},
  {pattern: /\bTODO\b/, why: 'is a note to ourselves'},
  {pattern: /\bsee above\b/i, why: 'makes the reader search; link or repeat it'},
];

/**
 * @param {Notebook} notebook
 * @returns {Finding[]}
 */
export function checkProse(notebook) {
  const found = [...wordCount(notebook), ...unwanted(notebook), ...links(notebook)];
  for (const cell of notebook.markdown) {
    for (const paragraph of paragraphs(cell.source)) {
      const words = countWords(paragraph);
      const start = paragraph.split(/\s+/).slice(0, 6).join(' ');
      if (words > PROSE_LIMITS.paragraph) {
        const message = `"${start} …" has ${words} words, at most ${PROSE_LIMITS.paragraph}`;
        found.push({cell: cell.number, rule: 'paragraph', message});
      }
      const callout = calloutOf(paragraph);
      if (callout !== undefined && !CALLOUTS.includes(callout)) {
        const message = `callout "${callout}"; the callouts are ${CALLOUTS.join(', ')}`;
        found.push({cell: cell.number, rule: 'callout', message});
      }
    }
  }
  return found.map(finding => ({notebook: notebook.name, ...finding}));
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function wordCount({kind, markdown}) {
  if (kind !== 'lesson') return [];
  const {fewest, most} = PROSE_LIMITS;
  const words = markdown.reduce((sum, cell) => sum + countWords(prose(cell.source)), 0);
  if (words >= fewest && words <= most) return [];
  return [{rule: 'prose', message: `${words} words of prose, expected ${fewest} to ${most}`}];
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function unwanted({cells}) {
  return cells.flatMap(cell =>
    UNWANTED.flatMap(({pattern, why}) => {
      const word = pattern.exec(cell.source)?.[0];
      return word === undefined
        ? []
        : [{cell: cell.number, rule: 'wording', message: `"${word}" ${why}`}];
    }),
  );
}

/**
 * The running text of a Markdown cell: without code, display equations, tables, HTML and link targets.
 * @param {string} source
 * @returns {string}
 */
export function prose(source) {
  return source
    .replace(/^(`{3,}|~{3,})[\s\S]*?^\1\s*$/gm, '\n')
    .replace(/\$\$[\s\S]*?\$\$/g, '\n')
    .replace(/^\s*\|.*$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<[^>\n]+>/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/**
 * Paragraphs and list items of a Markdown cell, each as one line of running text.
 * @param {string} source
 * @returns {string[]}
 */
export function paragraphs(source) {
  return prose(source)
    .split(/\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)|\n(?=#)|(?<=^#[^\n]*)\n/m)
    .map(text =>
      text
        .replace(/^\s*>\s?/gm, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter(text => text !== '');
}

/**
 * The name of the callout that a paragraph starts with: 'Predict' of '**Predict.** What …'.
 * @param {string} paragraph
 * @returns {string | undefined}
 */
export function calloutOf(paragraph) {
  return /^\*\*([A-Z][a-z]+(?: [a-z]+)?)\.\*\*/.exec(paragraph)?.[1];
}

/**
 * @param {string} text
 * @returns {number}
 */
export function countWords(text) {
  return text.split(/\s+/).filter(word => /[\p{L}\p{N}]/u.test(word)).length;
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function links({file, markdown}) {
  const own = markdown.map(cell => cell.source).join('\n\n');
  return markdown.flatMap(cell =>
    brokenLinks(cell.source, file, own).map(message => ({
      cell: cell.number,
      rule: 'link',
      message,
    })),
  );
}

/**
 * Relative links and images must lead to a file of the clone, and an anchor to a heading in it.
 * @param {string} text Markdown
 * @param {string} file where it stands
 * @param {string} own the text whose anchors '#…' means
 * @returns {string[]} what is wrong
 */
export function brokenLinks(text, file, own) {
  return linkTargets(text).flatMap(target => {
    if (/^(?:https?:|mailto:|data:|attachment:)/.test(target)) return [];
    const [name = '', anchor] = decodeURI(target).split('#');
    const to = name === '' ? file : path.resolve(path.dirname(file), name);
    if (name !== '' && !existsSync(to)) return [`"${target}" leads to no file`];
    if (anchor === undefined || !/\.(?:md|ipynb)$/.test(to)) return [];
    const there = name === '' ? own : markdownOf(to);
    return anchors(there).has(anchor) ? [] : [`"${target}": no heading has that anchor`];
  });
}

/**
 * @param {string} source
 * @returns {string[]}
 */
function linkTargets(source) {
  const text = source.replace(/^(`{3,}|~{3,})[\s\S]*?^\1\s*$/gm, '').replace(/`[^`\n]*`/g, '');
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const html = [...text.matchAll(/\b(?:src|href)="([^"]+)"/g)];
  return [...inline, ...html].map(match => match[1] ?? '');
}

/**
 * @param {string} file
 * @returns {string}
 */
function markdownOf(file) {
  const text = readFileSync(file, 'utf8');
  if (!file.endsWith('.ipynb')) return text;
  /** @type {{cells: {cell_type: string, source: string | string[]}[]}} */
  const {cells} = JSON.parse(text);
  const prosaic = cells.filter(cell => cell.cell_type === 'markdown');
  return prosaic.map(({source}) => [source].flat().join('')).join('\n\n');
}

/**
 * The anchors of a Markdown text, as GitHub and as JupyterLab write them, and the ones set by hand.
 * @param {string} text
 * @returns {Set<string>}
 */
export function anchors(text) {
  const headings = [...text.matchAll(/^#{1,6}\s+(.+?)\s*$/gm)].map(match => match[1] ?? '');
  const plain = headings.map(heading => heading.replace(/[*`]|\[([^\]]*)\]\([^)]*\)/g, '$1'));
  const github = plain.map(heading =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
  const jupyter = plain.map(heading => heading.replace(/\s/g, '-'));
  const set = [...text.matchAll(/\b(?:id|name)="([^"]+)"/g)].map(match => match[1] ?? '');
  return new Set([...github, ...jupyter, ...set]);
}
