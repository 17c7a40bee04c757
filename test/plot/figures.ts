/** What every figure must be: valid for plotly, titled, explained, small. */
import assert from 'node:assert/strict';
import {plotly} from 'latent-lib/plot/browserless';
import {type Figure} from 'latent-lib/plot/figure';
import {assertDrawable} from 'latent-lib/plot/picture';

/** A figure as it is stored in a notebook. */
export function stored(figure: Figure): {
  data: Record<string, unknown>[];
  layout: Record<string, Record<string, unknown>>;
} {
  return JSON.parse(JSON.stringify({data: figure.data, layout: figure.layout})) as ReturnType<
    typeof stored
  >;
}

/** Asserts what holds for every figure, and gives its stored form back. */
export function assertFigure(figure: Figure, bytes = 60_000): ReturnType<typeof stored> {
  const whole = stored(figure);
  const complaints = Array.from(plotly().validate(whole.data, whole.layout) ?? [], ({msg}) => msg);
  // A marker that is not drawn, since there are only lines, is no fault.
  assert.deepEqual(
    complaints.filter(text => !/container marker did not get coerced/.test(text)),
    [],
  );
  assertDrawable(figure);
  assert.ok(figure.layout.title.text.length > 3, 'a title');
  assert.match(figure.alt, /^\S[\s\S]{10,}\.$/, 'an alternative text that ends as a sentence');
  for (const [name, axis] of Object.entries(whole.layout)) {
    if (!/^[xy]axis/.test(name) || axis['visible'] === false) continue;
    assert.ok('title' in axis || 'ticktext' in axis, `${name} says what it is`);
  }
  const size = JSON.stringify(whole).length;
  assert.ok(size <= bytes, `${size} bytes, at most ${bytes}`);
  return whole;
}
