"""The JSON schema of the pipeline file, by which editors complete and check it.

A file that begins with `MODELINE` is checked by the schema beside it.
"""

import json
from functools import cache
from typing import Any, Final

from include.specs.pipeline import PipelineSpec

SCHEMA_FILE: Final = "pipeline.schema.json"
MODELINE: Final = f"# yaml-language-server: $schema={SCHEMA_FILE}"
# YAML reads 0 and true as more than texts, which is what they are read as here.
WRITTEN: Final = {"type": ["string", "number", "boolean"]}


@cache
def render_schema() -> str:
    """Render the schema as JSON: once, since it is the same for every file."""
    schema = PipelineSpec.model_json_schema()
    models: dict[str, Any] = schema["$defs"]
    models["TargetSpec"]["properties"]["positive"]["anyOf"][0] = WRITTEN
    models["CategoryColumn"]["properties"]["values"]["anyOf"][0]["items"] = WRITTEN
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gatehouse pipeline",
    }
    return json.dumps(schema | head, indent=1, ensure_ascii=False) + "\n"
