// @ts-check
import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {checkDocument, checkMap, documents} from '../../misc/checks/documents.mjs';
import {NOTEBOOKS, ROOT} from '../../misc/checks/notebook.mjs';

const MAP = path.join(NOTEBOOKS, 'README.md');

test('a document whose link or anchor leads nowhere is found', () => {
  assert.deepEqual(checkDocument(MAP, '[words](GLOSSARY.md#elbo) [here](#there)\n\n## There'), []);
  const found = checkDocument(MAP, '[a](gone.md) [b](GLOSSARY.md#gone) [c](#gone)');
  assert.deepEqual(
    found.map(({message}) => message),
    [
      '"gone.md" leads to no file',
      '"GLOSSARY.md#gone": no heading has that anchor',
      '"#gone": no heading has that anchor',
    ],
  );
});

test('a path of one machine in a document is found', () => {
  assert.equal(checkDocument(MAP, `in ${ROOT}/lib`)[0]?.rule, 'machine path');
});

test('what waits to be filled in is found', () => {
  assert.equal(checkDocument(MAP, 'The numbers:\n\nNUMBER_TABLE\n')[0]?.rule, 'placeholder');
  assert.deepEqual(checkDocument(MAP, 'Set LATENT_PROFILE first.\n'), []);
});

test('the course map links every lesson and its solutions', () => {
  const files = ['01-a.ipynb', '01-a.solutions.ipynb', 'README.md'];
  assert.deepEqual(checkMap('[a](01-a.ipynb) [s](01-a.solutions.ipynb)', files), []);
  assert.match(
    checkMap('[a](01-a.ipynb)', files)[0]?.message ?? '',
    /01-a\.solutions\.ipynb is not linked/,
  );
});

test('the documents are found', () => {
  assert.equal(documents().includes(MAP), true);
});
