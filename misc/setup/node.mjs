/**
 * Step 1: Node itself.
 */

/** @typedef {import('./context.mjs').StepState} StepState */

/** The versions that the packages in package-lock.json support, as [major, minor]. */
const SUPPORTED = /** @type {const} */ ([
  [20, 19],
  [22, 13],
  [24, 0],
  [26, 0],
]);

/**
 * @param {{node: {version: string}}} context
 * @returns {StepState}
 */
export function checkNode({node}) {
  const [major = 0, minor = 0] = node.version.split('.').map(Number);
  const line = SUPPORTED.find(([known]) => known === major);
  const newer = major > 26;
  if (newer || (line !== undefined && minor >= line[1])) {
    return {ok: true, detail: `Node ${node.version}${newer ? ' (tried up to 26)' : ''}`};
  }
  const wanted = SUPPORTED.map(([a, b]) => (b === 0 ? `${a}` : `${a}.${b}`)).join(', ');
  return {
    ok: false,
    detail: `Node ${node.version} is not supported; wanted: ${wanted} or later in each line.`,
    remedy: 'nvm install 24   (or the installer of https://nodejs.org)',
  };
}
