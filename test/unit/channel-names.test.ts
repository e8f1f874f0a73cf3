/** The names of a consumer's channels. */
import { describe, expect, it } from 'vitest';
import { allChannelNames, channelNames } from '../../src/pipeline/channel-names.ts';

describe('channelNames', () => {
  it('replaces every * by the id', () => {
    expect(
      channelNames(
        {
          inputChannel: 'cam*:image:*',
          outputChannel: 'consumer:*:output',
          statusChannel: 'consumer:*:status',
          controlChannel: 'consumer:*:control',
        },
        3,
      ),
    ).toEqual({
      inputChannel: 'cam3:image:3',
      outputChannel: 'consumer:3:output',
      statusChannel: 'consumer:3:status',
      controlChannel: 'consumer:3:control',
    });
  });

  it("turns _ into PvaPy's default names, but not for the input channel", () => {
    expect(
      channelNames({ inputChannel: '_', outputChannel: '_', statusChannel: '_', controlChannel: '_' }, 2),
    ).toEqual({
      inputChannel: '_',
      outputChannel: 'pvapy:consumer:2:output',
      statusChannel: 'pvapy:consumer:2:status',
      controlChannel: 'pvapy:consumer:2:control',
    });
  });

  it('formats the id in all names', () => {
    expect(
      channelNames(
        { inputChannel: 'in', outputChannel: 'out:*', statusChannel: '_', idFormatSpec: '03d' },
        7,
      ),
    ).toMatchObject({ outputChannel: 'out:007', statusChannel: 'pvapy:consumer:007:status' });
  });

  it('knows no format behind the *', () => {
    expect(channelNames({ inputChannel: 'a*:03d' }, 1).inputChannel).toBe('a1:03d');
  });

  it('leaves out channels that are not wanted', () => {
    expect(channelNames({ inputChannel: 'in', outputChannel: '' }, 1)).toEqual({
      inputChannel: 'in',
      outputChannel: undefined,
      statusChannel: undefined,
      controlChannel: undefined,
    });
  });

  it.each([
    [{ inputChannel: '' }, 'the name of the input channel is empty'],
    [{ inputChannel: 'a b' }, "the name of the input channel, 'a b', contains a blank"],
    [
      { inputChannel: 'a', outputChannel: 'o*', idFormatSpec: '3d' },
      "the name of the output channel, 'o  1'",
    ],
    [{ inputChannel: 'a', idFormatSpec: 'q' }, "id format specification 'q'"],
  ])('refuses %j', (options, message) => {
    expect(() => channelNames(options, 1)).toThrowError(message);
    expect(() => channelNames(options, 1)).toThrowError(
      expect.objectContaining({ code: 'HPC_CHANNEL_NAME' }),
    );
  });
});

describe('allChannelNames', () => {
  it('gives each consumer its names; the input channel may be shared', () => {
    const all = allChannelNames(
      { inputChannel: 'image', outputChannel: '*:out', statusChannel: '_' },
      [2, 5],
    );
    expect([...all.keys()]).toEqual([2, 5]);
    expect(all.get(5)).toMatchObject({
      inputChannel: 'image',
      outputChannel: '5:out',
      statusChannel: 'pvapy:consumer:5:status',
    });
  });

  it('allows a fixed name for a single consumer', () => {
    expect(
      allChannelNames({ inputChannel: 'i', controlChannel: 'control' }, [1]).get(1)?.controlChannel,
    ).toBe('control');
  });

  it('refuses a fixed name for several consumers', () => {
    expect(() => allChannelNames({ inputChannel: 'i', statusChannel: 'status' }, [1, 2])).toThrowError(
      "consumers 1 and 2 would both serve the status channel 'status'; put a * for the consumer id into its name",
    );
  });

  it('refuses formats that make two ids look alike', () => {
    const options = { inputChannel: 'i', outputChannel: 'o*', idFormatSpec: '1<3d' };
    expect(() => allChannelNames(options, [1, 11])).toThrowError(
      "would both serve the output channel 'o111'",
    );
  });

  it('refuses one name for two purposes', () => {
    expect(() =>
      allChannelNames({ inputChannel: 'i', outputChannel: 'c*', controlChannel: 'c*' }, [1]),
    ).toThrowError("the control channel of consumer 1, 'c1', is also the output channel of consumer 1");
    expect(() => allChannelNames({ inputChannel: 'image', outputChannel: 'image' }, [1])).toThrowError(
      "the output channel of consumer 1, 'image', is also the input channel of consumer 1",
    );
  });
});
