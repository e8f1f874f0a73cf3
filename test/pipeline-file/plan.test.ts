// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of pipeline files look like those of templates
/** What a pipeline file says, and all that is wrong with one: every mistake in one line, with its place. */
import { describe, expect, it } from 'vitest';
import { argv, mistakes, plan, stage } from './planning.ts';

const CHAIN = `name: chain
stages:
  - name: detector
    command: ad-sim-server
    options: { channel-name: det:image, frame-rate: 100 }
  - name: first
    command: hpc-consumer
    input: detector
    options: { output-channel: first:output, processor-class: UserDataProcessor }
  - name: second
    command: hpc-consumer
    input: first
    options: { output-channel: second:output, processor-class: UserDataProcessor }
`;

describe('a good file', () => {
  it('joins stages by their channels, in flow order, and starts them against the flow', () => {
    const chain = plan(CHAIN);
    expect(chain.stages.map(({ name }) => name)).toEqual(['detector', 'first', 'second']);
    expect(chain.start).toEqual(['second', 'first', 'detector']);
    expect(chain.edges).toEqual([
      { from: 'detector', to: 'first', channel: 'det:image', metadata: false },
      { from: 'first', to: 'second', channel: 'first:output', metadata: false },
    ]);
    expect(chain.stages.map(({ isSource }) => isSource)).toEqual([true, false, false]);
    expect(argv(chain, 'first')).toBe(
      '--input-channel det:image --output-channel first:output --processor-class UserDataProcessor',
    );
  });

  it('may name channels instead of stages, in any order of the list', () => {
    const chain = plan(`name: chain
stages:
  - name: reader
    command: hpc-consumer
    options: { input-channel: pvapy:image }
  - name: detector
    command: ad-sim-server
`);
    expect(chain.stages.map(({ name }) => name)).toEqual(['detector', 'reader']);
    expect(chain.start).toEqual(['reader', 'detector']);
  });

  it('knows channels that processors serve beside their output', () => {
    const chain = plan(`name: chain
stages:
  - { name: reader, command: hpc-consumer, options: { input-channel: 'first:2:statistics', oid-field: imageId } }
  - { name: peaks, command: hpc-consumer, options: { input-channel: 'peaks:1:found' } }
  - { name: fast, command: hpc-consumer, input: det, options: { metadata-channels: [pva://peaks:sum] } }
  - name: first
    command: hpc-consumer
    input: det
    options: { n-consumers: 2, output-channel: 'first:*', processor-class: ImageStatisticsProcessor }
  - name: second
    command: hpc-collector
    input: first
    serves: ['peaks:*:found', peaks:sum]
    options: { processor-class: Mine, processor-file: there.ts }
  - { name: det, command: ad-sim-server }
`);
    expect(stage(chain, 'first').channels.processorOutputs).toEqual([
      'first:1:statistics',
      'first:2:statistics',
    ]);
    expect(chain.edges).toContainEqual({
      from: 'first',
      to: 'reader',
      channel: 'first:2:statistics',
      metadata: false,
    });
    expect(chain.edges).toContainEqual({ from: 'second', to: 'fast', channel: 'peaks:sum', metadata: true });
    // They receive to the end: they are no sources.
    expect(chain.stages.filter(({ isSource }) => isSource).map(({ name }) => name)).toEqual(['det']);
    expect(chain.start.at(-1)).toBe('det');
  });

  it("starts a stage behind those it names in 'after'", () => {
    const text = CHAIN.replace('input: detector\n', 'input: detector\n    after: detector\n');
    expect(plan(text).start).toEqual(['second', 'detector', 'first']);
  });

  it.each([
    ['PVA', 'PVAS'],
    [0, 1],
  ])('knows modes however they are written: %s, %s', (output, input) => {
    const chain = plan(`name: x
stages:
  - { name: det, command: ad-sim-server }
  - { name: a, command: hpc-consumer, input: det, options: { output-channel: a:out, output-mode: ${output} } }
  - { name: b, command: hpc-consumer, input: a, options: { input-mode: ${input} } }
`);
    expect(stage(chain, 'a').channels.served).not.toContain('a:out');
    expect(stage(chain, 'b').channels).toMatchObject({ servesInput: true });
    expect(argv(chain, 'b')).toContain(`--input-mode ${input}`);
  });

  it('keeps values as they are written, and lists with commas', () => {
    const chain = plan(`name: x
network: environment
stages:
  - name: a
    command: hpc-consumer
    options:
      input-channel: in
      distributor-set: 007
      accumulation-timeout: 1e1
      log-level: DEBUG
      metadata-channels: [pva://m:x, pva://m:y]
      processor-args: { limit: 3, names: [a, b] }
      fail-on-loss: true
      disable-curses: false
      skip-initial-updates: -1
`);
    expect(stage(chain, 'a').options.argv()).toEqual([
      ...['--input-channel', 'in'],
      ...['--metadata-channels', 'pva://m:x,pva://m:y'],
      ...['--accumulation-timeout', '1e1'],
      ...['--processor-args', '{"limit":3,"names":["a","b"]}'],
      '--skip-initial-updates=-1',
      ...['--distributor-set', '007'],
      ...['--log-level', 'DEBUG'],
      '--fail-on-loss',
    ]);
  });
});

describe("'input'", () => {
  const workers = (options: string, to: string): string => `name: x
stages:
  - { name: det, command: ad-sim-server }
  - name: workers
    command: hpc-consumer
    input: det
    options: { ${options} }
  - name: next
    ${to}
`;

  it('gives a collector all consumers of a stage: their name with *, their ids, their format', () => {
    const chain = plan(
      workers(
        "n-consumers: 3, consumer-id: 4, id-format-spec: 02d, output-channel: 'w:*:out'",
        'command: hpc-collector\n    input: workers',
      ),
    );
    expect(argv(chain, 'next')).toBe('--input-channel w:*:out --producer-id-list 4,5,6 --id-format-spec 02d');
    expect(chain.edges.filter(({ to }) => to === 'next').map(({ channel }) => channel)).toEqual([
      'w:04:out',
      'w:05:out',
      'w:06:out',
    ]);
  });

  it("knows the name '_' stands for", () => {
    const chain = plan(
      workers('n-consumers: 2, output-channel: _', 'command: hpc-collector\n    input: workers'),
    );
    expect(argv(chain, 'next')).toBe('--input-channel pvapy:consumer:*:output --producer-id-list 1,2');
  });

  it('gives a collector several stages whose channels differ in a number', () => {
    const chain = plan(`name: x
stages:
  - { name: a, command: ad-sim-server, options: { channel-name: 'det2:cam1:image' } }
  - { name: b, command: ad-sim-server, options: { channel-name: 'det2:cam12:image' } }
  - { name: c, command: hpc-collector, input: [a, b] }
`);
    expect(argv(chain, 'c')).toBe('--input-channel det2:cam*:image --producer-id-list 1,12');
  });

  it('gives each consumer the consumer of the same id', () => {
    const chain = plan(
      workers(
        "n-consumers: 2, output-channel: 'w:*:out'",
        "command: hpc-consumer\n    input: workers\n    options: { n-consumers: 2, output-channel: 'n:*' }",
      ),
    );
    expect(argv(chain, 'next')).toContain('--input-channel w:*:out');
    expect(chain.edges.filter(({ to }) => to === 'next')).toHaveLength(2);
  });

  it.for([
    [
      "n-consumers: 2, output-channel: 'w:*:out'",
      'command: hpc-consumer\n    input: workers\n    options: { n-consumers: 3, output-channel: "n:*" }',
      "10:12: stage 'next': 'workers' has the output channels w:1:out, w:2:out, but this stage the consumer ids 1, 2, 3; give both the same ids, or put an hpc-collector between them",
    ],
    [
      'processor-class: UserDataProcessor',
      'command: hpc-consumer\n    input: workers',
      "10:12: stage 'next': 'workers' has no output channel; give it the option 'output-channel'",
    ],
    [
      'output-channel: o',
      'command: hpc-consumer\n    input: workers\n    options: { input-channel: o }',
      "10:12: stage 'next': has both 'input' and the option 'input-channel'; leave one of them out",
    ],
    [
      'output-channel: o',
      'command: hpc-consumer\n    input: [workers, det]',
      "10:12: stage 'next': hpc-consumer takes one input; several are for an hpc-collector",
    ],
    [
      'output-channel: o',
      'command: hpc-collector\n    input: [workers, det]',
      "10:12: stage 'next': the input channels o, pvapy:image are not one name with a number that differs; name them so, for example with * for the consumer id in 'output-channel'",
    ],
    [
      'output-channel: o',
      'command: ad-sim-server\n    input: workers',
      "10:12: stage 'next': ad-sim-server has no input",
    ],
    [
      'output-channel: o',
      'command: mirror-server\n    input: workers',
      "10:12: stage 'next': mirror-server has no input channel; name the stage's output channel in its option 'channel-map'",
    ],
    [
      'output-channel: o',
      'command: hpc-consumer',
      "8:11: stage 'next': hpc-consumer needs the option 'input-channel', or the key 'input'",
    ],
  ] as const)('%s, then %s', ([options, to, wanted]) => {
    expect(mistakes(workers(options, to))).toEqual([wanted]);
  });
});

describe('mistakes', () => {
  it('are all told at once, in the order of the file', () => {
    expect(
      mistakes(`name: 7
sages: []
stages:
  - name: det
    comand: ad-sim-server
    command: ad-sim-servr
  - name: con
    command: hpc-consumer
    input: dett
    restart: sometimes
  - name: other
    command: hpc-consumer
    after: other2
    options:
      imput-channel: x
      server-queue-size: many
      qsr: 1
      processor-args: '{"a": }'
      fail-on-loss: 1
      nc: 2
`),
    ).toEqual([
      '1:7: name: must be a string, not 7',
      "2:1: there is no key 'sages'; did you mean 'stages'?",
      "5:5: stage 'det': there is no key 'comand'; did you mean 'command'?",
      "6:14: stage 'det': command: \"ad-sim-servr\" is not one of ad-sim-server, mirror-server, hpc-consumer, hpc-collector; did you mean 'ad-sim-server'?",
      '10:14: stage \'con\': restart: "sometimes" is not one of never, on-failure',
      "13:12: stage 'other': after: there is no stage 'other2'; did you mean 'other'?",
      "15:7: stage 'other': hpc-consumer has no option 'imput-channel'; did you mean 'input-channel'?",
      "16:26: stage 'other': option 'server-queue-size': invalid int value: 'many'",
      "17:7: stage 'other': hpc-consumer has no option 'qsr'",
      "18:23: stage 'other': option 'processor-args': invalid JSON at position 7 (expected a value, found '}'): {\"a\": }",
      "19:21: stage 'other': option 'fail-on-loss': must be true or false, not 1",
      "20:7: stage 'other': hpc-consumer has no option 'nc'; did you mean 'n-consumers'?",
    ]);
  });

  it('are told where they stand, through aliases and merged maps', () => {
    const text = `name: x
stages:
  - name: det
    command: ad-sim-server
    options: &det
      frame-rate: fast
      channel-name: a
      bogus: 1
  - { name: again, command: ad-sim-server, options: *det }
  - { name: more, command: ad-sim-server, options: { <<: *det, channel-name: b } }
`;
    const stages = ['det', 'again', 'more'];
    expect(mistakes(text)).toEqual([
      ...stages.map((name) => `6:19: stage '${name}': option 'frame-rate': invalid float value: 'fast'`),
      ...stages.map((name) => `8:7: stage '${name}': ad-sim-server has no option 'bogus'`),
    ]);
    expect(mistakes('&a { <<: *a, name: x }')).toEqual([expect.stringMatching(/^1:1: YAML: /)]);
  });

  it('of the syntax have their place', () => {
    expect(mistakes('name: x\nstages:\n  - name: [a\n')).toEqual([expect.stringMatching(/^\d+:\d+: YAML: /)]);
    expect(mistakes('name: x\nname: y\n')).toEqual([expect.stringMatching(/^2:1: YAML: .*unique/)]);
  });

  it('are told for an empty file and for one that is no mapping', () => {
    expect(mistakes('')).toEqual(['1:1: must be a mapping, not null']);
    expect(mistakes('- a\n')).toEqual([expect.stringMatching(/^1:1: must be a mapping/)]);
    expect(mistakes('name: x\n')).toEqual(["1:1: the key 'stages' is missing"]);
  });

  it('refuses the same name twice, and stages that do not exist', () => {
    expect(mistakes(CHAIN.replace('name: second', 'name: first'))).toContain(
      "10:11: two stages have the name 'first'",
    );
    expect(mistakes(CHAIN.replace('input: first', 'input: frist'))).toEqual([
      "12:12: stage 'second': input: there is no stage 'frist'; did you mean 'first'?",
    ]);
  });

  it('refuses objects that go round, by stages or by channels', () => {
    const round = `name: x
stages:
  - { name: a, command: hpc-consumer, input: b, options: { output-channel: a:out } }
  - { name: b, command: hpc-consumer, input: a, options: { output-channel: b:out } }
`;
    expect(mistakes(round)).toEqual(['3:46: input: objects would go round: a <- b <- a']);
    const byChannel = round.replace('input: b, options: {', 'options: { input-channel: b:out,');
    expect(mistakes(byChannel)).toEqual(['3:13: objects would go round through these channels: a -> b -> a']);
    const waiting = CHAIN.replace('input: detector\n', 'input: detector\n    after: second\n').replace(
      'input: first\n',
      'input: first\n    after: first\n',
    );
    expect(mistakes(waiting)).toEqual([
      '9:12: after: each would wait for the other to start: first <- second <- first',
    ]);
  });

  it('refuses two stages that serve the same channel, and one that would serve it twice', () => {
    expect(mistakes(CHAIN.replace('second:output', 'first:output'))).toEqual([
      expect.stringContaining("the output channel of consumer 1, 'first:output', is also the input channel"),
    ]);
    const status = CHAIN.replace('output-channel: second:output', 'status-channel: det:image');
    expect(mistakes(status)).toEqual([
      "10:11: stages 'detector' and 'second' would both serve the channel 'det:image'",
    ]);
  });

  it('refuses on a network of its own a channel that nobody serves', () => {
    const other = CHAIN.replace('    input: first\n', '').replace(
      'second:output',
      'second:output, input-channel: frist:output',
    );
    expect(mistakes(other)).toEqual([
      "10:11: stage 'second': no stage serves the channel 'frist:output'; if the processor of one does, name it there in 'serves'; channels of others need network: environment; did you mean 'first:output'?",
    ]);
    expect(mistakes(other.replace('name: chain', 'name: chain\nnetwork: environment'))).toEqual([]);
    expect(mistakes(other.replace('name: chain', 'name: chain\nbroadcast-port: 7000'))).toEqual([]);
  });

  it('refuses a channel that two processors would serve, or a stage without one', () => {
    const serving = (stage: string, name: string): string =>
      CHAIN.replace(`name: ${stage}`, `name: ${stage}\n    serves: ${name}`);
    expect(mistakes(serving('detector', 'own'))).toEqual([
      "4:13: stage 'detector': serves: ad-sim-server runs no processor that could serve channels",
    ]);
    expect(mistakes(serving('first', 'second:output'))).toEqual([
      "11:11: stages 'first' and 'second' would both serve the channel 'second:output'",
    ]);
    expect(
      mistakes(serving('first', '[own]').replace('first:output,', "'first:*', n-consumers: 2,")),
    ).toContain("6:11: stage 'first' would serve the channel 'own' twice");
    expect(mistakes(serving('first', '[]'))).toHaveLength(1);
    expect(mistakes(serving('first', '"own channel"'))).toHaveLength(1);
  });

  it('are told for processors that are not there', () => {
    const second = (options: string): string[] =>
      mistakes(CHAIN.replace('second:output, processor-class: UserDataProcessor', options));
    expect(second('second:output, processor-class: RotatProcessor')).toEqual([
      "13:64: stage 'second': option 'processor-class': there is no ready-made processor 'RotatProcessor', and no 'processor-file' is given; did you mean 'RotateProcessor'?",
    ]);
    expect(second('second:output, processor-class: Mine, processor-file: there.ts')).toEqual([]);
    expect(second('second:output, processor-class: Mine, processor-file: not-there.ts')).toEqual([
      "13:86: stage 'second': option 'processor-file': there is no file 'not-there.ts' in the chain's folder",
    ]);
  });

  it('are told for names and ids as the commands tell them', () => {
    expect(
      mistakes(CHAIN.replace('{ output-channel: second:output', '{ n-consumers: 2, output-channel: second')),
    ).toEqual([
      expect.stringMatching(
        /^13:14: stage 'second': consumers 1 and 2 would both serve the output channel 'second'; put a \*/,
      ),
    ]);
    const mirror =
      'name: x\nstages:\n  - { name: m, command: mirror-server, options: { channel-map: "(a,b" } }\n';
    expect(mistakes(mirror)).toEqual([expect.stringContaining("stage 'm': channel map: cannot read '(a,b'")]);
    const control = mirror.replace('"(a,b"', '"(a,pvapy:image)", control-channel: pvapy:image');
    expect(mistakes(`${control}  - { name: det, command: ad-sim-server }\n`)).toEqual([
      "4:13: stages 'm' and 'det' would both serve the channel 'pvapy:image'",
    ]);
  });
});

describe('variables', () => {
  const text = `name: \${NAME:-no name}
stages:
  - name: det
    command: ad-sim-server
    options:
      frame-rate: \${fps}
      channel-name: '\${PREFIX:-x}:image'
      runtime: \${T:-10}
`;

  it('come from --set, from the environment, or have a default', () => {
    const chain = plan(text, { set: { fps: '50' }, environment: { fps: '1', PREFIX: 'lab' } });
    expect(chain.file.name).toBe('no name');
    expect(argv(chain, 'det')).toBe(
      '--channel-name lab:image --frame-rate 50 --runtime 10 --report-period 0',
    );
  });

  it('keep the text they are given', () => {
    const file = text.replace(/'(\$\{PREFIX:-x\}):image'/, '$1');
    const channel = (PREFIX: string): string => argv(plan(file, { set: { fps: '50', PREFIX } }), 'det');
    expect(file).not.toBe(text);
    for (const given of ['007', '1.10', '0x10', 'null', 'a#b'])
      expect(channel(given)).toContain(`--channel-name ${given} `);
    const named = plan(text, { set: { fps: '1', NAME: '/data/run #5' } });
    expect(named.file.name).toBe('/data/run #5');
  });

  it('that have no value are mistakes, and so are values nobody asks for', () => {
    expect(mistakes(text)).toEqual([
      '6:19: variable fps has no value; give it with --set fps=VALUE, in the environment, or write ${fps:-DEFAULT}',
      expect.stringContaining("6:19: stage 'det': option 'frame-rate': invalid float value"),
    ]);
    expect(mistakes(text, { set: { fps: '1', PERFIX: 'x' } })).toEqual([
      "1:1: --set PERFIX: no variable ${PERFIX} is used; did you mean 'PREFIX'?",
    ]);
  });

  it('cannot change the structure of the file', () => {
    const chain = plan(text, { set: { fps: '1', NAME: '{ a: b }' } });
    expect(chain.file.name).toBe('{ a: b }');
    expect(plan(text, { set: { fps: '1', NAME: 'x\nstages: []' } }).stages).toHaveLength(1);
  });

  it('are checked as what they become', () => {
    expect(mistakes(text, { set: { fps: 'fast' } })).toEqual([
      "6:19: stage 'det': option 'frame-rate': invalid float value: 'fast'",
    ]);
  });

  it('can be written as text with $${', () => {
    const chain = plan(
      text.replace("'${PREFIX:-x}:image'", () => "'a$${B}'"),
      { set: { fps: '1' } },
    );
    expect(argv(chain, 'det')).toContain('--channel-name a${B} ');
    expect(mistakes(text.replace('${fps}', '${fp s}'))).toContain(
      "6:19: '${fp s}' is no variable; write ${NAME} or ${NAME:-default}, or $${ for the text",
    );
  });
});
