/**
 * The options of `ad-sim-server`: names, defaults and meaning are those of PvaPy's `pvapy-ad-sim-server` 5.6
 * (adSimServer.py). Not offered yet: HDF5 and raw binary input, metadata channels and the notification channel.
 */
import type { CommandSpec, OptionTable, ParsedOptions } from './option-table.ts';

/** The option table of `ad-sim-server`. */
export const adSimServerOptions = [
  {
    long: '--channel-name',
    short: '-cn',
    kind: 'string',
    default: 'pvapy:image',
    placeholder: 'channel',
    group: 'Channel',
    description: 'channel that serves the images',
  },
  {
    long: '--input-directory',
    short: '-id',
    kind: 'string',
    placeholder: 'directory',
    group: 'Frames from files',
    description: 'stream the frames of all .npy files of this directory, in order of their names',
  },
  {
    long: '--input-file',
    short: '-if',
    kind: 'string',
    placeholder: 'file',
    group: 'Frames from files',
    description:
      'stream the frames of this .npy file: one image, or a stack of images (frames, rows, columns)',
  },
  {
    long: '--mmap-mode',
    short: '-mm',
    kind: 'flag',
    group: 'Frames from files',
    description: "accepted for PvaPy's sake: files are read frame by frame, never as a whole",
  },
  {
    long: '--n-frames',
    short: '-nf',
    kind: 'int',
    default: 0,
    group: 'Frames',
    description: 'number of different frames; 0 or less takes all there are in the files, or fills the cache',
  },
  {
    long: '--cache-size',
    short: '-cs',
    kind: 'int',
    default: 1000,
    group: 'Frames',
    description:
      'frames to keep in memory; if all frames fit they are served again and again, otherwise each once',
  },
  {
    long: '--n-x-pixels',
    short: '-nx',
    kind: 'int',
    default: 256,
    minimum: 1,
    group: 'Generated frames',
    description: 'width of generated frames, in pixels',
  },
  {
    long: '--n-y-pixels',
    short: '-ny',
    kind: 'int',
    default: 256,
    minimum: 1,
    group: 'Generated frames',
    description: 'height of generated frames, in pixels',
  },
  {
    long: '--datatype',
    short: '-dt',
    kind: 'string',
    choices: ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'],
    default: 'uint8',
    placeholder: 'type',
    group: 'Generated frames',
    description: 'type of the pixels of generated frames',
  },
  {
    long: '--color-mode',
    short: '-cm',
    kind: 'int',
    choices: [0, 2, 3, 4],
    default: 0,
    placeholder: 'mode',
    group: 'Generated frames',
    description: "areaDetector's colour mode of generated frames: 0 mono, 2 RGB1, 3 RGB2, 4 RGB3",
  },
  {
    long: '--minimum',
    short: '-mn',
    kind: 'float',
    placeholder: 'value',
    group: 'Generated frames',
    description: 'lowest pixel value generated; the lowest of the type when not given',
  },
  {
    long: '--maximum',
    short: '-mx',
    kind: 'float',
    placeholder: 'value',
    group: 'Generated frames',
    description: 'upper end of the pixel values generated; the highest of the type when not given',
  },
  {
    long: '--frame-rate',
    short: '-fps',
    kind: 'float',
    default: 20,
    placeholder: 'fps',
    group: 'Publishing',
    description: 'frames per second; 0 or less publishes as fast as possible',
  },
  {
    long: '--runtime',
    short: '-rt',
    kind: 'float',
    default: 300,
    placeholder: 'seconds',
    group: 'Publishing',
    description: 'time from the first frame to the last',
  },
  {
    long: '--start-delay',
    short: '-std',
    kind: 'float',
    default: 10,
    minimum: 0,
    placeholder: 'seconds',
    group: 'Publishing',
    description: 'time before the first frame, for clients to connect',
  },
  {
    long: '--shutdown-delay',
    short: '-shd',
    kind: 'float',
    default: 10,
    minimum: 0,
    placeholder: 'seconds',
    group: 'Publishing',
    description: 'time the channel is served after the last frame, for clients to catch up',
  },
  {
    long: '--report-period',
    short: '-rp',
    kind: 'int',
    default: 1,
    placeholder: 'frames',
    group: 'Publishing',
    description: 'report every so many published frames; 0 or less never',
  },
  {
    long: '--disable-curses',
    short: '-dc',
    kind: 'flag',
    group: 'Publishing',
    description: 'print lines on a terminal, too, in place of a live view on the full screen',
  },
] as const satisfies OptionTable;

/** The parsed options of `ad-sim-server`. */
export type AdSimServerOptions = ParsedOptions<typeof adSimServerOptions>;

/** The command `ad-sim-server`. */
export const adSimServerCommand = {
  name: 'ad-sim-server',
  summary: 'Serves simulated area detector images (NTNDArray) on a pvAccess channel at a set rate.',
  options: adSimServerOptions,
} as const satisfies CommandSpec;
