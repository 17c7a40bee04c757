/**
 * Models in the plane of rate (KL) and distortion (reconstruction), where the ELBO is a diagonal.
 * Source: Alemi et al. 2018, "Fixing a Broken ELBO", fig. 1.   Lesson: notebooks/01, notebooks/06.
 */
import {extent, type Figure, rounded, tidy, type Trace} from './figure';
import {axis, COLOURS, figure} from './theme';

/** One trained model. Both in nats per example, on held-out data. */
export interface RateDistortionPoint {
  readonly name: string;
  readonly rate: number;
  readonly distortion: number;
}

/**
 * Each model as a point; dotted lines join points of the same −ELBO = rate + distortion.
 * @throws RangeError when there is no point
 */
export function rateDistortion(
  points: readonly RateDistortionPoint[],
  {title = 'Rate against distortion: what each model pays, and for what'} = {},
): Figure {
  if (points.length === 0) throw new RangeError('rateDistortion: there is no point.');
  const byRate = [...points].sort((a, b) => a.rate - b.rate);
  const [left, right] = extent(byRate.map(({rate}) => rate));
  const margin = (right - left || right || 1) * 0.15;
  const ends = [Math.max(0, left - margin), right + margin];
  const bounds = byRate.map(({rate, distortion}) => rate + distortion);
  const best = Math.min(...bounds);
  const diagonals = [...new Set([best, Math.max(...bounds)])].map((bound): Trace => ({
    type: 'scatter',
    mode: 'lines',
    name: `−ELBO = ${tidy(bound)} nats`,
    x: rounded(ends),
    y: rounded(ends.map(rate => bound - rate)),
    line: {color: COLOURS.loss, dash: 'dot', width: 1.5},
    hoverinfo: 'skip',
  }));
  const winner = byRate[bounds.indexOf(best)]!;
  return figure(
    title,
    `${title}. ` +
      byRate
        .map(({name, rate, distortion}) => `${name}: ${tidy(rate)} + ${tidy(distortion)}`)
        .join('; ') +
      ` nats. Best bound: ${winner.name}, ${tidy(best)} nats.`,
    [
      ...diagonals,
      {
        type: 'scatter',
        mode: 'lines+markers+text',
        name: 'models',
        x: rounded(byRate.map(({rate}) => rate)),
        y: rounded(byRate.map(({distortion}) => distortion)),
        text: byRate.map(({name}) => name),
        textposition: 'top right',
        marker: {size: 9, color: COLOURS.posterior},
        line: {color: COLOURS.posterior, width: 1},
        customdata: rounded(bounds, 5),
        hovertemplate:
          '%{text}<br>rate %{x:.4g}, distortion %{y:.4g}<br>−ELBO %{customdata} nats<extra></extra>',
      },
    ],
    {
      width: 600,
      height: 420,
      xaxis: axis('rate: KL to the prior', 'nats', {range: ends}),
      yaxis: axis('distortion: −log p(x|z)', 'nats'),
    },
  );
}
