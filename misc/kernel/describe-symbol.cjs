/** What Shift-Tab shows: the signature, the documentation, and its tags with their labels. */
'use strict';

/**
 * @param {import('@tslab/typescript-for-tslab').QuickInfo} info
 * @returns {string}
 */
function describeSymbol({displayParts, documentation, tags}) {
  const joined = (/** @type {readonly {text: string}[] | undefined} */ parts) =>
    (parts ?? []).map(part => part.text).join('');
  const labelled = (tags ?? []).map(tag => `@${tag.name} ${joined(tag.text)}`.trimEnd());
  const paragraphs = [joined(displayParts), joined(documentation), labelled.join('\n')];
  return paragraphs.filter(text => text !== '').join('\n\n');
}

module.exports = {describeSymbol};
