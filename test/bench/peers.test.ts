import { describe, expect, test } from 'vitest';
import { missingPackages, NEEDED } from '../../scripts/bench/peers/debian.ts';
import { libraryAims, serverAims } from '../../scripts/bench/peers/matrix.ts';
import { fastest, findingsOf, ratioOfRounds } from '../../scripts/bench/peers/outcome.ts';
import { between, renderPage } from '../../scripts/bench/peers/page.ts';
import { barChart, compact } from '../../scripts/bench/peers/plot.ts';
import { bytesASync } from '../../scripts/bench/peers/raw-disk.ts';
import { parseRate } from '../../scripts/bench/peers/redis.ts';
import { parseOperations } from '../../scripts/bench/peers/rocksdb.ts';
import { rotated, type ShapeResult } from '../../scripts/bench/peers/rounds.ts';
import { merge } from '../../scripts/bench/peers/store.ts';

const shape = { name: '64 × 1', clients: 64, inFlight: 1, batch: 1, bytes: 256 };

function result(rates: Readonly<Record<string, readonly number[]>>): ShapeResult {
  const measured = Object.entries(rates).map(([name, each]) => ({
    name,
    durable: name !== 'NATS JetStream',
    rates: each,
  }));
  return { shape, measured, missed: [{ name: 'etcd', reason: 'not installed' }] };
}

describe('the comparison with peers', () => {
  test('compares round with round, so that weather both saw does not count', () => {
    expect(ratioOfRounds([100, 10, 1], [50, 5, 0.5])).toBe(2);
    expect(ratioOfRounds([100, 10, 1], [1, 5, 10])).toBe(2);
  });

  test('shows who could not be measured, and why', () => {
    const findings = findingsOf('servers', result({ TruthDB: [4, 2, 6], redis: [2, 2, 2] }), 'TruthDB');
    expect(findings.map(({ who, value, ratio, note }) => [who, value, ratio, note])).toEqual([
      ['TruthDB', 4, null, ''],
      ['redis', 2, 2, ''],
      ['etcd', null, null, 'not installed'],
    ]);
  });

  test('misses an aim whose peer is absent instead of leaving it out', () => {
    const aims = serverAims([result({ TruthDB: [10], redis: [5], PostgreSQL: [2] })]);
    expect(aims.map(({ name, value, met }) => [name.slice(15), value, met])).toEqual([
      ['times redis', 2, true],
      ['times PostgreSQL', 5, true],
      ['times etcd', Number.NaN, false],
    ]);
  });

  test('replaces what was known of a load that is measured again, and keeps the rest', () => {
    const first = findingsOf('servers', result({ TruthDB: [1], redis: [1] }), 'TruthDB');
    const other = findingsOf('libraries', result({ lmdb: [3] }), 'TruthDB log');
    const again = findingsOf('servers', result({ TruthDB: [2] }), 'TruthDB');
    const aim = { name: 'a', aim: '≥ 1', value: 1, met: true };
    const merged = merge({ findings: [...first, ...other], aims: [aim] }, { findings: again, aims: [] });
    expect(merged).toEqual({ findings: [...other, ...again], aims: [aim] });
  });

  test('has no aims for shapes that were not measured', () => {
    expect(libraryAims([result({})])).toEqual([]);
  });

  test('takes nobody for the best who loses acknowledged events', () => {
    const all = result({ redis: [5], 'NATS JetStream': [50], PostgreSQL: [7] });
    expect(fastest(all, ['redis', 'NATS JetStream', 'PostgreSQL'])?.name).toBe('PostgreSQL');
    expect(fastest(all, ['etcd'])).toBeNull();
  });

  test('begins every round with another contender', () => {
    expect(rotated(['a', 'b', 'c'], 4)).toEqual(['b', 'c', 'a']);
    expect(rotated([], 3)).toEqual([]);
  });

  test('lets the bare disk put under one sync what the load has under way', () => {
    expect(bytesASync({ ...shape, inFlight: 16 })).toBe(64 * 16 * 256);
    expect(bytesASync({ ...shape, batch: 1_000_000 })).toBe(8 * 1024 * 1024);
  });

  test('asks Debian only for what is not there', () => {
    expect(missingPackages(() => true)).toEqual([]);
    expect(missingPackages((path) => !path.includes('redis'))).toEqual(['redis-server', 'redis-tools']);
    expect(missingPackages(() => false)).toEqual(NEEDED.map((needed) => needed.package));
  });
});

describe('the output of load generators', () => {
  test('redis-benchmark gives its rate in the second column', () => {
    const csv =
      '"test","rps","avg_latency_ms"\n"XADD log * d aaa","59171.60","0.998","0.312","0.999","1.2","1.9","2.5"\n';
    expect(parseRate(csv)).toBe(59171.6);
    expect(() => parseRate('Could not connect')).toThrow('printed no rate');
  });

  test('db_bench gives operations per second of the benchmark asked for', () => {
    const output =
      'fillbatch    :       1.431 micros/op 698576 ops/sec 1.431 seconds 1000000 operations;  175.9 MB/s\nreadseq : 0.5 micros/op 2000000 ops/sec';
    expect(parseOperations(output, 'fillbatch')).toBe(698_576);
    expect(parseOperations(output, 'readseq')).toBe(2_000_000);
    expect(() => parseOperations(output, 'fillseq')).toThrow('printed no rate');
  });
});

describe('the page of the comparison', () => {
  const machine = {
    ...{ cpu: 'a processor', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: '26' },
    ...{ fileSystem: 'ext4 on /dev/a', freeGiB: 1 },
  };
  const findings = findingsOf('servers', result({ TruthDB: [400_000], redis: [200_000] }), 'TruthDB');
  const page = { machine, plan: { rounds: 5 }, load: 2, peers: [], findings, aims: [] };

  test('has a row for each contender with how much faster TruthDB is', () => {
    const text = renderPage(page);
    expect(text).toContain('| TruthDB | 400 k |');
    expect(text).toContain('| redis | 200 k (2×) |');
    expect(text).toContain('| etcd | absent |');
  });

  test('says so when the machine was busy with other things', () => {
    expect(renderPage(page)).not.toContain('busy');
    expect(renderPage({ ...page, load: 9 })).toContain('a load of 9 on 2 cores');
  });

  test('replaces what stands between the markers and nothing else', () => {
    const before = 'a\n<!-- bench peers: begin -->\nold\n<!-- bench peers: end -->\nb';
    expect(between(before, 'new')).toBe(
      'a\n<!-- bench peers: begin -->\n\nnew\n\n<!-- bench peers: end -->\nb',
    );
    expect(() => between('no markers', 'new')).toThrow('needs the lines');
  });

  test('draws each bar as long as its value', () => {
    const svg = barChart('<title>', 'caption', [
      {
        title: 'panel',
        bars: [
          { name: 'a', value: 100, kind: 'own' },
          { name: 'b', value: 50, kind: 'peer' },
        ],
      },
    ]);
    const [first, second] = [...svg.matchAll(/width="(\d+)" height="16"/g)].map((match) => Number(match[1]));
    expect(second).toBe((first ?? 0) / 2);
    expect(svg).toContain('&lt;title&gt;');
  });

  test('writes numbers as short as they are worth', () => {
    expect([1_234_567, 59_171, 102.34].map(compact)).toEqual(['1.23 M', '59.2 k', '102']);
  });
});
