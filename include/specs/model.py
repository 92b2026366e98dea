"""The network, how it is fitted, and what is measured of it."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from include.specs.base import SpecModel
from include.specs.bounds import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_HIDDEN_LAYERS,
    MAX_LEARNING_RATE,
    MAX_SEED,
    MAX_UNITS,
)
from include.specs.metrics import METRICS

Loss = Literal["squared", "absolute"]
Units = Annotated[int, Field(ge=1, le=MAX_UNITS)]
DOTTED_PATTERN = r"^[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)+$"


class ModelSpec(SpecModel):
    """The network."""

    kind: str = Field(
        default="mlp",
        description="mlp, cnn, or the dotted path of your own builder "
        "`def build(schema: FeatureSchema, model: ModelSpec) -> keras.Model`.",
    )
    hidden: tuple[Units, ...] = Field(
        default=(64, 32),
        max_length=MAX_HIDDEN_LAYERS,
        description="Units of each hidden dense layer.",
        title="Hidden layers",
    )
    filters: tuple[Units, ...] = Field(
        default=(32, 64),
        max_length=MAX_HIDDEN_LAYERS,
        description="cnn: filters of the convolution blocks.",
    )
    activation: Literal["relu", "gelu", "selu", "elu", "tanh", "swish"] = Field(
        default="relu", description="Activation of the hidden layers."
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout after hidden layers.")
    l2: float = Field(default=0.0, ge=0, description="L2 penalty on the hidden kernels.")
    change_from: str | None = Field(
        default=None,
        description="mlp and cnn of a regression: a number or a lag of the target that the "
        "prediction starts from, e.g. dust_lag_1; the network learns the change.",
    )
    options: dict[str, float | int | str | bool] = Field(
        default_factory=dict, description="Arguments for a builder of your own."
    )

    @field_validator("kind")
    @classmethod
    def check_kind(cls, value: str) -> str:
        """Accept a known network or a dotted path."""
        if value not in {"mlp", "cnn"} and not re.match(DOTTED_PATTERN, value):
            raise ValueError(
                "kind must be mlp, cnn or a dotted path such as include.networks.my_builder. "
                f"Received: {value!r}"
            )
        return value


class EarlyStopping(SpecModel):
    """When to stop before the last epoch."""

    patience: int = Field(default=3, ge=1, description="Epochs without improvement to wait.")
    min_delta: float = Field(default=0.0, ge=0, description="Improvement that counts.")


class TrainingSpec(SpecModel):
    """How the network is fitted."""

    epochs: int = Field(
        default=20,
        ge=1,
        le=MAX_EPOCHS,
        description="Most passes over the training rows; early stopping may end sooner.",
    )
    batch_size: int = Field(
        default=32, ge=1, le=MAX_BATCH_SIZE, description="Rows in one optimizer step."
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "nadam"] = Field(
        default="adam", description="Keras optimizer."
    )
    learning_rate: float = Field(
        default=0.001, gt=0, le=MAX_LEARNING_RATE, description="Step size of the optimizer."
    )
    early_stopping: EarlyStopping | None = Field(
        default=EarlyStopping(),
        description="Stop when the validation loss no longer falls, and keep the best weights; "
        "null for none.",
    )
    loss: Loss = Field(
        default="squared",
        description="regression: what the fit makes small. squared predicts the mean, absolute the "
        "median, which is the better guess where `mae` decides or a few values are far out.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced weighs rows by the inverse share of their class."
    )
    seed: int = Field(
        default=0, ge=0, le=MAX_SEED, description="Seed of weights, shuffling and dropout."
    )


class CostSpec(SpecModel):
    """What a wrong answer to a question of yes and no costs, in any unit."""

    false_positive: float = Field(ge=0, description="Cost of a yes where no is true.")
    false_negative: float = Field(ge=0, description="Cost of a no where yes is true.")


class EvaluationSpec(SpecModel):
    """What is measured on validation and test."""

    metrics: tuple[str, ...] = Field(
        default=(), description="Metrics, shown in this order; all of the task unless given."
    )
    slices: tuple[str, ...] = Field(
        default=(), description="Columns by whose values the test metrics are split."
    )
    slice_rows: int = Field(
        default=50,
        ge=20,
        description="Fewest test rows of a slice that is held against the champion's.",
    )
    costs: CostSpec | None = Field(
        default=None,
        description="Two classes: what wrong answers cost; the report then tells the threshold "
        "that costs least.",
    )
    reference: Literal["gradient_boosting", "none"] = Field(
        default="gradient_boosting",
        description="What the network is also held against: scikit-learn's gradient boosting on "
        "the same feature rows, fitted in at most 15 s, of tables of up to 200,000 training rows "
        "without arrays and texts; once for the same features.",
    )

    @field_validator("metrics")
    @classmethod
    def check_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a metric that nobody computes."""
        for name in value:
            if name not in METRICS:
                raise ValueError(f"unknown metric. Received: {name!r}; known: {sorted(METRICS)}")
        return value
