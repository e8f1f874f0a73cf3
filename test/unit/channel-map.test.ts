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
