/** What the functions of scalars give, one value at a time. */
import { exp, exp2, log1p, power, sigmoid } from '../../../../db/numeric/index.ts';
import type { ScalarFunction } from '../../../../db/ranking/schema/model.ts';

export function applied(name: ScalarFunction, [x = 0, y, z, ...more]: readonly number[]): number {
  const all = [x, ...(y === undefined ? [] : [y]), ...(z === undefined ? [] : [z]), ...more];
  switch (name) {
    case '+':
      return all.reduce((sum, one) => sum + one);
    case '*':
      return all.reduce((product, one) => product * one);
    case 'min':
      return Math.min(...all);
    case 'max':
      return Math.max(...all);
    case '-':
      return y === undefined ? -x : x - y;
    case '/':
      return y === 0 ? 0 : x / y!;
    case 'clamp':
      return Math.max(y!, Math.min(z!, x));
    case 'log1p':
      return x > -1 ? log1p(x) : 0;
    case 'exp':
      return Math.min(1e100, exp(x));
    case 'sqrt':
      return x > 0 ? Math.sqrt(x) : 0;
    case 'abs':
      return Math.abs(x);
    case 'pow':
      return x === 0 && y! < 0 ? 0 : Number.isNaN(power(x, y!)) ? 0 : power(x, y!);
    case 'saturate':
      return x + y! === 0 ? 0 : x / (x + y!);
    case 'sigmoid':
      return sigmoid(x);
    case 'decay':
      return y! > 0 ? exp2(-x / y!) : 0;
    case 'share':
    case 'overdispersion':
      throw new Error('a share is of all candidates');
  }
}
