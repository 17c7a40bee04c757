/** Which notebooks a command means. */
import assert from 'node:assert/strict';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {UnknownLesson, findLessons} from '../../misc/lessons/names.mjs';
import {workFolder, writeNotebook} from './notebooks.mjs';

const work = workFolder();
const {folder} = work;
before(() => {
  for (const name of ['02-b', '01-a', '01-a.solutions', 'draft']) writeNotebook(folder, name, []);
});
after(work.remove);

/** @param {readonly string[]} files */
const names = files => files.map(file => path.relative(folder, file));

test('no name means all lessons, in order, without their solutions', () => {
  assert.deepEqual(names(findLessons([], {folder})), ['01-a.ipynb', '02-b.ipynb']);
});

test('solutions come with their lesson when asked for', () => {
  const found = findLessons([], {folder, solutions: true});
  assert.deepEqual(names(found), ['01-a.ipynb', '01-a.solutions.ipynb', '02-b.ipynb']);
});

test('a lesson is named by number, name, file or path, and taken once', () => {
  const wanted = ['01', '01-a', '01-a.ipynb', path.join(folder, '01-a.ipynb')];
  assert.deepEqual(names(findLessons(wanted, {folder})), ['01-a.ipynb']);
  assert.deepEqual(names(findLessons(['01-a.solutions'], {folder})), ['01-a.solutions.ipynb']);
});

test('any notebook is named by its path', () => {
  const draft = path.join(folder, 'draft.ipynb');
  assert.deepEqual(findLessons([draft], {folder}), [draft]);
});

test('an unknown name lists the known ones', () => {
  const message = 'There is no lesson "03". The lessons are:\n  01-a\n  01-a.solutions\n  02-b';
  assert.throws(() => findLessons(['03'], {folder}), new UnknownLesson(message));
});
