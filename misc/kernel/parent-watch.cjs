/**
 * Ends the kernel when the program that started it is gone (nbclient or JupyterLab killed): nobody
 * can speak to it any more. The watch runs on its own thread, so that a busy cell does not stop it.
 */
'use strict';
const {Worker, isMainThread, workerData} = require('node:worker_threads');

const EVERY_MS = 1000;

/** Starts the watch. Only a kernel that a Jupyter client started as its child has JPY_PARENT_PID. */
function dieWithParent() {
  if (process.env['JPY_PARENT_PID'] === undefined) return;
  new Worker(__filename, {workerData: {parent: process.ppid}, execArgv: []}).unref();
}

if (!isMainThread) {
  setInterval(() => {
    if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
  }, EVERY_MS);
}

module.exports = {dieWithParent};
