/**
 * A pretrained BART with its tokens, by the name of a folder or of a repository on the hub.
 * Source: what transformers' `from_pretrained` takes.   Lesson: notebooks/04-bart-vae.
 */
import {existsSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {hubFolder, type HubOptions} from '../data/hub';
import {loadTokenizer, type TextTokenizer} from '../data/tokenizer';
import type {Bart} from '../models/bart';
import type {GenerationOptions} from '../models/bart-generation';
import {generationFromHub} from '../models/bart-hub-generation';
import {loadBart} from './bart-files';

export interface PretrainedBart {
  /** The caller disposes. */
  readonly bart: Bart;
  /** Undefined where there is no tokenizer.json. */
  readonly tokenizer: TextTokenizer | undefined;
  /** How the checkpoint wants texts generated. */
  readonly generation: GenerationOptions;
  readonly folder: string;
}

/**
 * Loads a BART. What is no folder here is a repository on the hub, whose files are downloaded once
 * and kept in data/hub.
 *
 *   const {bart, tokenizer, generation} = await pretrainedBart('facebook/bart-base');
 *
 * @throws what `hubFolder`, `loadBart` and `loadTokenizer` throw
 */
export async function pretrainedBart(
  source: string,
  options: Omit<HubOptions, 'repository' | 'files' | 'optional'> = {},
): Promise<PretrainedBart> {
  const isFolder = existsSync(source) && statSync(source).isDirectory();
  const folder = isFolder
    ? source
    : await hubFolder({
        ...options,
        repository: source,
        files: ['config.json', 'model.safetensors'],
        optional: ['generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
      });
  const isThere = (name: string) => existsSync(path.join(folder, name));
  const settings = isThere('generation_config.json') ? 'generation_config.json' : 'config.json';
  const bart = loadBart(folder);
  try {
    const tokenizer = isThere('tokenizer.json') ? await loadTokenizer(folder) : undefined;
    const file = path.join(folder, settings);
    const json = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
    // a config.json that does not speak of the forced end means this one, as BartConfig has it
    const unsaid = settings === 'config.json' ? {forced_eos_token_id: 2} : {};
    const generation = generationFromHub({...unsaid, ...json}, file);
    return {bart, tokenizer, generation, folder};
  } catch (error) {
    bart.dispose();
    throw error;
  }
}
