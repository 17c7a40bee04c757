/**
 * Where data lies: the folder data/ of the clone, found from this file, or what LATENT_DATA names.
 * Source: the layout in the README.   Lesson: none; every loader asks here.
 */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';

const PROJECT = 'latent-notebooks';

/**
 * The folder for downloaded and generated data: the variable LATENT_DATA where it is set; else data/
 * in the nearest folder above this file, or above the working directory, that holds the project's
 * package.json; else data/ in the working directory. It need not exist.
 */
export function dataFolder(): string {
  const named = process.env['LATENT_DATA'];
  if (named !== undefined && named !== '') return path.resolve(named);
  return path.join(projectAbove(__dirname) ?? projectAbove(process.cwd()) ?? process.cwd(), 'data');
}

/** A path as a lesson may print it: from the clone's root where it lies within, else whole. */
export function shown(file: string): string {
  const inside = path.relative(path.dirname(dataFolder()), file);
  return inside === '' || inside.startsWith('..') || path.isAbsolute(inside) ? file : inside;
}

/** The nearest folder at or above this one whose package.json is the project's. */
export function projectAbove(start: string): string | undefined {
  for (let folder = start; ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (existsSync(file) && isProject(readFileSync(file, 'utf8'))) return folder;
    if (path.dirname(folder) === folder) return undefined;
  }
}

function isProject(json: string): boolean {
  try {
    return (JSON.parse(json) as {readonly name?: unknown}).name === PROJECT;
  } catch {
    return false; // somebody else's file, broken
  }
}
