/**
 * A BART from a folder in Hugging Face's layout (config.json, model.safetensors), and back into one.
 * Source: the layout that transformers' `save_pretrained` writes.   Lesson: notebooks/04-bart-vae.
 */
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {Bart} from '../models/bart';
import {BartConfigError, bartConfigFromHub, bartConfigToHub} from '../models/bart-hub-config';
import {hubAliases, hubWeight, LOGITS_BIAS} from '../models/bart-names';
import {Random} from '../tensor/random';
import {ShapeError} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {SafetensorsFile} from './safetensors-file';
import {writeSafetensors, type NamedArray} from './safetensors';
import {writeWhole} from './write-whole';

/** A folder that lacks what a BART needs. */
export class BartFilesError extends Error {
  override readonly name = 'BartFilesError';
}

/** Beginnings of names that no generating model has use for, such as a classifier's. */
const PASSED_OVER = ['classification_head.', 'qa_outputs.'];

/**
 * Loads a model from config.json and model.safetensors in F32, F16 or BF16, one tensor at a time.
 * @throws BartFilesError when a file or tensors are missing, or there are tensors that BART has not;
 *   BartConfigError when the configuration cannot be used; ShapeError naming every tensor whose shape
 *   is not what the configuration says; SafetensorsError when the file is damaged
 */
export function loadBart(folder: string): Bart {
  const file = path.join(folder, 'config.json');
  const config = bartConfigFromHub(readJson(file), file);
  const weights = path.join(folder, 'model.safetensors');
  if (!existsSync(weights)) throw new BartFilesError(`${weights}: is not there. ${remedy(folder)}`);
  const source = SafetensorsFile.open(weights);
  try {
    const bart = new Bart(config, new Blank(0));
    try {
      fill(bart, source);
      return bart;
    } catch (error) {
      bart.dispose();
      throw error;
    }
  } finally {
    source.close();
  }
}

/**
 * Writes config.json and model.safetensors; transformers' `from_pretrained(folder)` loads them. Each
 * file is written whole, or the old one stays.
 */
export function saveBart(folder: string, bart: Bart): void {
  mkdirSync(folder, {recursive: true});
  const tensors: Record<string, NamedArray> = {};
  for (const [ours, variable] of Object.entries(bart.weights)) {
    const {name, isTransposed} = hubWeight(ours);
    const stored = isTransposed ? variable.transpose() : variable;
    tensors[`model.${name}`] = {
      dtype: 'F32',
      shape: stored.shape,
      data: stored.dataSync<'float32'>(),
    };
    if (stored !== variable) stored.dispose();
  }
  const {vocabulary} = bart.config;
  const bias = bart.logitsBias.dataSync<'float32'>();
  tensors[LOGITS_BIAS] = {dtype: 'F32', shape: [1, vocabulary], data: bias};
  writeSafetensors(path.join(folder, 'model.safetensors'), {tensors, metadata: {format: 'pt'}});
  const config = `${JSON.stringify(bartConfigToHub(bart.config), null, 2)}\n`;
  writeWhole(path.join(folder, 'config.json'), Buffer.from(config));
}

/** Gives zeros: weights that are to be overwritten need no draws. */
class Blank extends Random {
  override stream(): Random {
    return this;
  }

  override uniforms<R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
    return tf.zeros(shape);
  }

  override normals<R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
    return tf.zeros(shape);
  }
}

/** Where one of our weights comes from. */
interface Origin {
  readonly variable: tf.Variable;
  readonly stored: string;
  readonly isTransposed: boolean;
}

function fill(bart: Bart, source: SafetensorsFile): void {
  for (const {variable, stored, isTransposed} of origins(bart, source)) {
    const {dtype, data} = source.read(stored);
    if (dtype !== 'F32') {
      throw new BartFilesError(
        `${source.path}: "${stored}" is of type ${dtype}, expected F32, F16 or BF16.`,
      );
    }
    const {shape} = variable;
    const value = isTransposed
      ? tf.tidy(() => tf.tensor(data, [...shape].reverse()).transpose())
      : tf.tensor(data, shape);
    variable.assign(value);
    value.dispose();
  }
}

/** Finds all tensors before one is read. @throws as `loadBart` */
function origins(bart: Bart, source: SafetensorsFile): Origin[] {
  const found: Origin[] = [];
  const [missing, misshapen]: [string[], string[]] = [[], []];
  const left = new Set(source.names);
  const look = (
    variable: tf.Variable,
    aliases: string[],
    isTransposed: boolean,
    wanted: number[],
  ) => {
    const stored = aliases.find(alias => source.shape(alias) !== undefined);
    for (const alias of aliases) left.delete(alias);
    if (stored === undefined) return aliases[0];
    const shape = source.shape(stored) ?? [];
    if (shape.join() !== wanted.join()) {
      misshapen.push(`${stored} has shape [${shape.join(',')}], expected [${wanted.join(',')}].`);
    }
    found.push({variable, stored, isTransposed});
    return undefined;
  };
  for (const [ours, variable] of Object.entries(bart.weights)) {
    const {name, isTransposed} = hubWeight(ours);
    const wanted = isTransposed ? [...variable.shape].reverse() : variable.shape;
    const lacking = look(variable, hubAliases(name), isTransposed, wanted);
    if (lacking !== undefined) missing.push(lacking);
  }
  look(bart.logitsBias, [LOGITS_BIAS], false, [1, bart.config.vocabulary]);
  const unexpected = [...left].filter(name => !PASSED_OVER.some(start => name.startsWith(start)));
  const problems = [
    ...(missing.length > 0 ? [`Missing: ${some(missing)}.`] : []),
    ...(unexpected.length > 0 ? [`Unexpected: ${some(unexpected)}.`] : []),
  ];
  if (misshapen.length > 0) {
    throw new ShapeError(`${source.path}: is not what config.json says. ${some(misshapen, ' ')}`);
  }
  if (problems.length > 0) {
    throw new BartFilesError(`${source.path}: holds another model. ${problems.join(' ')}`);
  }
  return found;
}

/** The first of many names. */
function some(names: readonly string[], glue = ', '): string {
  const shown = names.slice(0, 8).join(glue);
  return names.length > 8 ? `${shown}${glue}and ${names.length - 8} more` : shown;
}

function readJson(file: string): unknown {
  if (!existsSync(file)) {
    throw new BartFilesError(`${file}: is not there. ${remedy(path.dirname(file))}`);
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new BartConfigError(`${file}: is no JSON: damaged, or cut short.`, {cause: error});
  }
}

function remedy(folder: string): string {
  return (
    `A folder needs config.json and model.safetensors, in one piece; one with pytorch_model.bin gets ` +
    `it by BartForConditionalGeneration.from_pretrained("${folder}").save_pretrained("${folder}").`
  );
}
