// @ts-check
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const COMMAND = fileURLToPath(new URL('../../misc/commands/experiment.mjs', import.meta.url));
const NAMES = ['semantics', '16th_5_tkn', 'batch_small', '30Seq', 'right_mmd'];
const SMALL = ['--width', '16', '--examples', '60', '--steps', '24', '--save-every', '5'];
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'experiment-'));
const env = {...process.env, TF_CPP_MIN_LOG_LEVEL: '3'};

after(() => fs.rmSync(temporary, {recursive: true, force: true}));

/** @param {readonly string[]} args */
function experiment(...args) {
  const {status, stdout, stderr} = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env,
  });
  return {status, printed: stdout + stderr};
}

/** @param {string} folder */
const logOf = folder => fs.readFileSync(path.join(folder, 'log.jsonl'), 'utf8');

test('a run that was killed goes on exactly: same log, same weights, same moments', async () => {
  const [whole, killed] = ['whole', 'killed'].map(name => path.join(temporary, name));
  assert.ok(whole !== undefined && killed !== undefined);
  const unbroken = experiment(...NAMES, ...SMALL, '--out', whole);
  assert.equal(unbroken.status, 0, unbroken.printed);

  const child = spawn(process.execPath, [COMMAND, ...NAMES, ...SMALL, '--out', killed], {
    env,
    stdio: 'ignore',
  });
  const ended = new Promise(resolve => child.on('close', (_, signal) => resolve(signal)));
  const log = path.join(killed, 'log.jsonl');
  while (!fs.existsSync(log) || logOf(killed).split('\n').length < 13) {
    assert.equal(child.exitCode, null, 'it ends before it can be killed');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL');
  assert.notEqual(logOf(killed), logOf(whole));
  fs.appendFileSync(log, '{"loss": 1.5, "st'); // a line that was not finished

  const resumed = experiment(...NAMES, ...SMALL, '--out', killed);
  assert.equal(resumed.status, 0, resumed.printed);
  assert.equal(logOf(killed), logOf(whole));
  const states = [whole, killed].map(folder =>
    fs.readFileSync(path.join(folder, 'training.safetensors')),
  );
  assert.ok(states[0]?.equals(states[1] ?? Buffer.alloc(0)), 'the checkpoints differ');

  const again = experiment(...NAMES, ...SMALL, '--out', killed);
  assert.match(again.printed, /All 24 steps are done already/);
  const other = experiment(...NAMES, ...SMALL, '--seed', '7', '--out', killed);
  assert.equal(other.status, 2);
  assert.match(other.printed, /holds a run with seed 6, and this is one with 7/);
});

test('names and options that make no sense end with 2, and say what there is', () => {
  const unknown = experiment('mnist_tiny', 'batch_huge');
  assert.equal(unknown.status, 2);
  assert.match(unknown.printed, /no experiment "batch_huge"[^]*funnel_tiny[^]*batch_small/);
  assert.equal(experiment('mnist_tiny', '--steps', 'many').status, 2);
  assert.equal(experiment('mnist_tiny', '--stpes', '3').status, 2);
  assert.match(experiment('--list').printed, /tenth_5_tkn/);
});
