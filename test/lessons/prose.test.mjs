// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  anchors,
  calloutOf,
  checkProse,
  countWords,
  paragraphs,
  prose as running,
} from '../../misc/checks/prose.mjs';
import {code, notebook, prose, rules} from './fixture.mjs';

const words = (/** @type {number} */ count) => Array.from({length: count}, () => 'word').join(' ');
const lesson = (/** @type {number} */ count) =>
  notebook(Array.from({length: count / 50}, () => prose(words(50))));
const oriented = (/** @type {string} */ text) =>
  checkProse(notebook([prose(text)], '00-orientation'));

test('a lesson has 1500 to 3000 words of prose; orientation and solutions are free', () => {
  assert.deepEqual(checkProse(lesson(1500)), []);
  assert.deepEqual(checkProse(lesson(3000)), []);
  assert.deepEqual(rules(checkProse(lesson(1450))), ['prose']);
  assert.deepEqual(rules(checkProse(lesson(3050))), ['prose']);
  assert.deepEqual(oriented('Short.'), []);
  assert.deepEqual(checkProse(notebook([prose('Short.')], '01-example.solutions')), []);
});

test('code, equations, tables and link targets are not prose', () => {
  const text =
    'One two.\n\n```ts\nconst three = 3;\n```\n\n$$\na = b\n$$\n\n| x | y |\n|---|---|\n\n[four](https://a.b/c d)';
  assert.equal(countWords(running(text)), 3);
});

test('a paragraph may have 80 words; list items count one by one', () => {
  assert.deepEqual(oriented(words(80)), []);
  assert.deepEqual(rules(oriented(words(81))), ['paragraph']);
  assert.deepEqual(oriented(`- ${words(60)}\n- ${words(60)}\n\n## Heading\n${words(70)}`), []);
});

test('words that belittle and notes to ourselves are refused, in code too', () => {
  for (const text of ['It is simply so.', 'Obviously.', 'TODO', 'As we see above.']) {
    assert.deepEqual(rules(oriented(text)), ['wording'], text);
  }
  assert.deepEqual(rules(checkProse(notebook([code('// TODO: x')], '00-a'))), ['wording']);
  assert.deepEqual(oriented('The simplicity of it; todo lists.'), []);
});

test('only the known callouts are allowed', () => {
  for (const name of ['Predict', 'Answer', 'Shape', 'Porting note', 'Careful']) {
    assert.deepEqual(oriented(`**${name}.** Text.`), [], name);
    assert.deepEqual(oriented(`> **${name}.** Text.`), [], name);
  }
  assert.deepEqual(rules(oriented('**Note.** Text.')), ['callout']);
  assert.deepEqual(oriented('**You will learn** a thing. **Time**: short.'), []);
  assert.equal(calloutOf('**Porting note.** Keras …'), 'Porting note');
});

test('paragraphs keep callouts at their start', () => {
  assert.deepEqual(paragraphs('## Head\n**Predict.** What?\n\n1. a\n2. b'), [
    '## Head',
    '**Predict.** What?',
    '1. a',
    '2. b',
  ]);
});

test('relative links lead to files and headings', () => {
  assert.deepEqual(oriented('[lib](../lib/tensor/tf.ts) [web](https://example.org) `[a](b)`'), []);
  assert.deepEqual(rules(oriented('[gone](gone.md)')), ['link']);
  assert.deepEqual(rules(oriented('<img src="figures/gone.png">')), ['link']);
  assert.deepEqual(oriented('# The end\n\n[down](#the-end) [also](#The-end)'), []);
  assert.deepEqual(rules(oriented('[nowhere](#nowhere)')), ['link']);
});

test('anchors are those of GitHub, of JupyterLab, and set by hand', () => {
  const found = anchors('## Step 4 · *Sample* it\n<a id="evidence"></a>');
  for (const anchor of ['step-4--sample-it', 'Step-4-·-Sample-it', 'evidence']) {
    assert.equal(found.has(anchor), true, anchor);
  }
});
