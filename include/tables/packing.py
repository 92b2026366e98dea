"""Arrays of one length as bytes at rest, where nobody but readers of this store looks at them.

In a list Parquet writes levels beside every element; as bytes a row is one value, which is written
and read in a third of the time. The schema of the file names the type of the elements, by which
readers give lists again.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from include.values.frames import one_array
from include.values.hashing import list_bytes

_ELEMENTS: Final = b"elements"


def pack_schema(schema: pa.Schema) -> pa.Schema:
    """Give the types in which rows are packed."""
    return pa.schema([_pack_field(field) for field in schema])


def pack(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Pack rows into a schema that `pack_schema` gave; no element of an array is missing."""
    columns = [
        _pack_array(one_array(column), field.type) if field.type != column.type else column
        for field, column in zip(schema, rows.columns, strict=True)
    ]
    return pa.table(columns, schema=schema)


def unpack(rows: pa.Table) -> pa.Table:
    """Give rows as they were before they were packed; others as they are."""
    for place, field in enumerate(rows.schema):
        if _ELEMENTS in (field.metadata or {}):
            lists = _unpack_array(one_array(rows.column(place)), field.metadata[_ELEMENTS])
            rows = rows.set_column(place, field.name, lists)
    return rows


def _pack_field(field: pa.Field) -> pa.Field:
    kind = field.type
    if not pa.types.is_fixed_size_list(kind):
        return field
    width = kind.list_size * kind.value_type.bit_width // 8
    return pa.field(field.name, pa.binary(width), metadata={_ELEMENTS: str(kind.value_type)})


def _pack_array(array: pa.FixedSizeListArray, kind: pa.DataType) -> pa.Array:
    packed = pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(list_bytes(array))])
    if not array.null_count:
        return packed
    return pc.if_else(array.is_valid(), packed, pa.scalar(None, kind))


def _unpack_array(array: pa.FixedSizeBinaryArray, elements: bytes) -> pa.FixedSizeListArray:
    kind = pa.type_for_alias(elements.decode())
    size = array.type.byte_width * 8 // kind.bit_width
    first, behind = array.offset * size, (array.offset + len(array)) * size
    values = pa.Array.from_buffers(kind, behind, [None, array.buffers()[1]]).slice(first)
    mask = array.is_null() if array.null_count else None
    return pa.FixedSizeListArray.from_arrays(values, size, mask=mask)
