import assert from 'node:assert/strict';
import fs from 'node:fs';
import {test} from 'node:test';
import {stepMemory} from 'latent-lib/training/step-memory';

const canMeasure = fs.existsSync('/proc/self/clear_refs');
const skip = canMeasure ? false : 'this system does not say how far memory rose';

const model = {
  vocabulary: 20,
  steps: 192,
  width: 16,
  heads: 4,
  hidden: 32,
  blocks: [1, 1, 1],
  layers: 8,
  latentTokens: 2,
  latents: 4,
};

test('compiled, a step that computes its layers again needs less than half', {skip}, async () => {
  const plain = await stepMemory({model, batch: 8, steps: 1});
  const again = await stepMemory({
    model: {...model, recomputeRate: 1, recomputesEncoder: true},
    batch: 8,
    steps: 1,
  });
  // eight layers keep four heads of 192² weights for eight sequences: 36 MiB
  assert.ok(plain.peakBytes > 30 * 2 ** 20, `${plain.peakBytes}`);
  assert.ok(again.peakBytes < 0.5 * plain.peakBytes, `${again.peakBytes} of ${plain.peakBytes}`);
  assert.ok(plain.milliseconds > 0);
});

test('a step that fails says why, and one that takes too long is ended', {skip}, async () => {
  const impossible = {...model, latentTokens: 100};
  await assert.rejects(
    stepMemory({model: impossible, batch: 1}),
    /stepMemory: the step did not end: .*100 latent tokens/,
  );
  await assert.rejects(stepMemory({model, batch: 1, seconds: 0.05}), /it took over 0\.05 s/);
});
