/** The channel map of mirror-server: PvaPy's grammar, and one clear line for every mistake. */
import { describe, expect, it } from 'vitest';
import { mirrorRequest, parseChannelMap } from '../../src/mirror/channel-map.ts';

const only = (text: string) => {
  const [spec, ...more] = parseChannelMap(text);
  expect(more).toEqual([]);
  return spec;
};

describe('a channel map', () => {
  it('has defaults for all but the two names', () => {
    const defaults = { mirror: 'm', source: 's', queueSize: 0, nMonitors: 1, request: '' };
    expect(only('(m,s)')).toEqual(defaults);
    expect(only('(m,s,PVA)')).toEqual(defaults);
    expect(only(' ( m , s , pva , 0 , 1 , ) ')).toEqual(defaults);
  });

  it("reads PvaPy's example with a distributor", () => {
    const spec = only(
      '(pvapy:mirror,pvapy:image,pva,1000,4,_[pydistributor=updates:1;group:mirror;trigger:uniqueId])',
    );
    expect(spec).toEqual({
      mirror: 'pvapy:mirror',
      source: 'pvapy:image',
      queueSize: 1000,
      nMonitors: 4,
      request: '_[pydistributor=updates:1;group:mirror;trigger:uniqueId]',
    });
    expect(spec && mirrorRequest(spec)).toBe(
      'record[queueSize=1000]field(_[pydistributor=updates:1;group:mirror;trigger:uniqueId])',
    );
  });

  it.for(['_[pydistributor=updates:2]', '_[distributor=group:g]', '_[pydistributor=group:g;set:a;mode:one]'])(
    'lets several monitors share by %s',
    (request) => {
      expect(only(`(m,s,pva,0,2,${request})`)).toMatchObject({ nMonitors: 2, request });
    },
  );

  it('what it advises in place of several monitors without a distributor is a map', () => {
    let said = '';
    try {
      parseChannelMap('(m:i,s,pva,10,3)');
    } catch (error) {
      said = (error as Error).message;
    }
    const advised = [...said.matchAll(/(?:write|or) (\([^)]*\))/g)].map(([, map]) => only(map ?? ''));
    expect(advised.map((spec) => spec?.nMonitors)).toEqual([1, 3]);
  });

  it('holds several channels, also mirrors of mirrors', () => {
    expect(parseChannelMap('(a,b),(c,d), (e,a)').map(({ mirror, source }) => [mirror, source])).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'a'],
    ]);
  });

  it('asks for all fields unless told otherwise', () => {
    expect(mirrorRequest({ mirror: 'm', source: 's', queueSize: 0, nMonitors: 1, request: '' })).toBe(
      'field()',
    );
    expect(mirrorRequest({ mirror: 'm', source: 's', queueSize: 2, nMonitors: 1, request: 'value' })).toBe(
      'record[queueSize=2]field(value)',
    );
  });
});

describe('a mistake', () => {
  it.for<[string, RegExp]>([
    ['', /channel map is empty/],
    ['m,s', /cannot read 'm,s'/],
    ['(m,s', /cannot read '\(m,s'/],
    ['(m,s)(n,t)', /cannot read '\(m,s\)\(n,t\)'/],
    ['(m,s),', /nothing follows the last comma/],
    ['(m)', /a mirror channel and a source channel are needed/],
    ['(,s)', /a mirror channel and a source channel are needed/],
    ['(m,s t)', /contains a blank/],
    ['(m,s,pva,1,1,value,more)', /7 members, at most 6/],
    [
      '(m,s,ca)',
      /^channel map: \(m,s,ca\): Channel Access is not offered; write \(m,s,pva\), .*0013-channel-access/,
    ],
    ['(m,s,tcp)', /unknown provider 'tcp'/],
    ['(m,s,pva,-1)', /queue size '-1' is not a whole number from 0/],
    ['(m,s,pva,1.5)', /queue size '1.5'/],
    ['(m,s,pva,1,0)', /number of monitors '0' is not a whole number from 1/],
    ['(m,s,pva,1,many)', /number of monitors 'many'/],
    [
      '(m:i,s,pva,10,3)',
      /3 monitors that do not share by a distributor would publish every update 3 times; write \(m:i,s,pva,10,1\), or \(m:i,s,pva,10,3,_\[pydistributor=updates:1;group:m-i;trigger:uniqueId\]\)$/,
    ],
    ['(m,s,pva,0,2,value)', /write \(m,s,pva,0,1,value\), or/],
    ['(m,s,pva,0,2,_[deadband=abs:1])', /2 monitors that do not share/],
    // Of a distributor that gives all of them everything, too.
    ['(m,s,pva,0,2,_[pydistributor=updates:0])', /2 monitors that do not share/],
    ['(m,s,pva,0,2,_[pydistributor=updates:few])', /2 monitors that do not share/],
    ['(m,s,pva,0,2,_[pydistributor=set:a])', /2 monitors that do not share/],
    ['(m,s,pva,0,2,_[pydistributor=set:a;mode:all])', /2 monitors that do not share/],
    ['(m,s,pva,0,2,value[pydistributor=updates:1])', /2 monitors that do not share/],
    ['(m,s),(m,t)', /'m' is given twice/],
    ['(m,m)', /would mirror themselves: m from m$/],
    ['(a,b),(b,c),(c,a)', /would mirror themselves: a from b from c from a$/],
    ['(x,a),(a,b),(b,a)', /would mirror themselves: a from b from a$/],
  ])('%s is said in one line', ([text, message]) => {
    expect(() => parseChannelMap(text)).toThrow(
      expect.objectContaining({ code: 'HPC_CHANNEL_MAP', message: expect.stringMatching(message) }),
    );
  });
});
