"""p4p values as JSON and back: the language between the interop tests and the p4p drivers.

Types are written as p4p writes them (one letter, 'a' before it for an array), with JSON lists for its tuples:
    "i", "ad", ["S", "id", [["name", type], ...]], ["U", ...], ["aS", ...], ["aU", ...], "v", "av"
An empty id is written "structure" or null.

Values:
    integers up to 32 bits   number
    64-bit integers          text, so that none is rounded
    floating point           number; "NaN", "Infinity", "-Infinity", "-0" as text
    structure                {"member": value, ...}; in a put, members left out stay as they are
    union                    {"selected": "member", "value": value} or null
    any                      {"type": type, "value": value} or null
    array                    list; null for a null element of a structure or union array
"""

import re

import numpy
from p4p import Type, Value

from scalar_json import DTYPES, from_scalar

LETTERS = {numpy.dtype(dtype).name: letter for letter, dtype in DTYPES.items()}
# PVXS's names of scalar types, as Value.tostr() prints them.
PVXS_NAMES = {'bool': '?', 'int8_t': 'b', 'uint8_t': 'B', 'int16_t': 'h', 'uint16_t': 'H', 'int32_t': 'i',
              'uint32_t': 'I', 'int64_t': 'l', 'uint64_t': 'L', 'float': 'f', 'double': 'd', 'string': 's'}


def kind_of(spec):
    """The letter part of a type: 'i', 'ad', 'S', 'aU', 'v' ..."""
    return spec if isinstance(spec, str) else spec[0]


def make_type(spec):
    """p4p Type of a structure written as JSON."""
    return Type([(name, to_spec(member)) for name, member in spec[2]], id=spec[1])


def to_spec(spec):
    """p4p's tuples from JSON's lists."""
    if isinstance(spec, str):
        return spec
    return (spec[0], spec[1], [(name, to_spec(member)) for name, member in spec[2]])


def make_value(spec, json_value):
    """p4p Value of a structure; only the members given are marked as changed."""
    return Value(make_type(spec), to_python(spec, json_value))


def members(spec):
    return dict((name, member) for name, member in spec[2])


def to_python(spec, value):
    """What p4p wants to be assigned for a JSON value of this type."""
    kind = kind_of(spec)
    if kind == 'S':
        types = members(spec)
        return {name: to_python(types[name], member) for name, member in value.items()}
    if kind == 'U':
        return None if value is None else (value['selected'], to_python(members(spec)[value['selected']], value['value']))
    if kind == 'v':
        return None if value is None else to_variant(value)
    if kind == 'as':
        return [str(element) for element in value]
    if kind in ('aS', 'aU', 'av'):
        element_spec = 'v' if kind == 'av' else (kind[1:], spec[1], spec[2])
        # A null structure or union has no contents; None stands for it in p4p.
        return [None if element is None else to_python(element_spec, element) for element in value]
    if kind[0] == 'a':
        return numpy.array([to_scalar(kind[1], element) for element in value], dtype=DTYPES[kind[1]])
    return to_scalar(kind, value)


def to_variant(value):
    """Contents of an 'any'. p4p chooses the type of a scalar itself: only '?', 'l', 'd' and 's' can be sent."""
    spec = value['type']
    kind = kind_of(spec)
    if kind == 'S':
        return make_value(spec, value['value'])
    if len(kind) == 1 and kind not in '?lds':
        raise ValueError('p4p cannot put a scalar of type %r into an any' % kind)
    return to_python(spec, value['value'])


def to_scalar(letter, value):
    if letter == '?':
        return bool(value)
    if letter == 's':
        return str(value)
    return float(value) if letter in 'fd' else int(value)


def from_value(value):
    """JSON of a whole p4p Value: {'type': ..., 'value': ...}."""
    spec = value.type().aspy()
    return {'type': from_spec(spec), 'value': from_struct(value, spec)}


def from_spec(spec):
    if isinstance(spec, str):
        return spec
    return [spec[0], spec[1] or 'structure', [[name, from_spec(member)] for name, member in spec[2]]]


def from_struct(holder, spec):
    return {name: from_field(holder, name, member) for name, member in spec[2]}


def from_field(holder, path, spec):
    """JSON of the field of a structure; 'path' is the way p4p addresses it from there."""
    kind = kind_of(spec)
    value = holder[path]
    if kind == 'S':
        return from_struct(value, spec)
    if kind == 'U':
        return from_union(holder, path, spec)
    if kind == 'v':
        return None if value is None else from_variant(value, scalar_type(holder, path))
    if kind[0] == 'a':
        # PVXS tells an array never assigned from an empty one; on the wire they are the same.
        return [] if value is None else from_array(holder, path, value, spec)
    return from_scalar(kind, value)


def from_array(holder, path, array, spec):
    kind = kind_of(spec)
    if kind == 'aS':
        return [None if element is None else from_struct(element, spec) for element in array]
    if kind in ('aU', 'av'):
        letters = element_types(holder, path)
        elements = [None if element is None else from_variant(element, letter)
                    for element, letter in zip(array, letters)]
        return elements if kind == 'av' else [from_union_element(element, spec) for element in elements]
    return [from_scalar(kind[1], element) for element in array]


def from_union(holder, path, spec):
    """p4p gives a union's contents without saying which member they are: ask for each."""
    for name, member in spec[2]:
        try:
            return {'selected': name, 'value': from_field(holder, '%s->%s' % (path, name), member)}
        except KeyError:
            continue
    return None


def from_union_element(element, spec):
    """PVXS forgets which member an element of a received union array was: the one that has its type."""
    if element is None:
        return None
    names = [name for name, member in spec[2] if from_spec(member) == element['type']]
    return {'selected': names[0] if len(names) == 1 else None, 'value': element['value']}


def from_variant(value, letter):
    if isinstance(value, Value):
        return from_value(value)
    if isinstance(value, numpy.ndarray):
        letter = LETTERS[value.dtype.name]
        return {'type': 'a' + letter, 'value': [from_scalar(letter, element) for element in value]}
    if isinstance(value, list):
        return {'type': 'as', 'value': [str(element) for element in value]}
    return {'type': letter, 'value': from_scalar(letter, value)}


def scalar_type(holder, path):
    """Type letter of the scalar in an 'any': p4p gives a Python number, only the printed form names the type."""
    name = path.split('->')[-1]
    found = re.search(r'^\s*(?:union \S+ )?any %s (\w+) = ' % re.escape(name), holder.tostr(0), re.MULTILINE)
    return PVXS_NAMES.get(found.group(1)) if found else None


def element_types(holder, path):
    """Type letters of the elements of an array of unions or of 'any', None for those that are no scalar."""
    lines = holder.tostr(0).split('\n')
    head = re.compile(r'\s*(any|union)\[\] %s = {' % re.escape(path.split('->')[-1]))
    start = next(i for i, line in enumerate(lines) if head.match(line))
    indent = len(lines[start]) - len(lines[start].lstrip()) + 4
    types = []
    for line in lines[start + 1:]:
        text = line[indent:]
        if line.strip() and not line.startswith(' ' * indent):
            break
        if text and text[0] not in ' }':
            types.append(PVXS_NAMES.get(text.split(' ')[0]))
    return types
