const NAMES = ['count', 'sum', 'min', 'max', 'avg'] as const;

export type AggregateName = (typeof NAMES)[number];

export function isAggregate(name: string): name is AggregateName {
  return (NAMES as readonly string[]).includes(name);
}
