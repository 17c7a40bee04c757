import {test} from 'node:test';
import {estimate} from 'latent-lib/evaluation/estimate';
import {close} from '../helpers/close';

test('a mean and its standard error by hand', () => {
  const {mean, standardError} = estimate(Float64Array.of(1, 2, 3, 6));
  close('mean', mean, 3, {atol: 1e-12});
  close('standard error', standardError, Math.sqrt(14 / 3 / 4), {atol: 1e-12});
});
