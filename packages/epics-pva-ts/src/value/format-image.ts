/**
 * An NTNDArray on one line, for people who watch a detector: pvget prints its every pixel. An addition to EPICS
 * base's formats; fields as in pva-protocol.md 8.4.
 */
import { AnyValue, UnionValue } from './containers.ts';
import { alarmText, structMember, timeText } from './format-meta.ts';
import { quoteIfNeeded } from './format-text.ts';
import { Value } from './value.ts';

/** Values of the attribute ColorMode. */
const COLOR_MODES = ['Mono', 'Bayer', 'RGB1', 'RGB2', 'RGB3', 'YUV444', 'YUV422', 'YUV411'];

/** The type of the pixels as they are, compressed or not; "" without pixels. */
function pixelKind(image: Value): string {
  const v = image.tryGet('value');
  const type =
    v instanceof UnionValue ? v.type.members[v.index]?.type : v instanceof AnyValue ? v.type : null;
  return type?.kind ?? '';
}

function structures(image: Value, name: string): Value[] {
  const list = image.tryGet(name);
  return Array.isArray(list) ? (list as unknown[]).filter((e): e is Value => e instanceof Value) : [];
}

function colorMode(attributes: readonly Value[]): string | undefined {
  const v = attributes.find((a) => a.tryGet('name') === 'ColorMode')?.tryGet('value');
  const mode = v instanceof AnyValue || v instanceof UnionValue ? v.value : v;
  return typeof mode === 'number' || typeof mode === 'bigint'
    ? (COLOR_MODES[Number(mode)] ?? `${mode}`)
    : undefined;
}

/**
 * Time, alarm, number, size and type of an image: `TIME ALARM#5 640x480 ushort, 614400 bytes`, ending with a newline;
 * null if this is no whole NTNDArray.
 */
export function formatImage(value: Value): string | null {
  if (!/^epics:nt\/NTNDArray:1(\.|$)/.test(value.type.id)) return null;
  if (!value.type.member('value') || !value.type.member('dimension')) return null;
  const sizes = structures(value, 'dimension').map((d) => String(d.tryGet('size') ?? 0));
  // Only some fields were asked for.
  if (sizes.length === 0 && !value.isMarked('dimension')) return null;
  const time = structMember(value, 'timeStamp');
  const alarm = structMember(value, 'alarm');
  const head = `${time ? timeText(time) : ''}${alarm ? alarmText(alarm) : ''}#${value.tryGet('uniqueId') ?? '?'}`;
  if (sizes.length === 0) return `${head} no image\n`;
  const attributes = structures(value, 'attribute');
  const codec = value.tryGet('codec.name');
  const parts = [`${sizes.join('x')} ${pixelKind(value)}`.trimEnd()];
  const mode = colorMode(attributes);
  if (mode !== undefined) parts.push(mode);
  parts.push(`${value.tryGet('uncompressedSize') ?? '?'} bytes`);
  if (typeof codec === 'string' && codec !== '')
    parts.push(`${quoteIfNeeded(codec)} ${value.tryGet('compressedSize') ?? '?'} bytes`);
  if (attributes.length > 0)
    parts.push(`${attributes.length} attribute${attributes.length === 1 ? '' : 's'}`);
  return `${head} ${parts.join(', ')}\n`;
}
