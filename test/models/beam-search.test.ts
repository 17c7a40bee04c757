import assert from 'node:assert/strict';
import {test} from 'node:test';
import {applyRules, rulesApply, type TokenRules} from 'latent-lib/models/bart-token-rules';
import {beamSearch, type BeamSearchOptions} from 'latent-lib/models/beam-search';
import {Random} from 'latent-lib/tensor/random';

const END = 1;
const BASE: BeamSearchOptions = {
  batch: 1,
  beams: 2,
  vocabulary: 4,
  startId: 0,
  endId: END,
  maxLength: 4,
};

/** log p of the next token from the text so far, the same at every run. */
function language(seed: number, vocabulary: number) {
  return (ids: readonly number[]): number[] => {
    const random = new Random(seed).stream(ids.join());
    const logits = Array.from({length: vocabulary}, () => 2 * random.normal());
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    return logits.map(logit => logit - total);
  };
}

/** Every text there is, with its log p. */
function all(
  model: (ids: readonly number[]) => number[],
  {vocabulary, maxLength}: BeamSearchOptions,
  ids: readonly number[] = [0],
  total = 0,
): {ids: readonly number[]; total: number}[] {
  if (ids.length === maxLength || (ids.length > 1 && ids.at(-1) === END)) return [{ids, total}];
  const logs = model(ids);
  return Array.from({length: vocabulary}, (_, id) => id).flatMap(id =>
    all(model, {...BASE, vocabulary, maxLength}, [...ids, id], total + logs[id]!),
  );
}

const search = (model: (ids: readonly number[]) => number[], options: BeamSearchOptions) =>
  beamSearch(options, rows => Float32Array.from(rows.flatMap(ids => model(ids))));

test('with enough beams the search finds the best of all texts', () => {
  for (let seed = 0; seed < 8; seed++) {
    const model = language(seed, 4);
    for (const lengthPenalty of [0, 1, 2]) {
      const options = {...BASE, beams: 40, lengthPenalty, earlyStopping: 'never' as const};
      const scored = all(model, options).map(({ids, total}) => {
        return {ids, score: total / (ids.length - 1) ** lengthPenalty};
      });
      const best = scored.reduce((one, other) => (other.score > one.score ? other : one));
      const [found] = search(model, options);
      assert.deepEqual(found!.ids, best.ids, `seed ${seed}, penalty ${lengthPenalty}`);
      assert.ok(Math.abs(found!.score - best.score) < 1e-5);
    }
  }
});

test('one beam takes the likeliest token every time', () => {
  const model = language(3, 4);
  const text = [0];
  while (text.length < 4 && (text.length === 1 || text.at(-1) !== END)) {
    const logs = model(text);
    text.push(logs.indexOf(Math.max(...logs)));
  }
  const [found] = search(model, {...BASE, beams: 1, earlyStopping: true});
  assert.deepEqual(found!.ids, text);
});

test('texts of a batch do not disturb each other', () => {
  const models = [language(5, 6), language(6, 6), language(7, 6)];
  const options = {...BASE, vocabulary: 6, beams: 3, maxLength: 7};
  const alone = models.map(model => search(model, options)[0]);
  const together = beamSearch({...options, batch: 3}, rows =>
    Float32Array.from(rows.flatMap((ids, row) => models[Math.floor(row / 3)]!(ids))),
  );
  assert.deepEqual(together, alone);
});

test('parents say which row each text goes on from', () => {
  const model = language(9, 5);
  let last: readonly (readonly number[])[] = [];
  const options = {...BASE, vocabulary: 5, batch: 2, beams: 3, maxLength: 6};
  beamSearch(options, (rows, parents) => {
    assert.equal(rows.length, 6);
    assert.equal(parents === undefined, last.length === 0);
    rows.forEach((ids, row) => {
      if (parents === undefined) return;
      assert.deepEqual(ids.slice(0, -1), last[parents[row]!]);
      assert.equal(Math.floor(parents[row]! / 3), Math.floor(row / 3));
    });
    last = rows;
    return Float32Array.from(rows.flatMap(ids => model(ids)));
  });
  assert.equal(last[0]!.length, 5);
});

test('stopping early takes the first texts that end, at a worse score', () => {
  // ends at once with p = 0.4 either way, but going on is all but certain to be right
  const model = (ids: readonly number[]) =>
    [1e-6, ids.length === 5 ? 0.999 : 0.4, ids.length === 5 ? 1e-6 : 0.6, 1e-6].map(Math.log);
  const options = {...BASE, beams: 1, maxLength: 8, lengthPenalty: 2};
  const early = search(model, {...options, beams: 2, earlyStopping: true})[0]!;
  const never = search(model, {...options, beams: 2, earlyStopping: 'never'})[0]!;
  assert.ok(early.ids.length < never.ids.length, `${early.ids.length}, ${never.ids.length}`);
  assert.ok(early.score < never.score);
});

test('options that cannot be are refused by name', () => {
  const bad: readonly [Partial<BeamSearchOptions>, RegExp][] = [
    [{batch: 0}, /beamSearch: batch is 0, expected an integer from 1 on/],
    [{beams: 1.5}, /beams is 1\.5/],
    [{maxLength: 1}, /maxLength is 1, expected an integer from 2 on/],
  ];
  for (const [change, reason] of bad) {
    assert.throws(() => search(language(1, 4), {...BASE, ...change}), reason);
  }
});

const rules = (change: Partial<TokenRules>): TokenRules => ({maxLength: 9, endId: END, ...change});
const left = (given: TokenRules, ids: number[]) => {
  const scores = new Float32Array(5).fill(-1);
  applyRules(given, ids, scores);
  return [...scores.keys()].filter(id => scores[id] !== -Infinity);
};

test('rules forbid repeats, early ends and all but the forced', () => {
  assert.deepEqual(left(rules({}), [0, 2]), [0, 1, 2, 3, 4]);
  assert.deepEqual(left(rules({noRepeatNgram: 2}), [0, 2, 3, 2]), [0, 1, 2, 4]);
  assert.deepEqual(left(rules({noRepeatNgram: 2}), [2, 2]), [0, 1, 3, 4]);
  assert.deepEqual(left(rules({noRepeatNgram: 1}), [0, 2, 3]), [1, 4]);
  assert.deepEqual(left(rules({noRepeatNgram: 3}), [0, 2, 3, 0, 2]), [0, 1, 2, 4]);
  assert.deepEqual(left(rules({minLength: 3}), [0, 2]), [0, 2, 3, 4]);
  assert.deepEqual(left(rules({minLength: 3}), [0, 2, 2]), [0, 1, 2, 3, 4]);
  assert.deepEqual(left(rules({forcedBosId: 4}), [0]), [4]);
  assert.deepEqual(left(rules({forcedEosId: 1, maxLength: 4}), [0, 2, 2]), [1]);
  assert.deepEqual(left(rules({forcedBosId: 4, forcedEosId: 1}), [0, 2, 2]), [0, 1, 2, 3, 4]);
});

test('whether rules apply is known before a score is read', () => {
  const random = new Random(11);
  for (let trial = 0; trial < 300; trial++) {
    const given = rules({
      minLength: random.integer(5),
      noRepeatNgram: random.integer(4),
      forcedBosId: [undefined, 3][random.integer(2)],
      forcedEosId: [undefined, 1][random.integer(2)],
      maxLength: 6,
    });
    const ids = Array.from({length: 1 + random.integer(5)}, () => random.integer(5));
    if (!rulesApply(given, ids.length)) assert.equal(left(given, ids).length, 5);
  }
});
