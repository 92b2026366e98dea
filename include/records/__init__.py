"""What steps hand each other: small frozen models that travel through XCom.

Records carry places, keys, counts and metrics; never rows. A test holds each under 8 KB.
Long details lie as JSON in the run's directory and a record carries their place.
"""

from include.records.analysis import ExploreRecord
from include.records.curve import CurvePlan, CurvePoint, LearningCurve
from include.records.judgement import (
    Estimate,
    Evidence,
    KeyMetric,
    Outcome,
    Rival,
    SliceGap,
    TriedRows,
    Tries,
)
from include.records.maintenance import MaintainRecord
from include.records.model import (
    Answer,
    Comparison,
    EvaluateRecord,
    Gate,
    ModelMetrics,
    PromoteRecord,
    Question,
    ReportRecord,
    TrainRecord,
    Verdict,
    VerdictKind,
)
from include.records.monitoring import ColumnDrift, MonitorRecord, Performance, Window
from include.records.notices import Notice
from include.records.origin import Likeness, Origin, Reproduction, Stage
from include.records.quality import QualityReport, RuleOutcome, ValidateRecord
from include.records.run import Record, RunContext, StepCost, StepFailure
from include.records.scoring import (
    Delivery,
    ScoredInput,
    ScoringDetails,
    ScoringInput,
    ScoringPlan,
    Shadow,
    ShadowRecord,
    Shard,
    ShardScores,
    WayBack,
)
from include.records.simulation import PolicyCourse, Simulation
from include.records.tables import (
    FeatureInput,
    FeatureSchema,
    IngestRecord,
    PrepareRecord,
    TableRef,
    TargetScale,
)
from include.records.tasks import (
    ALL_TASKS,
    MONITORING_TASKS,
    PLACES,
    SCORING_TASKS,
    STEPS,
    TASKS,
    RunRecords,
)

__all__ = [
    "ALL_TASKS",
    "MONITORING_TASKS",
    "PLACES",
    "SCORING_TASKS",
    "STEPS",
    "TASKS",
    "Answer",
    "ColumnDrift",
    "Comparison",
    "CurvePlan",
    "CurvePoint",
    "Delivery",
    "Estimate",
    "EvaluateRecord",
    "Evidence",
    "ExploreRecord",
    "FeatureInput",
    "FeatureSchema",
    "Gate",
    "IngestRecord",
    "KeyMetric",
    "LearningCurve",
    "Likeness",
    "MaintainRecord",
    "ModelMetrics",
    "MonitorRecord",
    "Notice",
    "Origin",
    "Outcome",
    "Performance",
    "PolicyCourse",
    "PrepareRecord",
    "PromoteRecord",
    "QualityReport",
    "Question",
    "Record",
    "ReportRecord",
    "Reproduction",
    "Rival",
    "RuleOutcome",
    "RunContext",
    "RunRecords",
    "ScoredInput",
    "ScoringDetails",
    "ScoringInput",
    "ScoringPlan",
    "Shadow",
    "ShadowRecord",
    "Shard",
    "ShardScores",
    "Simulation",
    "SliceGap",
    "Stage",
    "StepCost",
    "StepFailure",
    "TableRef",
    "TargetScale",
    "TrainRecord",
    "TriedRows",
    "Tries",
    "ValidateRecord",
    "Verdict",
    "VerdictKind",
    "WayBack",
    "Window",
]
