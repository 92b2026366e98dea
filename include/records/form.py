"""What a person may change from run to run, by form, REST or command line, and how.

Title, help, type and bounds are those of the model's field.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from include.errors import ParamError, SpecError, did_you_mean
from include.specs import PipelineSpec
from include.specs.loader import describe_validation_error


class FormField(NamedTuple):
    """What of the spec a field of the form is; the common ones show without a click."""

    place: tuple[str, ...]
    note: str = ""
    is_common: bool = False

    @property
    def is_of_training(self) -> bool:
        """Whether it is of no use to a run that trains nothing."""
        return self.place[0] in {"training", "model"}


# In the order of the form.
FIELDS: Final = {
    "epochs": FormField(("training", "epochs"), is_common=True),
    "learning_rate": FormField(("training", "learning_rate"), is_common=True),
    "source_uri": FormField(
        ("source", "uri"),
        "Inside it, or at a place that GATEHOUSE_SOURCE_ROOTS allows; empty for the spec's own.",
        is_common=True,
    ),
    "batch_size": FormField(("training", "batch_size")),
    "hidden": FormField(("model", "hidden"), "A list in brackets, as [256, 128]; [] for none."),
    "seed": FormField(("training", "seed")),
    "row_limit": FormField(("row_limit",), "Empty for all."),
}
# What a run is told beside its spec, and whether that is common.
TOLD: Final = {"learning_curve": True, "note": True, "force": False}


def apply_params(spec: PipelineSpec, params: Mapping[str, Any]) -> PipelineSpec:
    """Write what the form says into the spec.

    Raises:
        ParamError: A key is unknown, or a value is not one the spec accepts.
    """
    known = {*list_fields(spec), *TOLD}
    for name in params:
        if name not in known:
            raise ParamError(
                f"expected one of the parameters {sorted(known)}. Received: {name!r}."
                f"{did_you_mean(name, known)} "
                "Trigger the run again without it."
            )
    document = spec.model_dump()
    for name, field in FIELDS.items():
        # Nothing is a value where the spec accepts it: a cleared row limit asks for all rows.
        if name in params and (params[name] is not None or name == "row_limit"):
            *above, key = field.place
            part = document[above[0]] if above else document
            part[key] = params[name]
    try:
        return PipelineSpec.model_validate(document)
    except ValidationError as error:
        raise ParamError(
            f"a parameter breaks the spec of {spec.name!r}: "
            f"{describe_validation_error('the form', error, 'Give it another value.')}"
        ) from error
    except (ValueError, OverflowError, SpecError) as error:
        raise ParamError(
            f"a parameter must be one that the spec of {spec.name!r} accepts. Received: {error}. "
            "Trigger the run again with another."
        ) from error


def list_fields(spec: PipelineSpec) -> dict[str, FormField]:
    """List what of the form a pipeline has; a source without an address cannot be replaced."""
    found = {}
    for name, field in FIELDS.items():
        *above, key = field.place
        model = getattr(spec, above[0]) if above else spec
        if key in type(model).model_fields:
            found[name] = field
    return found
