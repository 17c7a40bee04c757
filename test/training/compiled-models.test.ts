/** Every model of the library: fifty compiled steps equal fifty eager ones, in terms, weights and moments. */
import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {DenseVae, guideLoss} from 'latent-lib/models/dense-vae';
import {
  categoricalNegativeLogLikelihood,
  classify,
  Hypernetwork,
  type NetworkWriter,
} from 'latent-lib/models/hypernetwork';
import {ChunkedHypernetwork} from 'latent-lib/models/hypernetwork-chunked';
import {denseLayout} from 'latent-lib/models/hypernetwork-layout';
import {HypernetworkVae} from 'latent-lib/models/hypernetwork-vae';
import {LinearVae} from 'latent-lib/models/linear-vae';
import {SinusoidAutoencoder, sourceObjective} from 'latent-lib/models/sinusoid-autoencoder';
import {Random} from 'latent-lib/tensor/random';
import type {NamedTensors} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';

before(ready);

const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};
const STEPS = 50;

/** A model with its loss, and how a batch is drawn. */
interface Case {
  readonly weights: Readonly<Record<string, tf.Variable>>;
  readonly dispose: () => void;
  readonly batch: (random: Random) => Record<string, tf.Tensor>;
  readonly loss: (inputs: NamedTensors) => {loss: tf.Scalar} & Record<string, tf.Tensor>;
}

const [B, D, L] = [4, 12, 3] as const;

function images(random: Random): Record<string, tf.Tensor> {
  return {
    x: random.stream('x').uniforms([B, D]),
    epsilon: random.stream('epsilon').normals([B, L]),
  };
}

function signals(random: Random): Record<string, tf.Tensor> {
  return {
    signal: random.stream('signal').uniforms([B, 20], -1, 1),
    epsilon: random.stream('epsilon').normals([B, 2]),
    coins: tf.tidy(() => random.stream('coins').uniforms([4]).less(0.6).cast('float32')),
  };
}

function labelled(random: Random): Record<string, tf.Tensor> {
  const labels = Array.from({length: B}, () => random.integer(5));
  return {x: random.stream('x').uniforms([B, D]), labels: tf.tensor1d(labels, 'int32')};
}

function matrices(inputs: NamedTensors): Record<'x' | 'epsilon' | 'signal', tf.Tensor2D> {
  return inputs as Record<'x' | 'epsilon' | 'signal', tf.Tensor2D>;
}

function classifier(writer: NetworkWriter): Case {
  return {
    weights: writer.weights,
    dispose: () => writer.dispose(),
    batch: labelled,
    loss: inputs => {
      const logits = classify(writer, matrices(inputs).x);
      const nats = categoricalNegativeLogLikelihood(logits, inputs['labels'] as tf.Tensor1D);
      return {loss: nats.mean<tf.Scalar>(), nats};
    },
  };
}

const layout = denseLayout([D, 6, 5]);

const CASES: Record<string, () => Case> = {
  'dense VAE, evidence lower bound': () => {
    const vae = new DenseVae({pixels: D, hidden: 8, latents: L}, new Random(1));
    const loss = (inputs: NamedTensors) => {
      const {x, epsilon} = matrices(inputs);
      return {...vae.elbo(x, epsilon)};
    };
    return {weights: vae.weights, dispose: () => vae.dispose(), batch: images, loss};
  },
  "dense VAE, the guide's loss": () => {
    const vae = new DenseVae({pixels: D, hidden: 8, latents: L}, new Random(2));
    const loss = (inputs: NamedTensors) => {
      const {x, epsilon} = matrices(inputs);
      return {...guideLoss(vae, x, epsilon)};
    };
    return {weights: vae.weights, dispose: () => vae.dispose(), batch: images, loss};
  },
  'linear VAE': () => {
    const vae = new LinearVae({pixels: D, latents: L, variance: 0.5}, new Random(3));
    const loss = (inputs: NamedTensors) => {
      const {x, epsilon} = matrices(inputs);
      return {...vae.elbo(x, epsilon)};
    };
    return {weights: vae.weights, dispose: () => vae.dispose(), batch: images, loss};
  },
  'sinusoid autoencoder, forced by coins': () => {
    const config = {latents: 2, samplesPerFrame: 5, encoderUnits: 6, decoderUnits: 7};
    const model = new SinusoidAutoencoder(config, new Random(4));
    const loss = (inputs: NamedTensors) => {
      const {signal, epsilon} = matrices(inputs);
      const losses = model.calcLoss(signal, epsilon, inputs['coins'] as tf.Tensor1D);
      return {loss: sourceObjective(losses), ...losses};
    };
    return {weights: model.weights, dispose: () => model.dispose(), batch: signals, loss};
  },
  'sinusoid autoencoder, running freely': () => {
    const config = {latents: 2, samplesPerFrame: 5, encoderUnits: 6, decoderUnits: 7};
    const model = new SinusoidAutoencoder(config, new Random(5));
    const loss = (inputs: NamedTensors) => {
      const {signal, epsilon} = matrices(inputs);
      return {...model.elbo(signal, epsilon)};
    };
    return {weights: model.weights, dispose: () => model.dispose(), batch: signals, loss};
  },
  hypernetwork: () => {
    const config = {inputs: D, hidden: 4, layout, output: 'sigmoid' as const};
    return classifier(new Hypernetwork(config, new Random(6)));
  },
  'hypernetwork, signed': () => {
    const config = {inputs: D, hidden: 4, layout, output: 'signed' as const};
    return classifier(new Hypernetwork(config, new Random(7)));
  },
  'hypernetwork in chunks': () => {
    const sizes = {inputs: D, hidden: 4, embedding: 3, generatorHidden: 5, chunk: 16};
    return classifier(new ChunkedHypernetwork({...sizes, layout}, new Random(8)));
  },
  'VAE whose decoder is a hypernetwork': () => {
    const sizes = {height: 3, width: 4, hidden: 6, latents: L, drawing: [4], octaves: 2};
    const vae = new HypernetworkVae(sizes, new Random(9));
    const loss = (inputs: NamedTensors) => {
      const {x, epsilon} = matrices(inputs);
      return {...vae.elbo(x, epsilon)};
    };
    return {weights: vae.weights, dispose: () => vae.dispose(), batch: images, loss};
  },
};

for (const [name, make] of Object.entries(CASES)) {
  test(`${name}: compiled as eager`, whereCompiled, () => {
    const sides = [true, false].map(compiled => {
      const model = make();
      const {weights, loss} = model;
      const optimizer = adam({learningRate: 3e-3});
      return {model, step: trainingStep({weights, optimizer, loss, compiled})};
    });
    const [compiled, eager] = sides as [(typeof sides)[0], (typeof sides)[0]];
    for (let count = 0; count < STEPS; count++) {
      const batch = compiled.model.batch(new Random(count));
      const [got, want] = [compiled.step.run(batch), eager.step.run(batch)];
      for (const [term, value] of Object.entries(want)) {
        const difference = Math.abs(got[term]! - value);
        assert.ok(difference <= 1e-5 * Math.abs(value) + 1e-7, `${term} at step ${count}`);
      }
      tf.dispose(batch);
    }
    const [left, right] = [compiled.step.state(), eager.step.state()];
    for (const [key, value] of Object.entries(right)) {
      const largest = value.abs().max().dataSync()[0]!;
      close(key, left[key]!, value, {atol: 1e-5 * largest});
    }
    tf.dispose([left, right]);
    for (const {model, step} of sides) {
      step.dispose();
      model.dispose();
    }
  });
}
